/* SPDX-License-Identifier: Apache-2.0 */
/* Which Pods stand behind a Service, and at which ports: what both kinds of endpoints have in common.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

/* Its endpoints follow from Pods: there is a selector, and it is no name elsewhere. */
bool service_selects(const json_t *service);

/* In its namespace and with its labels. */
bool service_has_pod(const json_t *service, const json_t *pod);

/* It has no address: clients get those of its Pods. */
bool service_is_headless(const json_t *service);
/* Pods that are not ready count as if they were. */
bool service_shows_unready(const json_t *service);

/* It has an address and is not over; one that is being deleted counts only with @terminating. */
bool pod_is_endpoint(const json_t *pod, bool terminating);
const char *pod_ip(const json_t *pod);
/* The name by which it is known below a headless @service; "": none. */
const char *pod_hostname(const json_t *pod, const json_t *service);

/*
 * The ports of @service at @pod: [{name, protocol, port, appProtocol}], without those whose name the Pod does
 * not know.  A port without a name has the name "" if @named, else none.  The caller owns it.
 */
json_t *service_ports_at(const json_t *service, const json_t *pod, bool named);

/* {kind, namespace, name, uid}.  The caller owns it. */
json_t *pod_reference(const json_t *pod);

/*
 * What a merge patch makes of @old labels, so that they are those of @service and @more (which it takes).
 * The caller owns it.
 */
json_t *service_labels(const json_t *service, json_t *more);
json_t *labels_patch(const json_t *old, const json_t *wanted);
