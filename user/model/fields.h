/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of fields, as managedFields have them (FieldsV1), and what server-side apply does with them.  Pure.
 *
 * A set is a tree: "f:NAME" is a field or a key of a map, "k:{...}" the item of a list with those keys, "v:VALUE" an
 * item of a set; {} is a member of the set with all that is in it, "." one whose parts stand beside it.
 */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct schema_message;

/* The fields that @object gives, but for those by which the server knows it.  The caller owns it; NULL: no memory. */
json_t *fields_of(const json_t *object, const struct schema_message *message);

/*
 * As upstream has them of who writes an object otherwise than by apply: what Go writes of an empty object is nobody's,
 * and containers that may be missing (maps, lists, messages that are pointers) are members, too.  The caller owns it;
 * NULL: no memory.
 */
json_t *fields_written(const json_t *object, const struct schema_message *message);

/* The caller owns the results; NULL: no memory, or an argument was NULL. */
json_t *fields_union(const json_t *a, const json_t *b);
/* Of @a without those of @b. */
json_t *fields_without(const json_t *a, const json_t *b);
/* In both. */
json_t *fields_common(const json_t *a, const json_t *b);

/* Those of @set that are not the same in @one and in @other.  Both may lack some. */
json_t *fields_differing(const json_t *set, const json_t *one, const json_t *other,
	const struct schema_message *message);

/* The list in @object that names one of its items twice, by the name of its field; NULL: there is none. */
const char *fields_repeated(const json_t *object, const struct schema_message *message);

/* @applied laid over @live: maps and lists with keys grow together, everything else is replaced. */
json_t *fields_merge(
	const json_t *live, const json_t *applied, const struct schema_message *message);

/* Takes the fields of @set out of @object, but for items of which @kept has parts.  -ENOMEM. */
int fields_remove(json_t *object, const json_t *set, const json_t *kept,
	const struct schema_message *message);

/* Appends each member as a path, like `.spec.template.spec.containers[name="c"].image`.  -ENOMEM. */
int fields_paths(const json_t *set, json_t *list);
