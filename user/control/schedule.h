/* SPDX-License-Identifier: Apache-2.0 */
/* Which node a Pod goes to, in a snapshot of the cluster.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"
#include "user/control/reasons.h"

struct snapshot;
struct snapshot_node;

struct choice {
	struct snapshot_node *node;	/* borrowed; NULL: none */
	char message[SCHEDULE_MESSAGE]; /* then: why, as upstream says it */
	unsigned causes;		/* then: what may have to change (enum cause) */
	bool *hopeless;			/* owned; then: by node, no Pod stands in the way */
};

/*
 * The node for @pod.  Of those that pass every filter it takes the one with the best score, and of equal ones
 * that which @chance picks; in a large cluster it looks at no more than enough of them, as upstream does.  What
 * may be had where it was promised room is taken.  Clear *@ret in any case.  -ENOMEM.
 */
int schedule_choose(
	struct snapshot *snapshot, const json_t *pod, unsigned chance, struct choice *ret);
void choice_clear(struct choice *choice);

/* Of so many nodes it is enough to find so many that will do. */
size_t schedule_enough(size_t nodes);
