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

/* One that is on a node and not over. */
struct snapshot_pod {
	const json_t *pod; /* borrowed */
	size_t node;
};

struct snapshot {
	struct snapshot_node *nodes; /* owned */
	size_t count;
	struct snapshot_pod *pods; /* owned */
	size_t pod_count;
	const json_t *namespaces; /* borrowed */
};

/*
 * @nodes, @pods, @namespaces: "namespace/name" -> object, borrowed as long as the snapshot lives.  Clear
 * *@ret in any case.  -ENOMEM.
 */
int snapshot_make(
	const json_t *nodes, const json_t *pods, const json_t *namespaces, struct snapshot *ret);
/* As if some Pods had gone. */
int snapshot_without(const struct snapshot *snapshot, const json_t *const *gone, size_t count,
	struct snapshot *ret);
void snapshot_clear(struct snapshot *snapshot);

#define SCHEDULE_MESSAGE 1024

/* The Pod passes every filter of that node. */
bool schedule_fits(const struct snapshot *snapshot, const json_t *pod, size_t node);
/* What keeps the Pod from that node might go with other Pods. */
bool schedule_may_help(const struct snapshot *snapshot, const json_t *pod, size_t node);

/*
 * The node for @pod: among those that pass every filter the one with the best score; of equal ones that which
 * @chance picks.  NULL: none, and @message says why, as upstream does ("0/3 nodes are available: ...").
 */
const json_t *schedule_choose(const struct snapshot *snapshot, const json_t *pod, unsigned chance,
	char message[SCHEDULE_MESSAGE]);
