// SPDX-License-Identifier: Apache-2.0
#include "user/api/definitions.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/describe.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"

#define MESSAGES_MOST 512

/* Messages are met on the way: each is written once, those that it refers to after it. */
struct definitions {
	const char *group, *version, *reference;
	const struct schema_message *messages[MESSAGES_MOST];
	size_t count;
	json_t *json;
	bool failed;
};

static size_t message_index(struct definitions *definitions, const struct schema_message *message)
{
	for (size_t i = 0; i < definitions->count; i++)
		if (definitions->messages[i] == message)
			return i;
	if (definitions->count == MESSAGES_MOST) {
		definitions->failed = true;
		return 0;
	}
	definitions->messages[definitions->count] = message;
	return definitions->count++;
}

/* Two messages of one name are told apart by a number. */
static json_t *message_name(struct definitions *definitions, size_t index, const char *before)
{
	const char *name = definitions->messages[index]->name;
	unsigned same = 0;

	for (size_t i = 0; i < index; i++)
		same += strcmp(definitions->messages[i]->name, name) == 0;
	if (same)
		return json_sprintf("%sio.k8s.%s.%u", before, name, same + 1);
	return json_sprintf("%sio.k8s.%s", before, name);
}

static json_t *type_json(const char *type, const char *format)
{
	return json_pack("{s:s, s:s*}", "type", type, "format", format);
}

static json_t *item_json(struct definitions *definitions, const struct schema_field *field)
{
	switch (field->type) {
	case SCHEMA_BOOL: return type_json("boolean", NULL);
	case SCHEMA_INT32: return type_json("integer", "int32");
	case SCHEMA_INT64: return type_json("integer", "int64");
	case SCHEMA_INT_OR_STRING: return type_json("string", "int-or-string");
	case SCHEMA_BYTES: return type_json("string", "byte");
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME: return type_json("string", "date-time");
	case SCHEMA_STRING:
	case SCHEMA_QUANTITY: return type_json("string", NULL);
	case SCHEMA_STRING_LIST:
		return json_pack("{s:s, s:o}", "type", "array", "items", type_json("string", NULL));
	case SCHEMA_MESSAGE:
		return json_pack("{s:o}", "$ref",
			message_name(definitions, message_index(definitions, field->message),
				definitions->reference));
	default: return type_json("object", NULL);
	}
}

/* How a strategic merge patch of this field works. */
static void field_add_strategy(json_t *json, const struct schema_field *field)
{
	bool merges = field->merge_key || field->merge;
	const char *strategy = merges && field->retain_keys ? "merge,retainKeys"
			       : merges			    ? "merge"
			       : field->retain_keys	    ? "retainKeys"
							    : NULL;

	if (field->merge_key)
		json_object_set_new(
			json, "x-kubernetes-patch-merge-key", json_string(field->merge_key));
	if (strategy)
		json_object_set_new(json, "x-kubernetes-patch-strategy", json_string(strategy));
}

static void add_description(json_t *json, const char *text)
{
	if (text)
		json_object_set_new(json, "description", json_string(text));
}

static json_t *field_json(struct definitions *definitions, const struct schema_message *message,
	const struct schema_field *field)
{
	json_t *json = item_json(definitions, field);

	if (field->shape == SCHEMA_LIST)
		json = json_pack("{s:s, s:o}", "type", "array", "items", json);
	else if (field->shape == SCHEMA_MAP)
		json = json_pack("{s:s, s:o}", "type", "object", "additionalProperties", json);
	field_add_strategy(json, field);
	add_description(json, describe(message->name, field->name));
	return json;
}

/* What is embedded in @of stands in JSON among its own. */
static void fields_add(struct definitions *definitions, const struct schema_message *of,
	const struct schema_message *message, json_t *properties)
{
	for (const struct schema_field *field = message->fields; field->name; field++)
		if (json_object_set_new(
			    properties, field->name, field_json(definitions, of, field)) < 0)
			definitions->failed = true;
	if (message->embedded)
		fields_add(definitions, of, message->embedded, properties);
}

static bool kind_is_wanted(
	const struct definitions *definitions, const struct kind *kind, const char *version)
{
	return !definitions->group || (strcmp(kind->group, definitions->group) == 0 &&
					      strcmp(version, definitions->version) == 0);
}

/* The kinds and versions that a message is the body of. */
static json_t *message_kinds(
	const struct definitions *definitions, const struct schema_message *message)
{
	json_t *list = json_array();

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *version = kinds[i].versions; *version; version++)
			if (kinds[i].message == message &&
				kind_is_wanted(definitions, &kinds[i], *version))
				json_array_append_new(
					list, json_pack("{s:s, s:s, s:s}", "group", kinds[i].group,
						      "kind", kinds[i].kind, "version", *version));
	return list;
}

static void message_add(struct definitions *definitions, size_t index)
{
	const struct schema_message *message = definitions->messages[index];
	json_t *name = message_name(definitions, index, "");
	json_t *properties = json_object(), *of = message_kinds(definitions, message);
	json_t *json;

	fields_add(definitions, message, message, properties);
	json = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	add_description(json, describe(message->name, NULL));
	if (json_array_size(of))
		json_object_set(json, "x-kubernetes-group-version-kind", of);
	json_decref(of);
	if (!name || json_object_set_new(definitions->json, json_string_value(name), json) < 0)
		definitions->failed = true;
	json_decref(name);
}

json_t *definitions_json(const char *group, const char *version, const char *reference)
{
	struct definitions definitions = {
		.group = group,
		.version = version,
		.reference = reference,
		.json = json_object(),
	};

	for (size_t i = 0; i < kinds_count; i++)
		for (const char *const *at = kinds[i].versions; *at; at++)
			if (kind_is_wanted(&definitions, &kinds[i], *at))
				message_index(&definitions, kinds[i].message);
	for (size_t i = 0; i < definitions.count && !definitions.failed; i++)
		message_add(&definitions, i);
	if (!definitions.failed)
		return definitions.json;
	json_decref(definitions.json);
	return NULL;
}
