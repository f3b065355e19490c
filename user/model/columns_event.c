// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <stdio.h>

#include "user/model/columns_part.h"

/* Newer clients give only eventTime, and count in series. */
static const char *event_last(const json_t *event)
{
	const char *series =
		json_string_at(json_object_get(event, "series"), "lastObservedTime", "");
	const char *last = json_string_at(event, "lastTimestamp", "");

	if (series[0])
		return series;
	return last[0] ? last : json_string_at(event, "eventTime", "");
}

static json_t *cell_last_seen(const json_t *event, int64_t now)
{
	return cell_since(event_last(event), now);
}

static json_t *cell_first_seen(const json_t *event, int64_t now)
{
	const char *first = json_string_at(event, "firstTimestamp", "");

	return cell_since(first[0] ? first : json_string_at(event, "eventTime", ""), now);
}

static json_t *cell_event_type(const json_t *event, int64_t now)
{
	(void)now;
	return json_any_text(json_string_at(event, "type", ""));
}

static json_t *cell_reason(const json_t *event, int64_t now)
{
	(void)now;
	return json_any_text(json_string_at(event, "reason", ""));
}

static json_t *cell_object(const json_t *event, int64_t now)
{
	const json_t *object = json_object_get(event, "involvedObject");
	const char *name = json_string_at(object, "name", "");
	char kind[64];
	size_t i;

	(void)now;
	snprintf(kind, sizeof(kind), "%s", json_string_at(object, "kind", ""));
	for (i = 0; kind[i]; i++)
		kind[i] = (char)tolower((unsigned char)kind[i]);
	return json_sprintf("%s%s%s", kind, name[0] ? "/" : "", name);
}

static json_t *cell_subobject(const json_t *event, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(event, "involvedObject", "fieldPath", ""));
}

static json_t *cell_source(const json_t *event, int64_t now)
{
	const char *component = cell_text_at(
		event, "source", "component", json_string_at(event, "reportingComponent", ""));
	const char *host = cell_text_at(event, "source", "host", "");

	(void)now;
	return json_sprintf("%s%s%s", component, host[0] ? ", " : "", host);
}

static json_t *cell_message(const json_t *event, int64_t now)
{
	(void)now;
	return json_any_text(json_string_at(event, "message", ""));
}

static json_t *cell_count(const json_t *event, int64_t now)
{
	long long count = json_integer_at(
		json_object_get(event, "series"), "count", json_integer_at(event, "count", 0));

	(void)now;
	return json_integer(count > 0 ? count : 1);
}

const struct column columns_event[] = {
	{"Last Seen", "string", "", 0, cell_last_seen},
	{"Type", "string", "", 0, cell_event_type},
	{"Reason", "string", "", 0, cell_reason},
	{"Object", "string", "", 0, cell_object},
	{"Subobject", "string", "", 1, cell_subobject},
	{"Source", "string", "", 1, cell_source},
	{"Message", "string", "", 0, cell_message},
	{"First Seen", "string", "", 1, cell_first_seen},
	{"Count", "string", "", 1, cell_count},
	{"Name", "string", "name", 1, cell_name},
	COLUMN_END,
};
