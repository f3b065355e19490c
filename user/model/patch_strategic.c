// SPDX-License-Identifier: Apache-2.0
/*
 * Strategic merge.  The order of a merged list follows the patch ($setElementOrder, or the items that
 * the patch has); items that only the object has keep their places among them as well as can be.
 */
#include <stdbool.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/patch.h"
#include "user/model/schema.h"

#define ORDER_PREFIX  "$setElementOrder/"
#define DELETE_PREFIX "$deleteFromPrimitiveList/"
#define DEPTH_MAX     100

struct strategic {
	unsigned depth;
	size_t compared; /* at most */
	struct err *err;
};

static int no_memory(const struct strategic *run)
{
	return err_set(run->err, ENOMEM, "apply a patch");
}

static int merge_object(struct strategic *run, json_t *object, const json_t *patch,
	const struct schema_message *message);

/* --- lists --------------------------------------------------------------------------------------- */

/* Each of @count is about to be looked for among @among. */
static int lists_meet(struct strategic *run, size_t count, size_t among)
{
	run->compared += count * among;
	return run->compared <= PATCH_MAX_COMPARED
		       ? 0
		       : err_refuse(run->err, ENOENT, "the lists of the patch are too long");
}

/* Whether two items are the same one: by merge key, or for primitives (no key) by value. */
static bool same_item(const json_t *a, const json_t *b, const char *key)
{
	const json_t *left = key ? json_object_get(a, key) : a;
	const json_t *right = key ? json_object_get(b, key) : b;

	return left && right && json_equal(left, right);
}

/* The index of the item in @list, or -1. */
static ssize_t item_find(const json_t *list, const json_t *item, const char *key)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (same_item(json_array_get(list, i), item, key))
			return (ssize_t)i;
	return -1;
}

/*
 * Orders @list: items of @order as there, the others by @server (the list before the patch); an item of
 * the second sort stands before the first of the first sort that followed it.
 */
static int list_order(struct strategic *run, json_t *list, const json_t *order,
	const json_t *server, const char *key)
{
	size_t ordered = json_array_size(order), count = json_array_size(list);
	AUTO_JSON given = json_array();
	AUTO_JSON rest = json_array();
	json_t *item;
	size_t i, j = 0, k = 0;
	int r = lists_meet(run, ordered + count, count + ordered + json_array_size(server));

	if (r < 0)
		return r;
	json_array_foreach ((json_t *)order, i, item) {
		ssize_t at = item_find(list, item, key);

		if (at >= 0 && item_find(given, item, key) < 0)
			r |= json_array_append(given, json_array_get(list, (size_t)at));
	}
	json_array_foreach (list, i, item)
		if (item_find(order, item, key) < 0)
			r |= json_array_append(rest, item);
	r |= json_array_clear(list);
	while (j < json_array_size(rest) || k < json_array_size(given)) {
		json_t *left = json_array_get(rest, j), *right = json_array_get(given, k);
		ssize_t li = left ? item_find(server, left, key) : -1;
		ssize_t ri = right ? item_find(server, right, key) : -1;
		bool first = !right || (left && li >= 0 && ri >= 0 && li < ri);

		r |= json_array_append(list, first ? left : right);
		j += first;
		k += !first;
	}
	return r ? no_memory(run) : 0;
}

static int refuse_key(const struct strategic *run, const char *key)
{
	return err_refuse(run->err, EINVAL, "map does not contain declared merge key: %s", key);
}

/* One item of the patch into the list that it belongs to. */
static int merge_item(
	struct strategic *run, json_t *list, const json_t *item, const struct schema_field *field)
{
	const char *key = field->merge_key;
	const char *directive = json_string_at(item, "$patch", "");
	AUTO_JSON fresh = NULL;
	ssize_t at;

	if (!json_object_get(item, key))
		return refuse_key(run, key);
	at = item_find(list, item, key);
	if (strcmp(directive, "delete") == 0) {
		for (; at >= 0; at = item_find(list, item, key))
			json_array_remove(list, (size_t)at);
		return 0;
	}
	if (at >= 0)
		return merge_object(run, json_array_get(list, (size_t)at), item, field->message);
	fresh = json_object();
	if (!fresh || json_array_append(list, fresh) < 0)
		return no_memory(run);
	return merge_object(run, fresh, item, field->message);
}

