// SPDX-License-Identifier: Apache-2.0
#include "user/model/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/schema.h"

#define KEY_MAX 64

static const char *list_keys(const struct schema_field *field)
{
	return field->list_keys ? field->list_keys : field->merge_key ? field->merge_key : "";
}

enum ownership field_ownership(const struct schema_field *field)
{
	bool message = field && field->type == SCHEMA_MESSAGE;

	if (!field || field->atomic)
		return OWNED_WHOLE;
	switch (field->shape) {
	case SCHEMA_MAP: return OWNED_BY_KEY;
	case SCHEMA_LIST:
		if (message)
			return list_keys(field)[0] ? OWNED_BY_ITEM : OWNED_WHOLE;
		return field->merge ? OWNED_BY_VALUE : OWNED_WHOLE;
	default: return message && !field->message->atomic ? OWNED_BY_FIELD : OWNED_WHOLE;
	}
}

const struct schema_message *field_message(const struct schema_field *field)
{
	return field->type == SCHEMA_MESSAGE ? field->message : NULL;
}

/* --- names of members --- */

/* The value by which an item is known; a default counts as given.  The caller owns it; NULL: it has none. */
static json_t *item_key(const json_t *item, const struct schema_message *message, const char *name)
{
	const struct schema_field *field = schema_field_find(message, name);
	json_t *value = json_object_get(item, name);

	if (value)
		return json_incref(value);
	return field && field->fallback ? json_loads(field->fallback, JSON_DECODE_ANY, NULL) : NULL;
}

/* The next of a list's keys, which are separated by commas; NULL: there are no more. */
static const char *key_next(const char *at, char ret[KEY_MAX])
{
	size_t len = strcspn(at, ",");

	if (!*at)
		return NULL;
	snprintf(ret, KEY_MAX, "%.*s", (int)len, at);
	return at + len + (at[len] == ',');
}

/* "k:{...}" with its keys in order.  The caller frees it; NULL: no memory. */
static char *item_name(const json_t *item, const struct schema_field *field)
{
	AUTO_JSON keys = json_object();
	const char *at = list_keys(field);
	AUTO_FREE char *text = NULL;
	char *name = NULL, key[KEY_MAX];

	while ((at = key_next(at, key))) {
		json_t *value = item_key(item, field->message, key);

		if (value)
			json_object_set_new(keys, key, value);
	}
	text = json_dumps(keys, JSON_COMPACT | JSON_SORT_KEYS);
	return text && asprintf(&name, "k:%s", text) >= 0 ? name : NULL;
}

int item_keep_keys(json_t *rest, const json_t *item, const struct schema_field *field)
{
	const char *at = list_keys(field);
	char key[KEY_MAX];

	while (field_message(field) && (at = key_next(at, key))) {
		json_t *value = json_object_get(item, key);

		if (value && json_object_set(rest, key, value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static char *value_name(const json_t *value)
{
	AUTO_FREE char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *name = NULL;

	return text && asprintf(&name, "v:%s", text) >= 0 ? name : NULL;
}

char *member_name(const json_t *item, const struct schema_field *field)
{
	return field_message(field) ? item_name(item, field) : value_name(item);
}

bool is_member(const json_t *node)
{
	return json_object_size(node) == 0 || json_object_get(node, ".");
}
