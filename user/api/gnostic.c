// SPDX-License-Identifier: Apache-2.0
#include "user/api/gnostic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/wire.h"

/* Numbers of openapi.v2. */
enum { NAMED_NAME = 1, NAMED_VALUE = 2 };
enum { ANY_YAML = 2 };
enum { DOCUMENT_SWAGGER = 1, DOCUMENT_INFO = 2, DOCUMENT_PATHS = 8, DOCUMENT_DEFINITIONS = 9 };
enum { INFO_TITLE = 1, INFO_VERSION = 2 };
enum { PATHS_PATH = 2, PATH_ITEM_PATCH = 8 };
enum { OPERATION_PARAMETERS = 8, OPERATION_RESPONSES = 9, OPERATION_EXTENSION = 13 };
enum { PARAMETERS_ITEM_PARAMETER = 1, PARAMETER_NON_BODY = 2, NON_BODY_QUERY = 3 };
enum { QUERY_IN = 2, QUERY_NAME = 4, QUERY_TYPE = 6 };
enum { DEFINITIONS_SCHEMA = 1, PROPERTIES_SCHEMA = 1, ITEMS_SCHEMA = 1, ADDITIONAL_SCHEMA = 1 };
enum { TYPE_VALUE = 1 };
enum {
	SCHEMA_REF = 1,
	SCHEMA_FORMAT = 2,
	SCHEMA_DESCRIPTION = 4,
	SCHEMA_ADDITIONAL = 21,
	SCHEMA_TYPE_ITEM = 22,
	SCHEMA_ITEMS = 23,
	SCHEMA_PROPERTIES = 25,
	SCHEMA_EXTENSION = 31,
};

static void put_text(struct wire_out *out, unsigned number, const char *text)
{
	wire_put_bytes(out, number, text, strlen(text));
}

static void put_text_at(
	struct wire_out *out, unsigned number, const json_t *object, const char *key)
{
	const char *text = json_string_at(object, key, NULL);

	if (text)
		put_text(out, number, text);
}

/* JSON is YAML. */
static void put_extensions(struct wire_out *out, unsigned number, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		AUTO_FREE char *text = NULL;
		struct wire_out named = {0}, any = {0};

		if (strncmp(key, "x-", 2) != 0)
			continue;
		text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		if (!text) {
			out->failed = -ENOMEM;
			return;
		}
		put_text(&any, ANY_YAML, text);
		put_text(&named, NAMED_NAME, key);
		wire_put_message(&named, NAMED_VALUE, &any);
		wire_put_message(out, number, &named);
	}
}

static void schema_put(struct wire_out *out, const json_t *schema);

static void put_schema(struct wire_out *out, unsigned number, const json_t *schema)
{
	struct wire_out inner = {0};

	schema_put(&inner, schema);
	wire_put_message(out, number, &inner);
}

/* A message around one schema. */
static void put_wrapped(
	struct wire_out *out, unsigned number, unsigned inner_number, const json_t *schema)
{
	struct wire_out inner = {0};

	put_schema(&inner, inner_number, schema);
	wire_put_message(out, number, &inner);
}

/* Schemas by name: of properties and of definitions. */
static void put_named(
	struct wire_out *out, unsigned number, unsigned inner_number, const json_t *schemas)
{
	struct wire_out inner = {0};
	const char *name;
	json_t *schema;

	json_object_foreach ((json_t *)schemas, name, schema) {
		struct wire_out named = {0};

		put_text(&named, NAMED_NAME, name);
		put_schema(&named, NAMED_VALUE, schema);
		wire_put_message(&inner, inner_number, &named);
	}
	wire_put_message(out, number, &inner);
}

static void schema_put(struct wire_out *out, const json_t *schema)
{
	const json_t *items = json_object_get(schema, "items");
	const json_t *additional = json_object_get(schema, "additionalProperties");
	const json_t *properties = json_object_get(schema, "properties");
	struct wire_out type = {0};

	put_text_at(out, SCHEMA_REF, schema, "$ref");
	put_text_at(out, SCHEMA_FORMAT, schema, "format");
	put_text_at(out, SCHEMA_DESCRIPTION, schema, "description");
	if (additional)
		put_wrapped(out, SCHEMA_ADDITIONAL, ADDITIONAL_SCHEMA, additional);
	if (json_object_get(schema, "type")) {
		put_text_at(&type, TYPE_VALUE, schema, "type");
		wire_put_message(out, SCHEMA_TYPE_ITEM, &type);
	}
	if (items)
		put_wrapped(out, SCHEMA_ITEMS, ITEMS_SCHEMA, items);
	if (properties)
		put_named(out, SCHEMA_PROPERTIES, PROPERTIES_SCHEMA, properties);
	put_extensions(out, SCHEMA_EXTENSION, schema);
}

/* --- operations: what kubectl looks for before it tries a dry run --- */

static void put_parameter(struct wire_out *out, const json_t *parameter)
{
	struct wire_out item = {0}, any = {0}, non_body = {0}, query = {0};

	put_text_at(&query, QUERY_IN, parameter, "in");
	put_text_at(&query, QUERY_NAME, parameter, "name");
	put_text_at(&query, QUERY_TYPE, parameter, "type");
	wire_put_message(&non_body, NON_BODY_QUERY, &query);
	wire_put_message(&any, PARAMETER_NON_BODY, &non_body);
	wire_put_message(&item, PARAMETERS_ITEM_PARAMETER, &any);
	wire_put_message(out, OPERATION_PARAMETERS, &item);
}

static void put_path(struct wire_out *out, const char *path, const json_t *item)
{
	const json_t *patch = json_object_get(item, "patch");
	struct wire_out named = {0}, value = {0}, operation = {0}, responses = {0};
	json_t *parameter;
	size_t i;

	json_array_foreach (json_object_get(patch, "parameters"), i, parameter)
		put_parameter(&operation, parameter);
	wire_put_message(&operation, OPERATION_RESPONSES, &responses);
	put_extensions(&operation, OPERATION_EXTENSION, patch);
	wire_put_message(&value, PATH_ITEM_PATCH, &operation);
	put_text(&named, NAMED_NAME, path);
	wire_put_message(&named, NAMED_VALUE, &value);
	wire_put_message(out, PATHS_PATH, &named);
}

int gnostic_encode(const json_t *document, void **ret, size_t *ret_len)
{
	const json_t *described = json_object_get(document, "info");
	struct wire_out out = {0}, info = {0}, paths = {0};
	const char *path;
	json_t *item;

	put_text_at(&out, DOCUMENT_SWAGGER, document, "swagger");
	put_text_at(&info, INFO_TITLE, described, "title");
	put_text_at(&info, INFO_VERSION, described, "version");
	wire_put_message(&out, DOCUMENT_INFO, &info);
	json_object_foreach (json_object_get(document, "paths"), path, item)
		put_path(&paths, path, item);
	wire_put_message(&out, DOCUMENT_PATHS, &paths);
	put_named(&out, DOCUMENT_DEFINITIONS, DEFINITIONS_SCHEMA,
		json_object_get(document, "definitions"));
	if (out.failed) {
		free(out.data);
		return out.failed;
	}
	*ret = out.data;
	*ret_len = out.len;
	return 0;
}
