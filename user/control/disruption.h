/* SPDX-License-Identifier: Apache-2.0 */
/* How many Pods of a PodDisruptionBudget may be evicted now.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct requests;

#define DISRUPTION_PATIENCE 120 /* seconds in which an evicted Pod is seen to go; as upstream */

/* Objects as control_objects has them: "namespace/name" -> object. */
struct disruption {
	const json_t *budget, *pods, *sets, *deployments;
	int64_t now; /* seconds since 1970 */
};

/* Writes the budget's status when it says something else.  -ENOMEM. */
int disruption_plan(const struct disruption *disruption, struct requests *plan);
