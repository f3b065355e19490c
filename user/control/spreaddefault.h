/* SPDX-License-Identifier: Apache-2.0 */
/* How Pods are spread that say nothing of it.  Pure. */
#pragma once

#include "user/base/json.h"

struct snapshot;

/*
 * Constraints over hosts (skew 3) and zones (skew 5), wished for, for the Pods that @pod's Services and its
 * ReplicaSet choose.  The caller owns the list; NULL: nobody chooses it, or memory is out.
 */
json_t *spread_defaults(const struct snapshot *snapshot, const json_t *pod);
