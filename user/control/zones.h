/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast nodes that do not answer are emptied: where many of them fall silent at once, the fault may be the
 * network's, and Pods that leave make it worse.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"

/* Between two nodes of a zone, in microseconds: 0.1 a second, as kube-controller-manager has it. */
#define ZONE_INTERVAL UINT64_C(10000000)
/* The same in a zone that is disrupted (0.01 a second), if it is large; in a small one none is emptied. */
#define ZONE_INTERVAL_SECONDARY UINT64_C(100000000)
#define ZONE_LARGE		50 /* a zone with more nodes is large */
#define ZONE_DISRUPTED		55 /* per cent that are not ready, more than two: the zone is disrupted */

/*
 * Whether Pods may be driven from @node, which is not ready; once it may, it may until it is ready.  @turns: whose
 * turn it was, kept from call to call, born empty.  @nodes: all, "/name" -> Node.  @now: microseconds.
 * False: *@ret_again is when to ask again, or is left: when other nodes change.
 */
bool zone_turn(
	json_t *turns, const json_t *node, const json_t *nodes, uint64_t now, uint64_t *ret_again);

/* Forgets the turn of the node @name: it is ready, or gone. */
void zone_turn_over(json_t *turns, const char *name);
