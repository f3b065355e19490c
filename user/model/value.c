// SPDX-License-Identifier: Apache-2.0
#include "user/model/value.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/model/quantity.h"
#include "user/model/scalar.h"

bool value_is_zero(const json_t *value)
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

/* A pattern of digits: '0' stands for any digit. */
static bool matches_digits(const char *text, const char *pattern)
{
	for (; *pattern; pattern++, text++)
		if (*pattern == '0' ? !isdigit((unsigned char)*text) : *text != *pattern)
			return false;
	return true;
}

static int two_digits(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

bool value_is_time(const char *text)
{
	const char *zone = text + strlen("0000-00-00T00:00:00");

	if (!matches_digits(text, "0000-00-00T00:00:00"))
		return false;
	if (two_digits(text + 5) < 1 || two_digits(text + 5) > 12 || two_digits(text + 8) < 1 ||
		two_digits(text + 8) > 31 || two_digits(text + 11) > 23 ||
		two_digits(text + 14) > 59 || two_digits(text + 17) > 59)
		return false;
	if (*zone == '.') {
		size_t digits = strspn(zone + 1, "0123456789");

		if (digits == 0 || digits > 9)
			return false;
		zone += 1 + digits;
	}
	if (strcmp(zone, "Z") == 0)
		return true;
	return (*zone == '+' || *zone == '-') && matches_digits(zone + 1, "00:00") &&
	       zone[6] == '\0' && two_digits(zone + 1) < 24 && two_digits(zone + 4) < 60;
}

static enum value_fault check_string(
	const char *text, const struct schema_field *field, const char **ret_reason)
{
	for (const char *const *p = field->one_of; p && *p; p++) {
		if (strcmp(*p, text) == 0)
			break;
		if ((*p)[0] == '!' && strcmp(*p + 1, text) == 0)
			return VALUE_NOT_YET;
		if (!p[1])
			return VALUE_NOT_LISTED;
	}
	*ret_reason = field->rule ? field->rule(text) : NULL;
	return *ret_reason ? VALUE_RULE : VALUE_GOOD;
}

static enum value_fault check_integer(const json_t *value, const struct schema_field *field)
{
	json_int_t number = json_integer_value(value);

	if (field->type == SCHEMA_INT32 && (number > INT32_MAX || number < INT32_MIN))
		return VALUE_WIDTH;
	if (field->min == field->max || (number >= field->min && number <= field->max))
		return VALUE_GOOD;
	return VALUE_RANGE;
}

/* The text of a quantity that was given as text or as a number; NULL: as neither. */
static const char *quantity_source(const json_t *value, char number[SCALAR_NUMBER_LEN])
{
	if (!json_is_number(value))
		return json_string_value(value);
	scalar_number_text(value, number);
	return number;
}

static enum value_fault check_quantity(const json_t *value)
{
	char number[SCALAR_NUMBER_LEN];
	const char *text = quantity_source(value, number);
	struct quantity quantity;
	int r;

	if (!text)
		return VALUE_TYPE;
	r = quantity_parse(text, &quantity);
	if (r == -ERANGE)
		return VALUE_HUGE;
	return r < 0 ? VALUE_NO_QUANTITY : VALUE_GOOD;
}

static enum value_fault check_strings(const json_t *list)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return VALUE_TYPE;
	json_array_foreach ((json_t *)list, i, item)
		if (!json_is_string(item))
			return VALUE_TYPE;
	return VALUE_GOOD;
}

enum value_fault value_check(
	const json_t *value, const struct schema_field *field, const char **ret_reason)
{
	const char *text = json_string_value(value);

	switch (field->type) {
	case SCHEMA_STRING: return text ? check_string(text, field, ret_reason) : VALUE_TYPE;
	case SCHEMA_BOOL: return json_is_boolean(value) ? VALUE_GOOD : VALUE_TYPE;
	case SCHEMA_INT32:
	case SCHEMA_INT64: return json_is_integer(value) ? check_integer(value, field) : VALUE_TYPE;
	case SCHEMA_INT_OR_STRING:
		if (text)
			return check_string(text, field, ret_reason);
		return json_is_integer(value) ? check_integer(value, field) : VALUE_TYPE;
	case SCHEMA_QUANTITY: return check_quantity(value);
	case SCHEMA_BYTES:
		if (!text)
			return VALUE_TYPE;
		return base64_is_valid(text) ? VALUE_GOOD : VALUE_NO_BASE64;
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME:
		if (!text)
			return VALUE_TYPE;
		return value_is_time(text) ? VALUE_GOOD : VALUE_NO_TIME;
	case SCHEMA_MESSAGE:
	case SCHEMA_RAW:
	case SCHEMA_FIELDS_V1: return json_is_object(value) ? VALUE_GOOD : VALUE_TYPE;
	case SCHEMA_STRING_LIST: return check_strings(value);
	case SCHEMA_ANY: return VALUE_GOOD;
	}
	return VALUE_GOOD;
}

int value_canonical(json_t **value, const struct schema_field *field)
{
	char number[SCALAR_NUMBER_LEN], canonical[QUANTITY_TEXT_LEN];
	struct quantity quantity;
	json_t *replaced;

	if (field->type != SCHEMA_QUANTITY ||
		quantity_parse(quantity_source(*value, number), &quantity) < 0)
		return 0;
	quantity_text(&quantity, canonical);
	replaced = json_string(canonical);
	if (!replaced)
		return -ENOMEM;
	json_decref(*value);
	*value = replaced;
	return 0;
}

size_t value_map_bytes(const json_t *map, bool base64)
{
	const char *key;
	json_t *value;
	size_t sum = 0;

	json_object_foreach ((json_t *)map, key, value)
		sum += base64 ? json_string_length(value) / 4 * 3 : json_string_length(value);
	return sum;
}

json_t *value_names(const json_t *list)
{
	json_t *names = json_object(), *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item) {
		const char *name = json_string_at(item, "name", NULL);

		if (name && json_object_set_new(names, name, json_true()) < 0) {
			json_decref(names);
			return NULL;
		}
	}
	return names;
}
