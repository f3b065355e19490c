/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that leave a node because of its NoExecute taints.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct requests;

#define EVICTION_NEVER INT64_MAX

/* When @pod must leave @node, in seconds since 1970: 0: at once; EVICTION_NEVER: it may stay. */
int64_t eviction_due(const json_t *pod, const json_t *node);

/* Deletes @pod when it is due at @now, else looks again when it is.  -ENOMEM. */
int eviction_plan(const json_t *pod, const json_t *node, int64_t now, struct requests *plan);
