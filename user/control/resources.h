/* SPDX-License-Identifier: Apache-2.0 */
/* What Pods ask for and nodes have.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

enum resource { RESOURCE_CPU, RESOURCE_MEMORY, RESOURCE_STORAGE, RESOURCE_COUNT };

/* Thousandths of a CPU, bytes, bytes; and Pods. */
struct resources {
	int64_t amount[RESOURCE_COUNT];
	int64_t pods;
};

/* "cpu", "memory", "ephemeral-storage" */
const char *resource_name(enum resource resource);

/*
 * What @pod's containers request: the sum of those that run together, or the largest init container if that
 * is more.  Besides, for scores, with 100m and 200Mi where nothing is said: *@ret_shown.
 */
void resources_of_pod(const json_t *pod, struct resources *ret, struct resources *ret_shown);

/* status.allocatable of @node. */
void resources_of_node(const json_t *node, struct resources *ret);

/* What does not fit stays at the most there is. */
void resources_add(struct resources *to, const struct resources *more);
/* What @resources_add has added, as long as that was no more than there is. */
void resources_take(struct resources *from, const struct resources *less);

/* How much of @name containers of @pod ask for, in its unit. */
int64_t resources_extended(const json_t *pod, const char *name);
/* How much of @name @node has. */
int64_t resources_extended_of_node(const json_t *node, const char *name);
/*
 * The names of resources besides those above (example.com/device, hugepages-2Mi) that @pod asks for, and how much.  The
 * caller owns *@ret, which is NULL when there are none.  -ENOMEM.
 */
int resources_extended_of_pod(const json_t *pod, json_t **ret);
