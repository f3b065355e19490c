/* SPDX-License-Identifier: Apache-2.0 */
/* What a Pod wants of the Pods around it: affinity, anti-affinity, spread over topologies.  Pure. */
#pragma once

#include <stddef.h>

#include "user/base/json.h"

struct neighbours;
struct snapshot;

/* Counts, for @pod, all Pods of @snapshot, which is borrowed.  The caller owns *@ret.  -ENOMEM. */
int neighbours_make(const struct snapshot *snapshot, const json_t *pod, struct neighbours **ret);

/* Accepts NULL; returns NULL. */
struct neighbours *neighbours_free(struct neighbours *neighbours);

/* Why the Pod may not be on that node, in upstream's words; NULL: it may. */
const char *neighbours_refuse(const struct neighbours *neighbours, size_t node);

/* The weights of preferred terms that the node meets; the more the better. */
double neighbours_weight(const struct neighbours *neighbours, size_t node);
/* How crowded its topologies are, where spreading is only wished for; the less the better. */
double neighbours_crowd(const struct neighbours *neighbours, size_t node);
