/* SPDX-License-Identifier: Apache-2.0 */
/* Which Pods may not go by their PodDisruptionBudgets.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct snapshot_pod;

/*
 * If all of @pods went, one after the other: @ret[i] says that a budget (@budgets: "namespace/name" -> object, or
 * NULL) does not allow it for the i-th.  -ENOMEM.
 */
int budgets_violated(
	const json_t *budgets, struct snapshot_pod *const *pods, size_t count, bool *ret);
