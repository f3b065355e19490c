// SPDX-License-Identifier: Apache-2.0
#include "user/model/schema.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/base64.h"
#include "user/model/place.h"
#include "user/model/quantity.h"
#include "user/model/scalar.h"

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

static bool json_is_zero(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return json_object_size(value) == 0;
	case JSON_ARRAY: return json_array_size(value) == 0;
	case JSON_STRING: return json_string_length(value) == 0;
	case JSON_INTEGER: return json_integer_value(value) == 0;
	case JSON_REAL:
	case JSON_TRUE: return false;
	default: return true;
	}
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

static int refuse_unknown(const char *key, const struct schema_message *message,
	const struct place *place, struct err *err)
{
	size_t near = strlen(key) < 6 ? 2 : 3;
	const char *nearest = NULL;
	unsigned best = (unsigned)near + 1;

	for (const struct schema_field *field = message->fields; field->name; field++) {
		unsigned d = distance(key, field->name);

		if (d < best) {
			best = d;
			nearest = field->name;
		}
	}
	place = PLACE_KEY(place, key);
	if (nearest)
		return place_refuse(place, err, "unknown field, did you mean \"%s\"?", nearest);
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

static int check_string(const json_t *value, const struct schema_field *field,
	const struct place *place, struct err *err)
{
	const char *text = json_string_value(value), *reason;

	if (!text)
		return refuse_type(value, "a string", place, err);
	for (const char *const *p = field->one_of; p && *p; p++) {
		if (strcmp(*p, text) == 0)
			break;
		if ((*p)[0] == '!' && strcmp(*p + 1, text) == 0)
			return place_refuse(place, err, "podnet does not support \"%s\" yet", text);
		if (!p[1])
			return refuse_value(field, text, place, err);
	}
	reason = field->rule ? field->rule(text) : NULL;
	if (reason)
		return place_refuse(place, err, "%s; got \"%.60s\"", reason, text);
	return 0;
}

static int check_integer(const json_t *value, const struct schema_field *field,
	const struct place *place, struct err *err)
{
	json_int_t number = json_integer_value(value);

	if (!json_is_integer(value))
		return refuse_type(value, "an integer", place, err);
	if (field->type == SCHEMA_INT32 && (number > INT32_MAX || number < INT32_MIN))
		return place_refuse(place, err, "%lld does not fit in 32 bits", (long long)number);
	if (field->min == field->max || (number >= field->min && number <= field->max))
		return 0;
	if (field->max >= INT32_MAX && number < field->min)
		return place_refuse(place, err, "must be at least %lld, got %lld",
			(long long)field->min, (long long)number);
	return place_refuse(place, err, "must be from %lld to %lld, got %lld",
		(long long)field->min, (long long)field->max, (long long)number);
}

static int check_quantity(json_t **value, const struct place *place, struct err *err)
{
	char number[SCALAR_NUMBER_LEN], canonical[QUANTITY_TEXT_LEN];
	const char *text = json_string_value(*value);
	struct quantity quantity;
	json_t *replaced;
	int r;

	if (json_is_number(*value)) {
		scalar_number_text(*value, number);
		text = number;
	}
	if (!text)
		return refuse_type(*value, "a quantity like 500m or 1Gi", place, err);
	r = quantity_parse(text, &quantity);
	if (r == -ERANGE)
		return place_refuse(place, err, "quantity %.60s is too large", text);
	if (r < 0)
		return place_refuse(
			place, err, "must be a quantity like 500m or 1Gi, got \"%.60s\"", text);
	quantity_text(&quantity, canonical);
	replaced = json_string(canonical);
	if (!replaced)
		return err_set(err, ENOMEM, "read a quantity");
	json_decref(*value);
	*value = replaced;
	return 0;
}

static int check_bytes(const json_t *value, const struct place *place, struct err *err)
{
	const char *text = json_string_value(value);

	if (!text)
		return refuse_type(value, "a string in base64", place, err);
	if (!base64_is_valid(text))
		return place_refuse(place, err, "must be base64");
	return 0;
}

/* @value is owned by the caller and may be replaced. */
static int check_one(json_t **value, const struct schema_field *field, const struct place *place,
	struct err *err)
{
	switch (field->type) {
	case SCHEMA_STRING: return check_string(*value, field, place, err);
	case SCHEMA_BOOL:
		return json_is_boolean(*value) ? 0 : refuse_type(*value, "a boolean", place, err);
	case SCHEMA_INT32:
	case SCHEMA_INT64: return check_integer(*value, field, place, err);
	case SCHEMA_INT_OR_STRING:
		if (json_is_string(*value))
			return check_string(*value, field, place, err);
		if (json_is_integer(*value))
			return check_integer(*value, field, place, err);
		return refuse_type(*value, "an integer or a string", place, err);
	case SCHEMA_QUANTITY: return check_quantity(value, place, err);
	case SCHEMA_BYTES: return check_bytes(*value, place, err);
	case SCHEMA_MESSAGE:
		if (!json_is_object(*value))
			return refuse_type(*value, "an object", place, err);
		return schema_apply(*value, field->message, place, err);
	case SCHEMA_ANY: return 0;
	}
	return 0;
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
		(field->support == SCHEMA_REFUSED && !json_is_zero(item)))
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

static const struct schema_field *field_find(const struct schema_message *message, const char *name)
{
	for (const struct schema_field *field = message->fields; field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field;
	return NULL;
}

/* Values that Go cannot tell from a field that is not given. */
static bool field_is_unset(const struct schema_field *field, const json_t *value)
{
	if (json_is_null(value))
		return true;
	if (!json_is_zero(value))
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

	if (json_object_get(object, field->name))
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

int schema_apply(json_t *object, const struct schema_message *message, const struct place *place,
	struct err *err)
{
	const char *key;
	json_t *value;
	void *next;
	int r = 0;

	json_object_foreach_safe (object, next, key, value) {
		const struct schema_field *field = field_find(message, key);

		if (!field)
			return refuse_unknown(key, message, place, err);
		if (field->support == SCHEMA_DROPPED || field_is_unset(field, value)) {
			json_object_del(object, key);
			continue;
		}
		r = check_field(object, field, value, PLACE_KEY(place, key), err);
		if (r < 0)
			return r;
	}
	for (const struct schema_field *field = message->fields; r == 0 && field->name; field++)
		r = complete_field(object, field, place, err);
	return r == 0 && message->finish ? message->finish(object, place, err) : r;
}
