// SPDX-License-Identifier: Apache-2.0
#include "user/agent/incarnations.h"

#include <string.h>

#define MARK "next" /* no name: those have a slash */

static void number_set(json_t *record, const char *key, uint64_t number)
{
	json_object_set_new(record, key, json_integer((json_int_t)number));
}

static uint64_t mark_get(const json_t *record)
{
	return (uint64_t)json_integer_at(record, MARK, 0);
}

uint64_t incarnations_get(const json_t *record, const char *name)
{
	return (uint64_t)json_integer_at(record, name, (json_int_t)mark_get(record));
}

bool incarnations_keep(json_t *record, const char *name)
{
	if (json_object_get(record, name))
		return false;
	number_set(record, name, mark_get(record));
	return true;
}

void incarnations_raise(json_t *record, const char *name)
{
	number_set(record, name, incarnations_get(record, name) + 1);
}

bool incarnations_forget(json_t *record, bool (*in_use)(const char *name, const void *userdata),
	const void *userdata)
{
	uint64_t mark = mark_get(record);
	bool any = false;
	const char *name;
	json_t *number;
	void *next;

	json_object_foreach_safe (record, next, name, number) {
		uint64_t after = (uint64_t)json_integer_value(number) + 1;

		if (!strchr(name, '/') || in_use(name, userdata))
			continue;
		if (after > mark)
			mark = after;
		json_object_del(record, name);
		any = true;
	}
	if (any)
		number_set(record, MARK, mark);
	return any;
}
