/* SPDX-License-Identifier: Apache-2.0 */
/* What a Pod and the Pods around it want of each other: affinity and anti-affinity.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct neighbours;
struct pod_class;
struct snapshot;
struct snapshot_node;

/* Counts, for @pod, all Pods of @snapshot, which is borrowed.  The caller owns *@ret.  -ENOMEM. */
int neighbours_make(struct snapshot *snapshot, const json_t *pod, struct neighbours **ret);

/* Accepts NULL; returns NULL. */
struct neighbours *neighbours_free(struct neighbours *neighbours);

/* As if @change Pods of @class had come to @node, for refusals alone. */
void neighbours_move(struct neighbours *neighbours, const struct pod_class *class,
	const struct snapshot_node *node, int change);

/* Why the Pod may not be on that node, in upstream's words; NULL: it may.  *@ret_hopeless: whoever else goes. */
const char *neighbours_refuse(
	const struct neighbours *neighbours, const struct snapshot_node *node, bool *ret_hopeless);

/* Reads what is wished for, for neighbours_weight.  -ENOMEM. */
int neighbours_wish(struct neighbours *neighbours);
/* The weights of preferred terms, of both sides, that the node meets; the more the better. */
int64_t neighbours_weight(const struct neighbours *neighbours, const struct snapshot_node *node);
