/* SPDX-License-Identifier: Apache-2.0 */
/* How well nodes suit a Pod: upstream's scores with upstream's weights.  Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct question;
struct resources;
struct snapshot_node;

/* 0 (bad) to 100 before they are weighed. */
enum score {
	SCORE_TAINTS,
	SCORE_PLACEMENT,
	SCORE_SPREAD,
	SCORE_NEIGHBOURS,
	SCORE_LEAST,	/* what is asked for: the more is left, the better */
	SCORE_BALANCED, /* CPU and memory are used alike */
	SCORE_IMAGES,
	SCORE_COUNT,
};

/* Kubernetes 1.32's. */
extern const int64_t score_weights[SCORE_COUNT];

/* The scores of one node. */
struct scores {
	int64_t of[SCORE_COUNT];
};

/* Fills @ret, one for each of @nodes, all of which the Pod may be on.  -ENOMEM. */
int scores_make(struct question *question, struct snapshot_node *const *nodes, size_t count,
	struct scores *ret);

/* Weighed, and summed up. */
int64_t scores_total(const struct scores *scores);
