// SPDX-License-Identifier: Apache-2.0
#include "user/model/fields.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/ownership.h"
#include "user/model/schema.h"

/* --- what an object gives --- */

static char *field_name(const char *key)
{
	char *name = NULL;

	return asprintf(&name, "f:%s", key) >= 0 ? name : NULL;
}

/* Takes both. */
static int member_add(json_t *set, char *name, json_t *member)
{
	int r = name ? json_object_set_new(set, name, member) : -1;

	if (!name)
		json_decref(member);
	free(name);
	return r < 0 ? -ENOMEM : 0;
}

/* Of what a set is made. */
enum way {
	APPLIED, /* what is given */
	WRITTEN, /* what is given beyond what Go writes of an empty object */
	ADDED,	 /* the same, within something that need not be there */
};

static json_t *value_fields(const json_t *value, const struct schema_field *field, enum way way);

/* Go writes structs that are no pointers always. */
static bool is_pointer(const struct schema_field *field)
{
	bool filled = field->fallback && strcmp(field->fallback, "{}") == 0;

	return !field->required && (!filled || field->keeps_zero);
}

static bool is_zero(const json_t *value, const struct schema_field *field)
{
	if (json_is_null(value))
		return true;
	if (json_is_string(value))
		return json_string_length(value) == 0;
	if (!field || field->keeps_zero)
		return false;
	return json_is_false(value) || (json_is_integer(value) && json_integer_value(value) == 0);
}

static bool is_left_out(const json_t *value, const struct schema_field *field, enum way way)
{
	return way == WRITTEN ? is_zero(value, field) : way == ADDED && json_is_null(value);
}

/* Takes @part; an empty struct that is no pointer is as it always is. */
static int part_add(
	json_t *set, const char *key, json_t *part, const struct schema_field *field, enum way way)
{
	if (way == WRITTEN && part && json_object_size(part) == 0 &&
		field_ownership(field) == OWNED_BY_FIELD && !is_pointer(field)) {
		json_decref(part);
		return 0;
	}
	return member_add(set, field_name(key), part);
}

static json_t *message_fields(
	const json_t *object, const struct schema_message *message, enum way way)
{
	json_t *set = json_object(), *value;
	const char *key;
	int r = set ? 0 : -ENOMEM;

	json_object_foreach ((json_t *)object, key, value) {
		const struct schema_field *field = schema_field_find(message, key);

		if (r == 0 && !is_left_out(value, field, way))
			r = part_add(set, key, value_fields(value, field, way), field, way);
	}
	if (r == 0)
		return set;
	json_decref(set);
	return NULL;
}

/* Of a map or list: one with all that is in it, or by its parts. */
static json_t *part_fields(const json_t *part, const struct schema_message *message, enum way way)
{
	return message && !message->atomic ? message_fields(part, message, way) : json_object();
}

static int keys_add(json_t *set, const json_t *map, const struct schema_field *field, enum way way)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)map, key, value)
		if (r == 0)
			r = member_add(set, field_name(key),
				part_fields(value, field_message(field), way));
	return r;
}

static int items_add(
	json_t *set, const json_t *list, const struct schema_field *field, enum way way)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item) {
		json_t *parts = part_fields(item, field->message, way);

		if (!parts || (!field->message->atomic &&
				      json_object_set_new(parts, ".", json_object()) < 0))
			r = -ENOMEM;
		if (r == 0)
			r = member_add(set, member_name(item, field), json_incref(parts));
		json_decref(parts);
	}
	return r;
}

static int values_add(json_t *set, const json_t *list, const struct schema_field *field)
{
	json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach (list, i, item)
		if (r == 0)
			r = member_add(set, member_name(item, field), json_object());
	return r;
}

/* The container of @set's members is one itself, where it may be missing.  Takes @set. */
static json_t *container_add(json_t *set, const struct schema_field *field, enum way way)
{
	bool member = way == ADDED || (way == WRITTEN && is_pointer(field));

	if (member && json_object_size(set) > 0)
		json_object_set_new(set, ".", json_object());
	return set;
}

/* What is empty is owned as it is. */
static json_t *value_fields(const json_t *value, const struct schema_field *field, enum way way)
{
	enum ownership ownership = field_ownership(field);
	enum way inside = way == APPLIED ? APPLIED : ADDED;
	json_t *set;
	int r = 0;

	if (ownership == OWNED_BY_FIELD) {
		if (way == WRITTEN && !is_pointer(field))
			inside = WRITTEN;
		return container_add(message_fields(value, field->message, inside), field, way);
	}
	set = json_object();
	if (!set)
		return NULL;
	if (ownership == OWNED_BY_KEY)
		r = keys_add(set, value, field, inside);
	else if (ownership == OWNED_BY_ITEM)
		r = items_add(set, value, field, inside);
	else if (ownership == OWNED_BY_VALUE)
		r = values_add(set, value, field);
	if (r == 0)
		return ownership == OWNED_WHOLE ? set : container_add(set, field, way);
	json_decref(set);
	return NULL;
}

