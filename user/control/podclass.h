/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the snapshot: Pods that neighbours cannot tell apart, and where how many of them are. */
#pragma once

#include "user/base/json.h"

struct pod_class;
struct snapshot;
struct snapshot_node;

/* The class of @pod, which it uses from now on.  NULL: no memory. */
struct pod_class *class_get(struct snapshot *snapshot, const json_t *pod);
/* One user less; without any it goes.  Accepts NULL. */
void class_release(struct snapshot *snapshot, struct pod_class *class);
/* One Pod more (@change 1) or less (-1) on @node.  -ENOMEM, where it has not been before. */
int class_place(struct pod_class *class, struct snapshot_node *node, int change);
