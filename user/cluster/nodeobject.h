/* SPDX-License-Identifier: Apache-2.0 */
/* The Node object of this machine: what it is to be, and what has to be written for that.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"

struct machine;

#define NODE_PODS_MOST	 110
#define NODE_IMAGES_MOST 50 /* that are told of; as the kubelet */

struct nodeobject_input {
	const char *name;
	const char *address; /* by which other machines reach it */
	unsigned port;	     /* of the node's API; 0: it has none */
	const char *pod_cidr;
	const char *version; /* of podnet: "podnet://VERSION" is the container runtime */
	const struct machine *machine;
	json_t *images; /* for status.images; NULL: nothing is told */
	uint64_t wall;	/* microseconds since 1970 */
};

/* The whole object to create, without status.  The caller owns it; NULL when memory is out. */
json_t *nodeobject_new(const struct nodeobject_input *input);

/*
 * A merge patch of metadata and spec that makes @node ours: labels, and a podCIDR where it has none.  Taints
 * and what others wrote stay.  The caller owns *@ret; NULL: nothing differs.  -ENOMEM.
 */
int nodeobject_mend(const struct nodeobject_input *input, const json_t *node, json_t **ret);

/*
 * A strategic patch of its status.  A condition that did not change keeps its time of change.  *@ret_differs:
 * more than the times of the heartbeat has changed.  The caller owns it; NULL when memory is out.
 */
json_t *nodeobject_status(
	const struct nodeobject_input *input, const json_t *node, bool *ret_differs);

/* The Lease that says it is alive: the body to create, and to patch with.  NULL when memory is out. */
json_t *nodeobject_lease(const struct nodeobject_input *input, const char *node_uid);
