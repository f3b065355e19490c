/* SPDX-License-Identifier: Apache-2.0 */
/* One value against the row of its field: what is wrong, without words.  Each mode has its own. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/model/schema.h"

enum value_fault {
	VALUE_GOOD,
	/* It cannot be read as the field's type. */
	VALUE_TYPE,
	VALUE_WIDTH,	   /* an integer beyond 32 bits */
	VALUE_NO_QUANTITY, /* text that is no quantity */
	VALUE_HUGE,	   /* a quantity of 2^63 units or more */
	VALUE_NO_BASE64,
	VALUE_NO_TIME,
	/* It can be read, and may not stand there. */
	VALUE_NOT_LISTED, /* not one of one_of */
	VALUE_NOT_YET,	  /* one that the node does not support */
	VALUE_RANGE,	  /* not from min to max */
	VALUE_RULE,	  /* against rule, which gave the reason */
};

/* @value is one item of a list or map, or the field's value.  Objects of messages are not looked into. */
enum value_fault value_check(
	const json_t *value, const struct schema_field *field, const char **ret_reason);

/* A quantity that VALUE_GOOD was said of becomes its canonical text.  -ENOMEM. */
int value_canonical(json_t **value, const struct schema_field *field);

/* Whether @text is a time of RFC 3339, as "2026-11-29T23:45:45Z" or with a fraction or an offset. */
bool value_is_time(const char *text);

/* null, "", 0, false, {} and []. */
bool value_is_zero(const json_t *value);

/* The "name" of each item of @list, as keys.  The caller owns it; NULL when memory is out. */
json_t *value_names(const json_t *list);

/* The bytes of all values of a map of strings; @base64: of what they stand for, a little more at most. */
size_t value_map_bytes(const json_t *map, bool base64);
