/* SPDX-License-Identifier: Apache-2.0 */
/* What is special about Pods: their quality of service, how long they have to go, what admission adds. */
#pragma once

#include "user/base/json.h"

struct api_request;
struct failure;

/* For the table of strategy.c. */
int pod_create(const struct api_request *request, json_t *object, struct failure *failure);
long long pod_grace(const json_t *object, long long asked);

/* Of "ephemeralcontainers": all but these is taken from @old.  -1: no memory. */
int pod_keep(json_t *object, const json_t *old);

/* pod_account.c: the service account, and the volume with its token. */
int pod_admit_account(const struct api_request *request, json_t *pod, struct failure *failure);

/* Refuses the Pod, -1: "pods "x" is forbidden: WHY". */
int pod_forbid(const struct api_request *request, struct failure *failure, const char *why);

/* pod_admission.c: service account, tolerations and priority of a new Pod. */
int pod_admit(const struct api_request *request, json_t *pod, struct failure *failure);
