/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with its owners, by metadata.ownerReferences.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"
#include "user/control/followed.h"

struct requests;

#define GARBAGE_FOREGROUND "foregroundDeletion" /* waits until its dependents are gone */
#define GARBAGE_ORPHAN	   "orphan"		/* leaves its dependents behind */

struct garbage_view {
	const json_t *objects[FOLLOWED_COUNT]; /* each "namespace/name" -> object */
	const json_t *dependents;	       /* uid of an owner -> {key: true} */
};

/* The key of an object: its kind, namespace and name. */
#define GARBAGE_KEY_MAX 540
void garbage_key(enum followed kind, const json_t *object, char ret[GARBAGE_KEY_MAX]);

/* NULL: there is none. */
const json_t *garbage_object(const struct garbage_view *view, const char *key);

/* The key of the owner that @reference of @object means; false: its kind is not followed. */
bool garbage_owner(const json_t *reference, const json_t *object, char ret[GARBAGE_KEY_MAX]);

/*
 * Notes in @dependents whose the object at @key is.  @object: a state of it, @now: its present one (NULL:
 * gone).  -ENOMEM.
 */
int garbage_note(json_t *dependents, const char *key, const json_t *object, const json_t *now);

/* It is being deleted and waits for, or lets go of, its dependents. */
bool garbage_is_owner_leaving(const json_t *object);

/*
 * What becomes of the object at @key: it goes when all its owners have gone or wait for it, forgets those
 * that have gone, and is let go when its dependents are.  -ENOMEM.
 */
int garbage_plan(const struct garbage_view *view, const char *key, struct requests *plan);
