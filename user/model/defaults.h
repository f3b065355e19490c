/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Kubernetes fills in: the fallback of each row, and defaults that depend on other fields
 * (schema_message.complete).  The node's schema_apply uses the same rows and functions.
 */
#pragma once

#include "user/base/json.h"

struct schema_message;

/* Completes @object, which codec_json.h or codec_protobuf.h read, in place.  -ENOMEM. */
int defaults_apply(json_t *object, const struct schema_message *message);

/* For the tables: each completes one message before its parts are completed.  0 or -ENOMEM. */
int container_complete(json_t *container); /* pull policy by tag */
int volume_complete(json_t *volume);	   /* without a source: an emptyDir */
int pod_complete(json_t *pod); /* what a template has not: requests are the limits, service links */
int pod_spec_complete(json_t *spec);	   /* two names of the service account, host ports */
int namespace_complete(json_t *namespace); /* its name is a label */
int node_spec_complete(json_t *spec);	   /* the first of its ranges is told twice */
int service_spec_complete(json_t *spec);   /* what goes with the type and the affinity */
int service_port_complete(json_t *port);   /* the target is the port */
int secret_complete(json_t *secret);	   /* stringData goes into data */
int strategy_complete(json_t *strategy);   /* a rolling update has parameters */
int subject_complete(json_t *subject);	   /* the API group of users and groups */
