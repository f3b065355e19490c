// SPDX-License-Identifier: Apache-2.0
/* Values under the members of a set: compared, merged, removed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/fields.h"
#include "user/model/ownership.h"
#include "user/model/schema.h"

/* --- comparing --- */

struct at {
	const struct schema_message *message; /* of a message, or of the items of a list or map */
	const struct schema_field *field;     /* NULL: a message */
};

/* The items of @list by their names in sets.  The caller owns it; NULL: no memory. */
static json_t *list_index(const json_t *list, const struct schema_field *field)
{
	json_t *index = json_object(), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		AUTO_FREE char *name = member_name(item, field);

		if (!name || json_object_set(index, name, item) < 0) {
			json_decref(index);
			return NULL;
		}
	}
	return index;
}

static bool at_list(struct at at)
{
	return at.field && at.field->shape == SCHEMA_LIST;
}

/* Where members are looked up: lists have names for their items only in an index.  The caller owns it. */
static json_t *members_of(const json_t *value, struct at at)
{
	return at_list(at) ? list_index(value, at.field) : json_incref((json_t *)value);
}

static json_t *member_value(const json_t *members, struct at at, const char *name)
{
	return json_object_get(members, at_list(at) ? name : name + 2);
}

/* Where a member of @at leads. */
static struct at at_member(struct at at, const char *name)
{
	const struct schema_field *field;

	if (at.field) /* from a map or list to what is in it */
		return (struct at){.message = at.message};
	field = at.message ? schema_field_find(at.message, name + 2) : NULL;
	if (!field || field_ownership(field) == OWNED_WHOLE)
		return (struct at){0};
	return (struct at){.message = field_message(field),
		.field = field_ownership(field) == OWNED_BY_FIELD ? NULL : field};
}

static json_t *differing(const json_t *set, const json_t *one, const json_t *other, struct at at);

/* NULL: they are the same there. */
static json_t *member_differing(
	const json_t *set, const json_t *first, const json_t *second, struct at at)
{
	json_t *part;

	if (!first != !second)
		return json_incref((json_t *)set);
	if (json_object_size(set) == 0)
		return first && !json_equal(first, second) ? json_object() : NULL;
	part = differing(set, first, second, at);
	if (part && json_object_size(part) > 0)
		return part;
	json_decref(part);
	return NULL;
}

static json_t *differing(const json_t *set, const json_t *one, const json_t *other, struct at at)
{
	AUTO_JSON first = members_of(one, at);
	AUTO_JSON second = members_of(other, at);
	json_t *result = json_object(), *child;
	const char *name;

	json_object_foreach ((json_t *)set, name, child) {
		json_t *part = NULL;

		if (strcmp(name, ".") != 0)
			part = member_differing(child, member_value(first, at, name),
				member_value(second, at, name), at_member(at, name));
		if (part)
			json_object_set_new(result, name, part);
	}
	return result;
}

json_t *fields_differing(const json_t *set, const json_t *one, const json_t *other,
	const struct schema_message *message)
{
	return set ? differing(set, one, other, (struct at){.message = message}) : NULL;
}

/* --- items that are there twice --- */

static const char *list_repeated(const json_t *list, const struct schema_field *field)
{
	AUTO_JSON index = list_index(list, field);
	const char *found = NULL;
	json_t *item;
	size_t i;

	if (json_object_size(index) != json_array_size(list))
		return field->name;
	json_array_foreach (list, i, item)
		if (!found && field_message(field))
			found = fields_repeated(item, field->message);
	return found;
}

const char *fields_repeated(const json_t *object, const struct schema_message *message)
{
	const char *key, *found = NULL;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		const struct schema_field *field = schema_field_find(message, key);
		enum ownership ownership = field_ownership(field);

		if (found)
			break;
		if (ownership == OWNED_BY_FIELD)
			found = fields_repeated(value, field->message);
		else if (ownership == OWNED_BY_ITEM || ownership == OWNED_BY_VALUE)
			found = list_repeated(value, field);
	}
	return found;
}

/* --- merging --- */

static json_t *value_merge(
	const json_t *live, const json_t *applied, const struct schema_field *field);

json_t *fields_merge(
	const json_t *live, const json_t *applied, const struct schema_message *message)
{
	json_t *result = json_is_object(live) ? json_copy((json_t *)live) : json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)applied, key, value)
		if (result && json_object_set_new(result, key,
				      value_merge(json_object_get(live, key), value,
					      schema_field_find(message, key))) < 0) {
			json_decref(result);
			return NULL;
		}
	return result;
}

/* One of a map or list; what is owned whole, or is new, stands as it is applied. */
static json_t *part_merge(
	const json_t *live, const json_t *applied, const struct schema_message *message)
{
	return live && message && !message->atomic ? fields_merge(live, applied, message)
						   : json_incref((json_t *)applied);
}