/* {"$patch": "replace"} as an item: the others are the list. */
static bool has_replace(const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++)
		if (strcmp(json_string_at(json_array_get(list, i), "$patch", ""), "replace") == 0)
			return true;
	return false;
}

static int list_replace(const struct strategic *run, json_t *list, const json_t *patch)
{
	json_t *item;
	size_t i;

	json_array_clear(list);
	json_array_foreach ((json_t *)patch, i, item) {
		if (json_object_get(item, "$patch"))
			continue;
		if (json_array_append_new(list, json_deep_copy(item)) < 0)
			return no_memory(run);
	}
	return 0;
}

static int merge_list(
	struct strategic *run, json_t *list, const json_t *patch, const struct schema_field *field)
{
	AUTO_JSON server = json_copy(list);
	json_t *item;
	size_t i;
	int r = 0;

	if (!server)
		return no_memory(run);
	if (has_replace(patch))
		return list_replace(run, list, patch);
	r = lists_meet(run, json_array_size(patch), json_array_size(list) + json_array_size(patch));
	if (r < 0)
		return r;
	json_array_foreach ((json_t *)patch, i, item) {
		if (field->merge_key && !json_is_object(item))
			return refuse_key(run, field->merge_key);
		if (field->merge_key)
			r = merge_item(run, list, item, field);
		else if (item_find(list, item, NULL) < 0 && json_array_append(list, item) < 0)
			r = no_memory(run);
		if (r < 0)
			return r;
	}
	return list_order(run, list, patch, server, field->merge_key);
}

/* --- objects ------------------------------------------------------------------------------------- */

static int delete_from_list(
	struct strategic *run, const json_t *object, const char *name, const json_t *values)
{
	json_t *list = json_object_get(object, name), *value;
	size_t i;

	if (!json_is_array(values))
		return err_refuse(run->err, EINVAL, "%s%s must be a list", DELETE_PREFIX, name);
	if (lists_meet(run, json_array_size(values), json_array_size(list)) < 0)
		return -ENOENT;
	json_array_foreach ((json_t *)values, i, value) {
		ssize_t at;

		while ((at = item_find(list, value, NULL)) >= 0)
			json_array_remove(list, (size_t)at);
	}
	return 0;
}

static int retain_keys(struct strategic *run, json_t *object, const json_t *patch)
{
	const json_t *keys = json_object_get(patch, "$retainKeys");
	const char *key;
	json_t *value;
	void *next;

	if (!keys)
		return 0;
	if (!json_is_array(keys))
		return err_refuse(run->err, EINVAL, "$retainKeys must be a list");
	if (lists_meet(run, json_object_size(object), json_array_size(keys)) < 0)
		return -ENOENT;
	json_object_foreach_safe (object, next, key, value) {
		AUTO_JSON name = json_string(key);

		if (name && item_find(keys, name, NULL) < 0)
			json_object_del(object, key);
	}
	return 0;
}

/* The value that is merged into: it is made when it is missing or of another kind. */
static json_t *value_ensure(json_t *object, const char *key, bool list)
{
	json_t *value = json_object_get(object, key);

	if (value && (list ? json_is_array(value) : json_is_object(value)))
		return value;
	value = list ? json_array() : json_object();
	return json_object_set_new(object, key, value) < 0 ? NULL : value;
}

/* A map whose values are messages: each is merged as one. */
static int merge_map(
	struct strategic *run, json_t *map, const json_t *patch, const struct schema_field *field)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)patch, key, value) {
		json_t *held;
		int r;

		if (json_is_null(value)) {
			json_object_del(map, key);
			continue;
		}
		held = value_ensure(map, key, false);
		if (!held)
			return no_memory(run);
		r = merge_object(run, held, value, field->message);
		if (r < 0)
			return r;
	}
	return 0;
}

