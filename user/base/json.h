/* SPDX-License-Identifier: Apache-2.0 */
/* Jansson with ownership by scope and errors in our form. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct err;

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}

#define AUTO_JSON __attribute__((cleanup(cleanup_json))) json_t *

/*
 * Parses one JSON document; duplicate keys are refused.  @what names the text in the error.
 * The caller owns *@ret.
 */
int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *err);

/* Compact text that the caller frees; NULL when memory is out. */
char *json_text(const json_t *json);

/* The string at object[key], or @fallback when it is missing or no string.  Borrowed. */
const char *json_string_at(const json_t *object, const char *key, const char *fallback);

/* Whether @list (NULL: an empty one) holds the string @word. */
bool json_array_has(const json_t *list, const char *word);

/* @text as a JSON string; when it is not UTF-8 (a command's output, a cut message) with '?' for each byte
 * beyond ASCII.  The caller owns it; NULL when memory is out. */
json_t *json_any_text(const char *text);

/* The integer at object[key], or @fallback when it is missing or no integer. */
long long json_integer_at(const json_t *object, const char *key, long long fallback);
