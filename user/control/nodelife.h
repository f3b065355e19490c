/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes that say nothing any more, and the taints that say so.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"

struct requests;

struct nodelife {
	const json_t *node, *pods; /* pods: "namespace/name" -> Pod */
	int64_t silent;		   /* seconds since the node has last shown that it lives */
	int64_t grace;		   /* seconds */
	bool alone;  /* no node is ready: then the fault may be ours, and nobody is evicted */
	bool held;   /* it is not its turn to be emptied: it gets no NoExecute taint yet */
	int64_t now; /* seconds since 1970 */
};

/* What a node says anew as long as it lives, as text that the caller frees.  @lease may be NULL.  NULL: no memory. */
char *nodelife_sign(const json_t *node, const json_t *lease);

/*
 * A node that is silent for too long: its conditions become Unknown, its Pods not ready.  The taints of
 * conditions are kept as the conditions are.  -ENOMEM.
 */
int nodelife_plan(const struct nodelife *life, struct requests *plan);

/* It has a NoExecute taint because of its conditions. */
bool node_is_emptied(const json_t *node);

/* "True", "False", "Unknown"; "": it has not said so yet. */
const char *node_condition(const json_t *node, const char *type);
