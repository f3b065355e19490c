/* SPDX-License-Identifier: Apache-2.0 */
/* Which node a Pod goes to, in a snapshot of the cluster.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/control/resources.h"

struct snapshot_node {
	const json_t *node; /* borrowed */
	struct resources allocatable, requested, shown;
};

struct snapshot {
	struct snapshot_node *nodes; /* owned */
	size_t count;
};

/* @nodes, @pods: "namespace/name" -> object, borrowed as long as the snapshot lives.  -ENOMEM. */
int snapshot_make(const json_t *nodes, const json_t *pods, struct snapshot *ret);
void snapshot_clear(struct snapshot *snapshot);

#define SCHEDULE_MESSAGE 1024

/*
 * The node for @pod: among those that pass every filter the one with the best score; of equal ones that which
 * @chance picks.  NULL: none, and @message says why, as upstream does ("0/3 nodes are available: ...").
 */
const json_t *schedule_choose(const struct snapshot *snapshot, const json_t *pod, unsigned chance,
	char message[SCHEDULE_MESSAGE]);
