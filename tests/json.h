/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in C strings that a reader can read. */
#pragma once

#include "tests/check.h"
#include "user/base/json.h"

/* Reads any value of @text, in which ' stands for ".  The caller owns it; never NULL. */
static inline json_t *json_quoted(const char *text)
{
	AUTO_FREE char *copy = strdup(text);
	json_t *json;

	if (!copy)
		BAIL("no memory");
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(copy, JSON_DECODE_ANY, NULL);
	if (!json)
		BAIL(text);
	return json;
}
