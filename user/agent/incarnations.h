/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which incarnation of a Pod is meant by a name: a number that goes into its UID, so that the same words in
 * a manifest make another Pod after a deletion.  Only names in use are kept; a mark above all numbers of
 * names that were forgotten is where a name that is not known begins.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"

/* The number of @name ("namespace/name") in @record, a JSON object that is written as it is. */
uint64_t incarnations_get(const json_t *record, const char *name);
/* Binds @name to its number, whatever the mark becomes.  True when that is new. */
bool incarnations_keep(json_t *record, const char *name);
/* The Pod made next under this name is another one. */
void incarnations_raise(json_t *record, const char *name);
/* Forgets the names that are not in use; true when there was one. */
bool incarnations_forget(json_t *record, bool (*in_use)(const char *name, const void *userdata),
	const void *userdata);
