/* SPDX-License-Identifier: Apache-2.0 */
/* What the scheduler has decided of a Pod, as requests to an API server.  Pure. */
#pragma once

#include "user/base/json.h"

struct preemption;
struct requests;
struct snapshot;
struct snapshot_node;

#define SCHEDULER "default-scheduler"

/* It goes to @node. */
void schedule_bind(const json_t *pod, const struct snapshot_node *node, struct requests *plan);

/* It waits for a node, and why; where room is made for it: @nominated ("": nowhere any more, NULL: as it is). */
void schedule_explain(
	const json_t *pod, const char *message, const char *nominated, struct requests *plan);

/* The victims go, and Pods of less priority do not wait for room on that node any more. */
void schedule_make_room(const struct snapshot *snapshot, const json_t *pod,
	const struct preemption *preemption, struct requests *plan);