static int merge_value(struct strategic *run, json_t *object, const char *key, const json_t *value,
	const struct schema_field *field)
{
	bool merged = field && field->shape == SCHEMA_LIST && (field->merge_key || field->merge);
	json_t *held;

	if (json_is_null(value)) {
		json_object_del(object, key);
		return 0;
	}
	if (json_is_object(value) || (json_is_array(value) && merged)) {
		held = value_ensure(object, key, json_is_array(value));
		if (!held)
			return no_memory(run);
		if (json_is_array(value))
			return merge_list(run, held, value, field);
		if (field && field->shape == SCHEMA_MAP && field->message)
			return merge_map(run, held, value, field);
		return merge_object(run, held, value, field ? field->message : NULL);
	}
	return json_object_set_new(object, key, json_deep_copy(value)) < 0 ? no_memory(run) : 0;
}

static bool has_prefix(const char *key, const char *prefix)
{
	return strncmp(key, prefix, strlen(prefix)) == 0;
}

/* $setElementOrder of lists that are merged by now. */
static int orders_apply(struct strategic *run, json_t *object, const json_t *patch,
	const json_t *before, const struct schema_message *message)
{
	const char *key;
	json_t *order;

	json_object_foreach ((json_t *)patch, key, order) {
		const char *name = key + strlen(ORDER_PREFIX);
		const struct schema_field *field;
		json_t *list;
		int r;

		if (!has_prefix(key, ORDER_PREFIX))
			continue;
		field = message ? schema_field_find(message, name) : NULL;
		list = json_object_get(object, name);
		if (!json_is_array(order))
			return err_refuse(run->err, EINVAL, "%s must be a list", key);
		if (!field || !(field->merge_key || field->merge) || !json_is_array(list))
			continue;
		r = list_order(run, list, order, json_object_get(before, name), field->merge_key);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Lists are changed in place: their order before is kept for those that the patch orders. */
static json_t *lists_before(const json_t *object, const json_t *patch)
{
	AUTO_JSON before = json_object();
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)patch, key, value) {
		const char *name = key + strlen(ORDER_PREFIX);
		json_t *list;

		if (!has_prefix(key, ORDER_PREFIX))
			continue;
		list = json_object_get(object, name);
		if (list && json_object_set_new(before, name, json_copy(list)) < 0)
			return NULL;
	}
	return json_incref(before);
}

static int members_merge(struct strategic *run, json_t *object, const json_t *patch,
	const struct schema_message *message)
{
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach ((json_t *)patch, key, value) {
		if (has_prefix(key, DELETE_PREFIX))
			r = delete_from_list(run, object, key + strlen(DELETE_PREFIX), value);
		else if (key[0] != '$')
			r = merge_value(run, object, key, value,
				message ? schema_field_find(message, key) : NULL);
		else if (!has_prefix(key, ORDER_PREFIX) && strcmp(key, "$patch") != 0 &&
			 strcmp(key, "$retainKeys") != 0)
			r = err_refuse(run->err, EINVAL, "unknown directive %.60s", key);
		if (r < 0)
			break;
	}
	return r;
}

static int merge_object(struct strategic *run, json_t *object, const json_t *patch,
	const struct schema_message *message)
{
	const char *directive = json_string_at(patch, "$patch", "merge");
	AUTO_JSON before = NULL;
	int r;

	if (run->depth == DEPTH_MAX)
		return err_refuse(run->err, EINVAL, "the patch is nested too deeply");
	if (strcmp(directive, "merge") != 0)
		json_object_clear(object);
	if (strcmp(directive, "delete") == 0)
		return 0;
	if (strcmp(directive, "merge") != 0 && strcmp(directive, "replace") != 0)
		return err_refuse(run->err, EINVAL, "Unknown patch type %.60s", directive);
	before = lists_before(object, patch);
	if (!before)
		return no_memory(run);
	run->depth++;
	r = retain_keys(run, object, patch);
	if (r == 0)
		r = members_merge(run, object, patch, message);
	if (r == 0)
		r = orders_apply(run, object, patch, before, message);
	run->depth--;
	return r;
}

int patch_strategic(const json_t *object, const json_t *patch, const struct schema_message *message,
	json_t **ret, struct err *err)
{
	struct strategic run = {.err = err};
	AUTO_JSON result = NULL;
	int r;

	if (!json_is_object(patch))
		return err_refuse(err, EINVAL, "a strategic merge patch must be an object");
	result = json_deep_copy(object);
	if (!result)
		return err_set(err, ENOMEM, "apply a patch");
	r = merge_object(&run, result, patch, message);
	if (r == 0)
		*ret = json_incref(result);
	return r;
}