static json_t *map_merge(
	const json_t *live, const json_t *applied, const struct schema_field *field)
{
	const struct schema_message *message = field_message(field);
	json_t *result = json_is_object(live) ? json_copy((json_t *)live) : json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)applied, key, value)
		json_object_set_new(
			result, key, part_merge(json_object_get(live, key), value, message));
	return result;
}

/*
 * Who only lives goes behind the one before him that is applied too: "" or that one's name -> a list of such.
 * The caller owns it; NULL: no memory.
 */
static json_t *list_followers(
	const json_t *live, const json_t *applied_index, const struct schema_field *field)
{
	json_t *followers = json_object(), *list = json_array(), *item;
	size_t i;
	int r = json_object_set_new(followers, "", list);

	json_array_foreach (live, i, item) {
		AUTO_FREE char *name = member_name(item, field);

		if (!name || r < 0)
			r = -1;
		else if (!json_object_get(applied_index, name))
			r = json_array_append(list, item);
		else if (!(list = json_object_get(followers, name))) /* else it is there twice */
			r = json_object_set_new(followers, name, list = json_array());
	}
	if (r == 0)
		return followers;
	json_decref(followers);
	return NULL;
}

/* In the order in which they are applied; what only lives stays behind its neighbour. */
static json_t *list_merge(
	const json_t *live, const json_t *applied, const struct schema_field *field)
{
	const struct schema_message *message = field_message(field);
	AUTO_JSON olds = list_index(live, field);
	AUTO_JSON news = list_index(applied, field);
	AUTO_JSON followers = list_followers(live, news, field);
	json_t *result = followers ? json_array() : NULL, *item;
	size_t i;

	json_array_extend(result, json_object_get(followers, ""));
	json_array_foreach (applied, i, item) {
		AUTO_FREE char *name = member_name(item, field);
		const json_t *old = name ? json_object_get(olds, name) : NULL;

		json_array_append_new(result, part_merge(old, item, message));
		json_array_extend(result, name ? json_object_get(followers, name) : NULL);
	}
	return result;
}

static json_t *value_merge(
	const json_t *live, const json_t *applied, const struct schema_field *field)
{
	switch (field_ownership(field)) {
	case OWNED_BY_FIELD: return fields_merge(live, applied, field->message);
	case OWNED_BY_KEY: return map_merge(live, applied, field);
	case OWNED_BY_ITEM:
	case OWNED_BY_VALUE: return list_merge(live, applied, field);
	default: return json_incref((json_t *)applied);
	}
}

/* --- removing --- */

static int part_remove(json_t *value, const json_t *set, const json_t *kept, struct at at);

/* What is left of @member; a copy, for others may share it.  NULL: nothing, or no memory, which *@r says. */
static json_t *member_rest(
	const json_t *member, const json_t *set, const json_t *kept, struct at at, int *r)
{
	json_t *copy;

	if (is_member(set) && !kept)
		return NULL;
	copy = json_copy((json_t *)member);
	*r = copy ? part_remove(copy, set, kept, at) : -ENOMEM;
	if (*r == 0 && (kept || json_object_size(copy) > 0 || json_array_size(copy) > 0))
		return copy;
	json_decref(copy);
	return NULL;
}

static int items_remove(json_t *list, const json_t *set, const json_t *kept, struct at at)
{
	AUTO_JSON rest = json_array();
	json_t *item;
	size_t i;
	int r = rest ? 0 : -ENOMEM;

	json_array_foreach (list, i, item) {
		AUTO_FREE char *name = member_name(item, at.field);
		const json_t *part = name ? json_object_get(set, name) : NULL;
		json_t *left = json_incref(item);

		if (part) {
			json_decref(left);
			left = member_rest(
				item, part, json_object_get(kept, name), at_member(at, name), &r);
		}
		if (left && part)
			r = item_keep_keys(left, item, at.field);
		if (left && json_array_append_new(rest, left) < 0)
			r = -ENOMEM;
		if (r < 0)
			return r;
	}
	json_array_clear(list);
	return json_array_extend(list, rest) < 0 ? -ENOMEM : 0;
}

static int fields_drop(json_t *object, const json_t *set, const json_t *kept, struct at at)
{
	const char *name;
	json_t *child;
	int r = 0;

	json_object_foreach ((json_t *)set, name, child) {
		const json_t *member = name[0] == 'f' ? json_object_get(object, name + 2) : NULL;
		json_t *left;

		if (!member)
			continue;
		left = member_rest(
			member, child, json_object_get(kept, name), at_member(at, name), &r);
		if (r < 0)
			return r;
		if (!left)
			json_object_del(object, name + 2);
		else if (json_object_set_new(object, name + 2, left) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int part_remove(json_t *value, const json_t *set, const json_t *kept, struct at at)
{
	return at_list(at) ? items_remove(value, set, kept, at) : fields_drop(value, set, kept, at);
}

int fields_remove(
	json_t *object, const json_t *set, const json_t *kept, const struct schema_message *message)
{
	return part_remove(object, set, kept, (struct at){.message = message});
}
