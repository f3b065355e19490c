/* SPDX-License-Identifier: Apache-2.0 */
/* Which Pods of less priority make room for one that finds none.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct snapshot;

struct preemption {
	const json_t *node;	/* borrowed; NULL: it would not help */
	const json_t **victims; /* owned list of borrowed Pods */
	size_t count;
	size_t unhelpful; /* nodes on which no Pod stands in the way */
};

/*
 * The node on which the least is lost: the lowest of the highest priorities, then the lowest sum, then the
 * fewest.  Pods that need not go stay.  Clear *@ret in any case.  -ENOMEM.
 */
int preempt_choose(const struct snapshot *snapshot, const json_t *pod, struct preemption *ret);
void preemption_clear(struct preemption *preemption);

/* It may push others out, and does not already wait for some to go. */
bool preempt_may(const struct snapshot *snapshot, const json_t *pod);

/* spec.priority; 0 when there is none. */
long long pod_priority(const json_t *pod);
