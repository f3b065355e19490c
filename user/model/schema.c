// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/place.h"
#include "user/model/scalar.h"
#include "user/model/value.h"

static const char *json_kind(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return "an object";
	case JSON_ARRAY: return "a list";
	case JSON_STRING: return "a string";
	case JSON_INTEGER: return "an integer";
	case JSON_REAL: return "a fractional number";
	case JSON_TRUE:
	case JSON_FALSE: return "a boolean";
	default: return "null";
	}
}

static int refuse_type(
	const json_t *value, const char *want, const struct place *place, struct err *err)
{
	return place_refuse(place, err, "must be %s, got %s", want, json_kind(value));
}

/* Edit distance, for names up to 63 characters; larger ones are simply far away. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[64];

	if (la >= COUNT(row) || lb >= COUNT(row))
		return 64;
	for (unsigned j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = diagonal + ((a[i - 1] | 0x20) != (b[j - 1] | 0x20));

			diagonal = row[j];
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (row[j] + 1 < best)
				best = row[j] + 1;
			row[j] = best;
		}
	}
	return row[lb];
}

struct nearest {
	const char *key, *name;
	unsigned distance;
};

static void nearest_find(const struct schema_message *message, struct nearest *nearest)
{
	for (const struct schema_field *field = message->fields; field->name; field++) {
		unsigned d = distance(nearest->key, field->name);

		if (d < nearest->distance) {
			nearest->distance = d;
			nearest->name = field->name;
		}
	}
	if (message->embedded)
		nearest_find(message->embedded, nearest);
}

static int refuse_unknown(const char *key, const struct schema_message *message,
	const struct place *place, struct err *err)
{
	struct nearest nearest = {.key = key, .distance = strlen(key) < 6 ? 3 : 4};

	nearest_find(message, &nearest);
	place = PLACE_KEY(place, key);
	if (nearest.name)
		return place_refuse(
			place, err, "unknown field, did you mean \"%s\"?", nearest.name);
	return place_refuse(place, err, "unknown field");
}

static int refuse_value(const struct schema_field *field, const char *got,
	const struct place *place, struct err *err)
{
	char list[160] = "";
	size_t len = 0;

	for (const char *const *p = field->one_of; *p; p++)
		if ((*p)[0] != '!' && len < sizeof(list))
			len += (size_t)snprintf(
				list + len, sizeof(list) - len, "%s%s", len ? ", " : "", *p);
	return place_refuse(place, err, "must be one of %s; got \"%.60s\"", list, got);
}

static const char *type_words(enum schema_type type)
{
	switch (type) {
	case SCHEMA_BOOL: return "a boolean";
	case SCHEMA_INT32:
	case SCHEMA_INT64: return "an integer";
	case SCHEMA_INT_OR_STRING: return "an integer or a string";
	case SCHEMA_QUANTITY: return "a quantity like 500m or 1Gi";
	case SCHEMA_BYTES: return "a string in base64";
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME:
	case SCHEMA_STRING: return "a string";
	case SCHEMA_STRING_LIST: return "a list of strings";
	default: return "an object";
	}
}

static int refuse_range(const json_t *value, const struct schema_field *field,
	const struct place *place, struct err *err)
{
	long long number = json_integer_value(value);

	if (field->max >= INT32_MAX && number < field->min)
		return place_refuse(place, err, "must be at least %lld, got %lld",
			(long long)field->min, number);
	return place_refuse(place, err, "must be from %lld to %lld, got %lld",
		(long long)field->min, (long long)field->max, number);
}

static int refuse_fault(enum value_fault fault, const json_t *value,
	const struct schema_field *field, const char *reason, const struct place *place,
	struct err *err)
{
	const char *text = json_string_value(value);
	char number[SCALAR_NUMBER_LEN] = "";

	if (json_is_number(value))
		scalar_number_text(value, number);
	switch (fault) {
	case VALUE_GOOD: return 0;
	case VALUE_TYPE: return refuse_type(value, type_words(field->type), place, err);
	case VALUE_WIDTH:
		return place_refuse(place, err, "%lld does not fit in 32 bits",
			(long long)json_integer_value(value));
	case VALUE_NO_QUANTITY:
		return place_refuse(
			place, err, "must be a quantity like 500m or 1Gi, got \"%.60s\"", text);
	case VALUE_HUGE:
		return place_refuse(place, err, "quantity %.60s is too large",
			text			 ? text
			: json_is_integer(value) ? ""
						 : "of this size");
	case VALUE_NO_BASE64: return place_refuse(place, err, "must be base64");
	case VALUE_NO_TIME:
		return place_refuse(place, err,
			"must be a time like 2006-01-02T15:04:05Z, got \"%.60s\"", text);
	case VALUE_NOT_LISTED: return refuse_value(field, text, place, err);
	case VALUE_NOT_YET:
		return place_refuse(place, err, "podnet does not support \"%s\" yet", text);
	case VALUE_RANGE: return refuse_range(value, field, place, err);
	case VALUE_RULE: return place_refuse(place, err, "%s; got \"%.60s\"", reason, text);
	}
	return 0;
}

/* @value is owned by the caller and may be replaced. */
static int check_one(json_t **value, const struct schema_field *field, const struct place *place,
	struct err *err)
{
	const char *reason = NULL;
	enum value_fault fault = value_check(*value, field, &reason);

	if (fault != VALUE_GOOD)
		return refuse_fault(fault, *value, field, reason, place, err);
	if (field->type == SCHEMA_MESSAGE)
		return schema_apply(*value, field->message, place, err);
	return value_canonical(value, field) < 0 ? err_set(err, ENOMEM, "read a quantity") : 0;
}

