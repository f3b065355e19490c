/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API server as a source of Pods and Services beside the manifests, and as the one who is told
 * how they are. What it said last goes on to count while it cannot be reached, across restarts of
 * podnetd too.  Without an API server (agent->cluster NULL) everything here may be called and does
 * nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/model/object.h"

struct agent;
struct cluster;
struct err;
struct node_event;
struct node_pod;
struct pod;
struct projection;

/* Reads the kubeconfig, and what an earlier podnetd knew.  Nothing is asked yet. */
int cluster_open(struct agent *agent, struct err *err);
/* The manifests were read for the first time: joins. */
int cluster_begin(struct agent *agent, struct err *err);
/* Accepts NULL; returns NULL.  Before the node. */
struct cluster *cluster_free(struct cluster *cluster);

/* Records what is known for the next podnetd. */
void cluster_save(struct agent *agent);

/* Pods may be wanted that are not known: the server has not listed them since the start. */
bool cluster_is_unsure(const struct agent *agent);

/* "namespace/name" -> Service, as the server told last; may be NULL.  Borrowed until the loop's next turn. */
const json_t *cluster_services(const struct agent *agent);
/* The EndpointSlices of a Service, see user/cluster/slices.h; may be NULL. */
const json_t *cluster_slices(const struct agent *agent, const char *key);
/* A Service of the server is not served here, or is (again): a Warning event says why, once. */
void cluster_service_refused(
	struct agent *agent, const char *key, const char *uid, const char *why);
void cluster_service_served(struct agent *agent, const char *key);

/*
 * Until when the data plane is better left as it is: right after the start the server has not told
 * yet what may be newer than what was kept.  0: no longer.
 */
uint64_t cluster_patience(const struct agent *agent);

/* A ConfigMap or Secret of the server that a Pod here names; NULL: there is none. */
const struct object *cluster_source(
	const struct agent *agent, enum object_kind kind, const char *namespace, const char *name);

/* clusterpods.c: a token that a volume of @pod shows; borrowed.  NULL: there is none, and @err says why. */
const char *cluster_token(const struct agent *agent, const struct pod *pod,
	const struct projection *projection, struct err *err);

/* clusterpods.c: Pods of the API server -> Pods */
void clusterpods_sync(struct agent *agent);
/* Whether a Pod with this UID is to run here. */
bool clusterpods_want(const struct agent *agent, const char *uid);
/* Its status may be another. */
void clusterpods_changed(struct agent *agent, const struct node_pod *pod);
/* It is gone for good. */
void clusterpods_gone(struct agent *agent, const struct node_pod *pod);
/* node_events.happened */
void clusterpods_happened(void *userdata, struct node_pod *pod, const struct node_event *event);
