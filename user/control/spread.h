/* SPDX-License-Identifier: Apache-2.0 */
/* How Pods that are alike spread over the values of a label of nodes.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct pod_class;
struct snapshot;
struct snapshot_node;
struct spread;

/*
 * Counts, for @pod, all Pods of @snapshot, which is borrowed.  What says nothing of it itself is spread as its
 * Services and its controller choose, over hosts and zones.  The caller owns *@ret.  -ENOMEM.
 */
int spread_make(struct snapshot *snapshot, const json_t *pod, struct spread **ret);

/* Accepts NULL; returns NULL. */
struct spread *spread_free(struct spread *spread);

/* As if @change Pods of @class had come to @node, for refusals alone. */
void spread_move(struct spread *spread, const struct pod_class *class,
	const struct snapshot_node *node, int change);

/* Why the Pod may not be on that node, in upstream's words; NULL: it may.  *@ret_hopeless: whoever else goes. */
const char *spread_refuse(
	struct spread *spread, const struct snapshot_node *node, bool *ret_hopeless);

/* Weighs for these nodes what is only wished for.  False: nothing is.  -ENOMEM counts as nothing. */
bool spread_wish(struct spread *spread, struct snapshot_node *const *nodes, size_t count);
/* How crowded @node is, one of those above; the less the better.  -1: it has not all labels. */
int64_t spread_crowd(const struct spread *spread, const struct snapshot_node *node);
