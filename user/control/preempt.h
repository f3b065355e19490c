/* SPDX-License-Identifier: Apache-2.0 */
/* Which Pods of less priority make room for one that finds none.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"
#include "user/control/reasons.h"

struct snapshot;
struct snapshot_node;
struct snapshot_pod;

struct preemption {
	struct snapshot_node *node;    /* borrowed; NULL: it would not help */
	struct snapshot_pod **victims; /* owned list of borrowed Pods, what matters most first */
	size_t count;
	size_t violations;		/* victims that their budgets do not allow to go */
	char message[SCHEDULE_MESSAGE]; /* why not: "0/3 nodes are available: ..."; "" */
};

/*
 * The node on which the least is lost: the fewest budgets are violated, then the most important Pod that goes
 * matters least, then all of them, then the fewest go, then those that have run shortest.  Pods that need not go
 * stay.  @hopeless: of schedule_choose.  @chance: where the search begins, for in a large cluster it ends when
 * there is enough to choose from.  Clear *@ret in any case.  -ENOMEM.
 */
int preempt_choose(struct snapshot *snapshot, const json_t *pod, const bool *hopeless,
	unsigned chance, struct preemption *ret);
void preemption_clear(struct preemption *preemption);

/* Why it may not push others out, as upstream says it; NULL: it may.  It waits for those that it has pushed. */
const char *preempt_refuse(
	const struct snapshot *snapshot, const json_t *pod, const bool *hopeless);
