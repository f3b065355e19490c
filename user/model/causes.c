// SPDX-License-Identifier: Apache-2.0
#include "user/model/causes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/place.h"

#define PATH_SIZE  1024
#define VALUE_SIZE 2048 /* a longer value is cut */

const char *cause_reason_name(enum cause_reason reason)
{
	static const char *const names[] = {
		[CAUSE_REQUIRED] = "FieldValueRequired",
		[CAUSE_INVALID] = "FieldValueInvalid",
		[CAUSE_NOT_SUPPORTED] = "FieldValueNotSupported",
		[CAUSE_DUPLICATE] = "FieldValueDuplicate",
		[CAUSE_FORBIDDEN] = "FieldValueForbidden",
		[CAUSE_NOT_FOUND] = "FieldValueNotFound",
		[CAUSE_TOO_LONG] = "FieldValueTooLong",
	};

	return names[reason];
}

static void cause_add(struct causes *causes, const struct place *place, enum cause_reason reason,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void cause_add(struct causes *causes, const struct place *place, enum cause_reason reason,
	const char *fmt, ...)
{
	char path[PATH_SIZE];
	struct cause cause = {.reason = reason};
	va_list ap;

	if (causes->count == CAUSES_MAX)
		return;
	place_path(place, path, sizeof(path));
	cause.field = strdup(path);
	va_start(ap, fmt);
	if (vasprintf(&cause.message, fmt, ap) < 0)
		cause.message = NULL;
	va_end(ap);
	if (!cause.field || !cause.message) {
		free(cause.field);
		free(cause.message);
		causes->no_memory = true;
		return;
	}
	causes->items[causes->count++] = cause;
}

static bool is_string_map(const json_t *value)
{
	const char *key;
	json_t *item;

	json_object_foreach ((json_t *)value, key, item)
		if (!json_is_string(item))
			return false;
	return json_is_object(value);
}

/* The value as Go prints it: text in quotes, a map of strings with its type, all else as JSON. */
static char *value_print(const json_t *value)
{
	AUTO_FREE char *json = NULL;
	char *text = NULL;

	if (!value)
		return strdup("\"\"");
	json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (!json)
		return NULL;
	if (strlen(json) > VALUE_SIZE)
		json[VALUE_SIZE] = '\0';
	if (asprintf(&text, "%s%s", is_string_map(value) ? "map[string]string" : "", json) < 0)
		return NULL;
	return text;
}

/* "Invalid value: VALUE", and what follows. */
static void cause_add_value(struct causes *causes, const struct place *place,
	enum cause_reason reason, const char *what, const json_t *value, const char *more)
{
	AUTO_FREE char *text = value_print(value);

	if (!text)
		causes->no_memory = true;
	else
		cause_add(causes, place, reason, "%s: %s%s%s", what, text, *more ? ": " : "", more);
}

void cause_required(struct causes *causes, const struct place *place, const char *detail)
{
	cause_add(causes, place, CAUSE_REQUIRED, "Required value%s%s", detail ? ": " : "",
		detail ? detail : "");
}

void cause_invalid(
	struct causes *causes, const struct place *place, const json_t *value, const char *detail)
{
	cause_add_value(causes, place, CAUSE_INVALID, "Invalid value", value, detail);
}

void cause_unsupported(struct causes *causes, const struct place *place, const json_t *value,
	const char *const *supported)
{
	AUTO_FREE char *list = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&list, &len);

	if (!out) {
		causes->no_memory = true;
		return;
	}
	fputs("supported values: ", out);
	for (size_t i = 0; supported[i]; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", supported[i] + (supported[i][0] == '!'));
	if (fclose(out) != 0)
		causes->no_memory = true;
	else
		cause_add_value(
			causes, place, CAUSE_NOT_SUPPORTED, "Unsupported value", value, list);
}

void cause_duplicate(struct causes *causes, const struct place *place, const json_t *value)
{
	cause_add_value(causes, place, CAUSE_DUPLICATE, "Duplicate value", value, "");
}

void cause_not_found(struct causes *causes, const struct place *place, const json_t *value)
{
	cause_add_value(causes, place, CAUSE_NOT_FOUND, "Not found", value, "");
}

void cause_forbidden(struct causes *causes, const struct place *place, const char *detail)
{
	cause_add(causes, place, CAUSE_FORBIDDEN, "Forbidden: %s", detail);
}

void cause_too_long(struct causes *causes, const struct place *place, size_t max_bytes)
{
	cause_add(causes, place, CAUSE_TOO_LONG, "Too long: may not be more than %zu bytes",
		max_bytes);
}

char *causes_text(const struct causes *causes)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < causes->count; i++)
		fprintf(out, "%s%s: %s",
			i		    ? ", "
			: causes->count > 1 ? "["
					    : "",
			causes->items[i].field, causes->items[i].message);
	if (causes->count > 1)
		fputc(']', out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

json_t *causes_json(const struct causes *causes)
{
	AUTO_JSON list = json_array();

	for (size_t i = 0; i < causes->count; i++) {
		const struct cause *cause = &causes->items[i];

		if (json_array_append_new(list,
			    json_pack("{ss ss ss}", "reason", cause_reason_name(cause->reason),
				    "message", cause->message, "field", cause->field)) < 0)
			return NULL;
	}
	return json_incref(list);
}

void causes_clear(struct causes *causes)
{
	for (size_t i = 0; i < causes->count; i++) {
		free(causes->items[i].field);
		free(causes->items[i].message);
	}
	causes->count = 0;
	causes->no_memory = false;
}
