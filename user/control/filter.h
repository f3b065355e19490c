/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a Pod may be on a node: upstream's filters, in upstream's order.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/control/resources.h"

struct neighbours;
struct reasons;
struct snapshot;
struct snapshot_node;
struct snapshot_pod;
struct spread;

/* What may have to change before a Pod finds a node; bits of a mask. */
enum cause {
	CAUSE_UNSCHEDULABLE = 1 << 0,
	CAUSE_TAINTS = 1 << 1,
	CAUSE_PLACEMENT = 1 << 2,
	CAUSE_PORTS = 1 << 3,
	CAUSE_RESOURCES = 1 << 4,
	CAUSE_SPREAD = 1 << 5,
	CAUSE_NEIGHBOURS = 1 << 6,
	CAUSE_NODES = 1 << 7,	/* there are none at all */
	CAUSE_WRITING = 1 << 8, /* what was last written of it */
	CAUSE_ANY = (1 << 9) - 1,
};

/* What is asked of every node for one Pod. */
struct question {
	struct snapshot *snapshot;
	const json_t *pod;
	const char *key; /* owned: "namespace/name" */
	struct resources requested, shown;
	long long priority;
	bool ports, tolerates_unschedulable, selects; /* it asks for ports; it selects nodes */
	json_t *extended;			      /* owned: name -> amount; NULL: none */
	json_t *names; /* owned: the only nodes that its affinity names; NULL: any */
	struct neighbours *neighbours; /* owned */
	struct spread *spread;	       /* owned */
};

enum verdict {
	VERDICT_PASSES,
	VERDICT_REFUSED,
	VERDICT_HOPELESS, /* whatever Pods would go */
};

/* @snapshot and @pod are borrowed.  Clear *@ret in any case.  -ENOMEM. */
int question_make(struct snapshot *snapshot, const json_t *pod, struct question *ret);
void question_clear(struct question *question);

/*
 * Whether the Pod may be on @node, with and without the Pods of no less priority that wait for room there.  Why not
 * stands in @reasons, and in *@ret_causes besides what is there.
 */
enum verdict question_ask(struct question *question, struct snapshot_node *node,
	struct reasons *reasons, unsigned *ret_causes);

/* As if @pod had left its node, or were back. */
void question_leave(struct question *question, struct snapshot_pod *pod);
void question_enter(struct question *question, struct snapshot_pod *pod);
