/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a Pod that its own terms refer to by their keys.  Pure. */
#pragma once

#include "user/base/json.h"

/*
 * Adds to the LabelSelector @selector "KEY @operator (the value in @labels)" for each of @keys, a list; those that
 * @labels does not have say nothing.  0 or -ENOMEM.
 */
int selector_add_keys(
	json_t *selector, const json_t *keys, const char *operator, const json_t * labels);

/*
 * Writes what matchLabelKeys and mismatchLabelKeys of the affinity terms of a new @pod mean into their labelSelector:
 * what they mean stays so, whatever becomes of its labels.  0 or -ENOMEM.
 */
int affinity_merge_keys(json_t *pod);
