/* SPDX-License-Identifier: Apache-2.0 */
/* Pods that nobody else will take away, and Events that are too old.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct requests;

#define PODGC_FINISHED_MOST 12500 /* Pods that are over; the oldest beyond that go */
#define EVENTS_SECONDS	    3600
#define COLLECT_BURST	    500 /* deletions of one plan */

/* @lost: names of nodes that are gone for good, as keys: their Pods go.  -ENOMEM. */
int podgc_plan(const json_t *pods, const json_t *lost, int64_t now, struct requests *plan);

/* -ENOMEM. */
int events_expire_plan(const json_t *events, int64_t now, struct requests *plan);
