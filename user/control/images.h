/* SPDX-License-Identifier: Apache-2.0 */
/* Images that nodes have, and what it is worth to a Pod that a node has its images.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct snapshot;
struct snapshot_node;

/* status.images of @node: name -> bytes.  The caller owns it; NULL: none. */
json_t *images_of_node(const json_t *node);
/* Adds @change to the number of nodes that have each of @images (may be NULL).  -ENOMEM. */
int images_count(json_t *counts, const json_t *images, int change);

/*
 * The names, as nodes say them, of @pod's images that some node has; each as often as it is used.  The caller owns the list;
 * NULL: none.
 */
json_t *images_of_pod(const struct snapshot *snapshot, const json_t *pod);
/* How many containers and init containers it has. */
size_t images_containers(const json_t *pod);

/* 0 to 100, as upstream's ImageLocality: 23 MiB a Pod count nothing, 1000 MiB a container are best. */
int64_t images_score(const struct snapshot *snapshot, const struct snapshot_node *node,
	const json_t *images, size_t containers);
