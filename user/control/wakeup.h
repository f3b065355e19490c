/* SPDX-License-Identifier: Apache-2.0 */
/* What a change of the cluster may mean for Pods that found no node: bits of enum cause.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

/* What is there when a Pod goes that was on a node, or that waited for room on one. */
#define WAKEUP_ROOM (CAUSE_RESOURCES | CAUSE_PORTS | CAUSE_NEIGHBOURS | CAUSE_SPREAD)

/* NULL: there was none, or is none. */
unsigned wakeup_of_node(const json_t *was, const json_t *is);
unsigned wakeup_of_pod(const json_t *was, const json_t *is);

/* It is on a node, and not over. */
bool pod_is_placed(const json_t *pod);
