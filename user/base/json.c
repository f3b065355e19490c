// SPDX-License-Identifier: Apache-2.0
#include "user/base/json.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

int json_parse(const char *text, size_t len, const char *what, json_t **ret, struct err *err)
{
	json_error_t at;
	json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &at);

	if (!json)
		return err_refuse(err, EINVAL, "%s: line %d, column %d: %s", what, at.line,
			at.column, at.text);
	*ret = json;
	return 0;
}

char *json_text(const json_t *json)
{
	return json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
}

const char *json_string_at(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : fallback;
}

bool json_array_has(const json_t *list, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), word) == 0)
			return true;
	return false;
}

json_t *json_any_text(const char *text)
{
	json_t *string = json_string(text);
	AUTO_FREE char *copy = string ? NULL : strdup(text);

	for (char *c = copy; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return string ? string : json_string(copy);
}

long long json_integer_at(const json_t *object, const char *key, long long fallback)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : fallback;
}