static json_t *object_fields(
	const json_t *object, const struct schema_message *message, enum way way)
{
	static const char *const unowned[] = {"f:name", "f:namespace", "f:uid", "f:resourceVersion",
		"f:creationTimestamp", "f:deletionTimestamp", "f:deletionGracePeriodSeconds",
		"f:generation", "f:selfLink", "f:managedFields"};
	json_t *set = message_fields(object, message, way);
	json_t *meta = json_object_get(set, "f:metadata");

	json_object_del(set, "f:apiVersion");
	json_object_del(set, "f:kind");
	for (size_t i = 0; i < COUNT(unowned); i++)
		json_object_del(meta, unowned[i]);
	if (json_object_size(meta) == 0)
		json_object_del(set, "f:metadata");
	return set;
}

json_t *fields_of(const json_t *object, const struct schema_message *message)
{
	return object_fields(object, message, APPLIED);
}

json_t *fields_written(const json_t *object, const struct schema_message *message)
{
	return object_fields(object, message, WRITTEN);
}

/* --- sets --- */

/* Takes @sum, the union of two nodes of which one may be a member without its parts. */
static json_t *node_joined(json_t *sum, const json_t *a, const json_t *b)
{
	if (json_object_size(sum) > 0 && (is_member(a) || is_member(b)))
		json_object_set_new(sum, ".", json_object());
	return sum;
}

json_t *fields_union(const json_t *a, const json_t *b)
{
	json_t *both = a && b ? json_copy((json_t *)a) : NULL, *child;
	const char *key;

	if (!both)
		return NULL;
	json_object_foreach ((json_t *)b, key, child) {
		const json_t *mine = json_object_get(both, key);
		json_t *sum = mine ? node_joined(fields_union(mine, child), mine, child)
				   : json_incref(child);

		if (json_object_set_new(both, key, sum) < 0) {
			json_decref(both);
			return NULL;
		}
	}
	return both;
}

/* NULL: nothing is left of it, or no memory. */
static json_t *node_without(const json_t *node, const json_t *other)
{
	json_t *rest;

	if (json_object_size(node) == 0)
		return is_member(other) ? NULL : json_object();
	rest = fields_without(node, other);
	if (rest && is_member(other))
		json_object_del(rest, ".");
	if (rest && json_object_size(rest) > 0)
		return rest;
	json_decref(rest);
	return NULL;
}

json_t *fields_without(const json_t *a, const json_t *b)
{
	json_t *rest = a && b ? json_object() : NULL, *child;
	const char *key;

	if (!rest)
		return NULL;
	json_object_foreach ((json_t *)a, key, child) {
		const json_t *other = json_object_get(b, key);
		json_t *left = other ? node_without(child, other) : json_incref(child);

		if (left)
			json_object_set_new(rest, key, left);
	}
	return rest;
}

json_t *fields_common(const json_t *a, const json_t *b)
{
	AUTO_JSON rest = fields_without(a, b);

	return fields_without(a, rest);
}

/* --- paths --- */

/* `[name="c"]` of "k:{...}", `[="x"]` of "v:...", ".x" of "f:x".  The caller frees it. */
static char *path_element(const char *name)
{
	AUTO_JSON keys = NULL;
	char *text = NULL;
	const char *key;
	json_t *value;

	if (name[0] == 'f')
		return asprintf(&text, ".%s", name + 2) >= 0 ? text : NULL;
	if (name[0] == 'v')
		return asprintf(&text, "[=%s]", name + 2) >= 0 ? text : NULL;
	keys = json_loads(name + 2, 0, NULL);
	json_object_foreach (keys, key, value) {
		AUTO_FREE char *before = text;
		AUTO_FREE char *shown = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

		if (asprintf(&text, "%s%s%s=%s", before ? before : "[", before ? "," : "", key,
			    shown ? shown : "") < 0)
			return NULL;
	}
	if (text) {
		AUTO_FREE char *before = text;

		if (asprintf(&text, "%s]", before) < 0)
			return NULL;
	}
	return text;
}

static int paths_below(const json_t *set, const char *above, json_t *list)
{
	const char *name;
	json_t *child;
	int r = 0;

	json_object_foreach ((json_t *)set, name, child) {
		AUTO_FREE char *element = strcmp(name, ".") == 0 ? NULL : path_element(name);
		AUTO_FREE char *path = NULL;

		if (!element)
			continue;
		if (asprintf(&path, "%s%s", above, element) < 0)
			return -ENOMEM;
		if (is_member(child) && json_array_append_new(list, json_string(path)) < 0)
			return -ENOMEM;
		r = paths_below(child, path, list);
		if (r < 0)
			return r;
	}
	return 0;
}

int fields_paths(const json_t *set, json_t *list)
{
	return paths_below(set, "", list);
}