/* The strings at merge_key must differ; compared through a set, so that long lists stay cheap. */
static int check_unique(const json_t *list, const struct schema_field *field,
	const struct place *place, struct err *err)
{
	AUTO_JSON seen = json_object();
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		const char *key = json_string_at(item, field->merge_key, "");

		if (json_object_get(seen, key))
			return place_refuse(PLACE_KEY(PLACE_INDEX(place, i), field->merge_key), err,
				"duplicate \"%.60s\"", key);
		if (json_object_set_new(seen, key, json_true()) < 0)
			return err_set(err, ENOMEM, "compare names");
	}
	return 0;
}

static int check_list(
	json_t *list, const struct schema_field *field, const struct place *place, struct err *err)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return refuse_type(list, "a list", place, err);
	json_array_foreach (list, i, item) {
		json_t *value = json_incref(item);
		int r = check_one(&value, field, PLACE_INDEX(place, i), err);

		if (r == 0 && value != item && json_array_set(list, i, value) < 0)
			r = err_set(err, ENOMEM, "complete a list");
		json_decref(value);
		if (r < 0)
			return r;
	}
	return field->unique ? check_unique(list, field, place, err) : 0;
}

/* In a map of strings null is the empty string, as Go reads it. */
static json_t *map_value(const struct schema_field *field, json_t *value)
{
	bool text = field->type == SCHEMA_STRING || field->type == SCHEMA_BYTES;

	return text && json_is_null(value) ? json_string("") : json_incref(value);
}

static int check_map(
	json_t *map, const struct schema_field *field, const struct place *place, struct err *err)
{
	const char *key, *reason;
	json_t *item;
	void *next;

	if (!json_is_object(map))
		return refuse_type(map, "an object", place, err);
	json_object_foreach_safe (map, next, key, item) {
		json_t *value = map_value(field, item);
		int r = value ? 0 : err_set(err, ENOMEM, "complete a map");

		reason = field->key_rule ? field->key_rule(key) : NULL;
		if (r == 0 && reason)
			r = place_refuse(PLACE_KEY(place, key), err, "the key %s", reason);
		if (r == 0)
			r = check_one(&value, field, PLACE_KEY(place, key), err);
		if (r == 0 && value != item && json_object_set(map, key, value) < 0)
			r = err_set(err, ENOMEM, "complete a map");
		json_decref(value);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_field(json_t *object, const struct schema_field *field, json_t *item,
	const struct place *place, struct err *err)
{
	json_t *value;
	int r;

	if (field->support == SCHEMA_ABSENT ||
		(field->support == SCHEMA_REFUSED && !value_is_zero(item)))
		return place_refuse(place, err, "podnet does not support this field yet");
	if (field->support == SCHEMA_REFUSED)
		return 0;
	if (field->shape == SCHEMA_LIST)
		return check_list(item, field, place, err);
	if (field->shape == SCHEMA_MAP)
		return check_map(item, field, place, err);
	value = json_incref(item);
	r = check_one(&value, field, place, err);
	if (r == 0 && value != item && json_object_set(object, field->name, value) < 0)
		r = err_set(err, ENOMEM, "complete an object");
	json_decref(value);
	return r;
}

const struct schema_field *schema_field_find(const struct schema_message *message, const char *name)
{
	for (const struct schema_field *field = message->fields; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return message->embedded ? schema_field_find(message->embedded, name) : NULL;
}

bool schema_is_unset(const struct schema_field *field, const json_t *value)
{
	if (json_is_null(value))
		return true;
	if (!value_is_zero(value))
		return false;
	if (field->shape != SCHEMA_ONE)
		return field->required && json_is_array(value);
	if (json_is_string(value))
		return (field->type == SCHEMA_STRING || field->type == SCHEMA_INT_OR_STRING) &&
		       (field->required || field->fallback || field->one_of || field->rule);
	return field->zero_unset && json_is_integer(value);
}

static int complete_field(json_t *object, const struct schema_field *field,
	const struct place *place, struct err *err)
{
	json_t *value;

	if (json_object_get(object, field->name) || field->support == SCHEMA_DROPPED)
		return 0;
	if (field->required)
		return place_refuse(PLACE_KEY(place, field->name), err, "required");
	if (!field->fallback)
		return 0;
	value = json_loads(field->fallback, JSON_DECODE_ANY, NULL);
	if (!value || json_object_set_new(object, field->name, value) < 0)
		return err_set(err, ENOMEM, "complete an object");
	return 0;
}

static int check_fields(json_t *object, const struct schema_message *message,
	const struct place *place, struct err *err)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, key, value) {
		const struct schema_field *field = schema_field_find(message, key);
		int r;

		if (!field)
			return refuse_unknown(key, message, place, err);
		if (field->support == SCHEMA_DROPPED || schema_is_unset(field, value)) {
			json_object_del(object, key);
			continue;
		}
		r = check_field(object, field, value, PLACE_KEY(place, key), err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Defaults, then the rules between fields; what is embedded first. */
static int complete(json_t *object, const struct schema_message *message, const struct place *place,
	struct err *err)
{
	int r = message->embedded ? complete(object, message->embedded, place, err) : 0;

	for (const struct schema_field *field = message->fields; r == 0 && field->name; field++)
		r = complete_field(object, field, place, err);
	if (r == 0 && message->complete && message->complete(object) < 0)
		r = err_set(err, ENOMEM, "complete an object");
	return r == 0 && message->finish ? message->finish(object, place, err) : r;
}

int schema_apply(json_t *object, const struct schema_message *message, const struct place *place,
	struct err *err)
{
	int r = check_fields(object, message, place, err);

	return r == 0 ? complete(object, message, place, err) : r;
}
