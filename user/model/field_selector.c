// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"
#include "user/model/selector.h"

#define PATH_MAX_LEN	 128
#define VALUE_QUOTED_MAX 300 /* a longer value is looked for in the object itself */

struct term {
	char path[PATH_MAX_LEN];
	char *value;
	bool negated;
};

struct field_selector {
	const struct kind *kind;
	struct term *terms;
	size_t count;
};

struct field_selector *field_selector_free(struct field_selector *selector)
{
	if (!selector)
		return NULL;
	for (size_t i = 0; i < selector->count; i++)
		free(selector->terms[i].value);
	free(selector->terms);
	free(selector);
	return NULL;
}

static int refuse_path(const struct kind *kind, const char *path, struct err *err)
{
	if (kind->selectable[0])
		return err_refuse(err, EINVAL, "field label not supported: %.80s", path);
	return err_refuse(err, EINVAL,
		"\"%.80s\" is not a known field selector: only \"metadata.name\"%s", path,
		kind->namespaced ? ", \"metadata.namespace\"" : "");
}

/* The value with its escapes undone, in place. */
static int value_unescape(char *value, struct err *err)
{
	char *out = value;

	for (const char *in = value; *in; in++) {
		if (*in == '\\') {
			in++;
			if (!*in || !strchr("\\,=", *in))
				return err_refuse(err, EINVAL,
					"invalid field selector: invalid escape sequence in value");
		} else if (*in == '=') {
			return err_refuse(
				err, EINVAL, "invalid field selector: unescaped = in value");
		}
		*out++ = *in;
	}
	*out = '\0';
	return 0;
}

/* The end of a term: the next comma that is not escaped. */
static size_t term_len(const char *text)
{
	size_t len = 0;

	while (text[len] && text[len] != ',')
		len += text[len] == '\\' && text[len + 1] ? 2 : 1;
	return len;
}

static int term_parse(
	const char *text, size_t len, const struct kind *kind, struct term *term, struct err *err)
{
	size_t path = strcspn(text, "=!,");
	const char *sign = text + path;
	size_t sign_len;

	term->negated = strncmp(sign, "!=", 2) == 0;
	sign_len = term->negated || strncmp(sign, "==", 2) == 0 ? 2 : 1;
	if (path >= len || (*sign == '!' && !term->negated))
		return err_refuse(err, EINVAL, "invalid selector: '%.*s'; can't understand '%.*s'",
			(int)(len > 80 ? 80 : len), text, (int)(len > 80 ? 80 : len), text);
	if (path >= sizeof(term->path))
		return err_refuse(err, EINVAL, "field label not supported");
	memcpy(term->path, text, path);
	term->path[path] = '\0';
	if (!kind_is_selectable(kind, term->path))
		return refuse_path(kind, term->path, err);
	term->value = strndup(sign + sign_len, len - path - sign_len);
	if (!term->value)
		return err_set(err, ENOMEM, "read a selector");
	return value_unescape(term->value, err);
}

static size_t terms_count(const char *text)
{
	size_t count = 0;

	for (; *text; count++) {
		text += term_len(text);
		text += *text == ',';
	}
	return count;
}

int field_selector_parse(
	const char *text, const struct kind *kind, struct field_selector **ret, struct err *err)
{
	struct field_selector *selector = calloc(1, sizeof(*selector));
	size_t count = terms_count(text);
	int r = 0;

	if (!selector)
		return err_set(err, ENOMEM, "read a selector");
	selector->kind = kind;
	selector->terms = calloc(count + 1, sizeof(*selector->terms));
	if (!selector->terms)
		r = err_set(err, ENOMEM, "read a selector");
	else if (count > SELECTOR_MAX_TERMS)
		r = err_refuse(err, EINVAL, "a selector has at most %d terms", SELECTOR_MAX_TERMS);
	while (r == 0 && *text) {
		size_t len = term_len(text);

		if (len)
			r = term_parse(text, len, kind, &selector->terms[selector->count++], err);
		text += len;
		text += *text == ',';
	}
	if (r < 0) {
		field_selector_free(selector);
		return r;
	}
	*ret = selector;
	return 0;
}

/* What a field that is not there is compared as. */
static const char *zero_text(const struct schema_field *field)
{
	if (!field || field->shape != SCHEMA_ONE)
		return "";
	if (field->type == SCHEMA_BOOL)
		return "false";
	return field->type == SCHEMA_INT32 || field->type == SCHEMA_INT64 ? "0" : "";
}

static const char *value_text(
	const json_t *value, const struct schema_field *field, char *number, size_t size)
{
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "true" : "false";
	if (json_is_integer(value)) {
		snprintf(number, size, "%lld", (long long)json_integer_value(value));
		return number;
	}
	/* An event's "source" is the component of that object. */
	if (json_is_object(value))
		return json_string_at(value, "component", "");
	return zero_text(field);
}

static bool term_matches(const struct term *term, const json_t *object, const struct kind *kind)
{
	const struct schema_message *message = kind->message;
	const struct schema_field *field = NULL;
	const json_t *value = object;
	char path[PATH_MAX_LEN], number[32];
	char *rest = NULL;

	memcpy(path, term->path, sizeof(path));
	for (char *step = strtok_r(path, ".", &rest); step; step = strtok_r(NULL, ".", &rest)) {
		field = message ? schema_field_find(message, step) : NULL;
		message = field ? field->message : NULL;
		value = json_object_get(value, step);
	}
	return (strcmp(value_text(value, field, number, sizeof(number)), term->value) == 0) !=
	       term->negated;
}

bool field_selector_matches(const struct field_selector *selector, const json_t *object)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!term_matches(&selector->terms[i], object, selector->kind))
			return false;
	return true;
}

/* What JSON would escape, and what a field that is left out or no text may mean, says nothing about the text. */
static bool value_is_literal(const char *value)
{
	for (const char *at = value; *at; at++)
		if ((unsigned char)*at < ' ' || (unsigned char)*at > '~' || *at == '"' ||
			*at == '\\')
			return false;
	return value[strspn(value, "0123456789")] && strcmp(value, "false") != 0 &&
	       strcmp(value, "true") != 0;
}

static bool term_may_match(const struct term *term, const char *text, size_t size)
{
	char quoted[VALUE_QUOTED_MAX];
	int len = snprintf(quoted, sizeof(quoted), "\"%s\"", term->value);

	return term->negated || !value_is_literal(term->value) || len < 0 ||
	       (size_t)len >= sizeof(quoted) || memmem(text, size, quoted, (size_t)len);
}

bool field_selector_may_match(const struct field_selector *selector, const char *text, size_t size)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!term_may_match(&selector->terms[i], text, size))
			return false;
	return true;
}

const char *field_selector_value(const struct field_selector *selector, const char *path)
{
	for (size_t i = 0; i < selector->count; i++)
		if (!selector->terms[i].negated && strcmp(selector->terms[i].path, path) == 0)
			return selector->terms[i].value;
	return NULL;
}
