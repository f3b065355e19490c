// SPDX-License-Identifier: Apache-2.0
#include "user/model/codec_json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/place.h"
#include "user/model/value.h"
#include "user/model/yaml.h"

#define PATH_SIZE    1024
#define PROBLEMS_MAX 100 /* more are not told */
#define FREE_DEPTH   128 /* of what no row describes: a list of objects must stay readable for us */
#define YAML_VALUES  1000000 /* nodes of one document, and values after aliases were expanded */

static int problem_add(json_t *problems, const char *what, const struct place *place)
{
	char path[PATH_SIZE];
	json_t *text;

	if (!problems || json_array_size(problems) >= PROBLEMS_MAX)
		return 0;
	place_path(place, path, sizeof(path));
	text = json_sprintf("%s field \"%s\"", what, path);
	return json_array_append_new(problems, text) < 0 ? -ENOMEM : 0;
}

/* --- types: as encoding/json words it ----------------------------------------------------------- */

static const char *go_value(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: return "object";
	case JSON_ARRAY: return "array";
	case JSON_STRING: return "string";
	case JSON_INTEGER:
	case JSON_REAL: return "number";
	case JSON_TRUE:
	case JSON_FALSE: return "bool";
	default: return "null";
	}
}

/* @whole: of the field; else of one of its items. */
static void go_type(const struct schema_field *field, bool whole, char *ret, size_t size)
{
	static const char *const names[] = {
		[SCHEMA_STRING] = "string",
		[SCHEMA_BOOL] = "bool",
		[SCHEMA_INT32] = "int32",
		[SCHEMA_INT64] = "int64",
		[SCHEMA_INT_OR_STRING] = "intstr.IntOrString",
		[SCHEMA_QUANTITY] = "resource.Quantity",
		[SCHEMA_BYTES] = "[]uint8",
		[SCHEMA_TIME] = "v1.Time",
		[SCHEMA_MICRO_TIME] = "v1.MicroTime",
		[SCHEMA_RAW] = "runtime.RawExtension",
		[SCHEMA_FIELDS_V1] = "v1.FieldsV1",
		[SCHEMA_STRING_LIST] = "[]string",
		[SCHEMA_ANY] = "interface {}",
	};
	const char *shape = "";

	if (whole && field->shape == SCHEMA_LIST)
		shape = "[]";
	else if (whole && field->shape == SCHEMA_MAP)
		shape = "map[string]";
	if (field->message)
		snprintf(ret, size, "%sv1.%s", shape, field->message->name);
	else
		snprintf(ret, size, "%s%s", shape, names[field->type]);
}

/* "spec.containers.name": the fields that lead to @place, without indexes and keys of maps. */
static size_t go_path(const struct place *place, char *ret, size_t size)
{
	size_t len = place->parent ? go_path(place->parent, ret, size) : 0;
	int n;

	if (!place->parent || !place->key || place->in_map)
		return len;
	n = snprintf(ret + len, size - len, "%s%s", len ? "." : "", place->key);
	return (size_t)n < size - len ? len + (size_t)n : size - 1;
}

struct clean {
	json_t *problems;
	struct err *err;
};

static int refuse_type(const struct clean *clean, const json_t *value,
	const struct schema_message *message, const struct schema_field *field, bool whole,
	const struct place *place)
{
	char path[PATH_SIZE] = "", type[96];

	go_path(place, path, sizeof(path));
	go_type(field, whole, type, sizeof(type));
	return err_refuse(clean->err, EINVAL,
		"json: cannot unmarshal %s into Go struct field %s.%s of type %s", go_value(value),
		message->name, path, type);
}

static int refuse_fault(const struct clean *clean, enum value_fault fault, const json_t *value,
	const struct schema_message *message, const struct schema_field *field,
	const struct place *place)
{
	const char *text = json_string_value(value);

	switch (fault) {
	case VALUE_TYPE:
	case VALUE_WIDTH: return refuse_type(clean, value, message, field, false, place);
	case VALUE_NO_QUANTITY:
	case VALUE_HUGE:
		return err_refuse(clean->err, EINVAL,
			"quantities must match the regular expression "
			"'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
	case VALUE_NO_BASE64: return err_refuse(clean->err, EINVAL, "illegal base64 data");
	case VALUE_NO_TIME:
		return err_refuse(clean->err, EINVAL,
			"parsing time \"%.60s\" as \"2006-01-02T15:04:05Z07:00\": cannot parse it",
			text);
	default: return 0;
	}
}

/* Whether more than @most objects and lists stand in each other. */
static bool is_deeper(json_t *value, unsigned most)
{
	const char *key;
	json_t *item;
	size_t i;

	if (!json_is_object(value) && !json_is_array(value))
		return false;
	if (most == 0)
		return true;
	json_object_foreach (value, key, item)
		if (is_deeper(item, most - 1))
			return true;
	json_array_foreach (value, i, item)
		if (is_deeper(item, most - 1))
			return true;
	return false;
}

/* --- the walk ------------------------------------------------------------------------------------ */

static int clean_message(const struct clean *clean, json_t *object,
	const struct schema_message *message, const struct place *place);

/* @value is owned by the caller and may be replaced. */
static int clean_one(const struct clean *clean, json_t **value,
	const struct schema_message *message, const struct schema_field *field,
	const struct place *place)
{
	const char *reason;
	enum value_fault fault = value_check(*value, field, &reason);
	int r = refuse_fault(clean, fault, *value, message, field, place);

	if (r < 0)
		return r;
	if (field->type == SCHEMA_MESSAGE)
		return clean_message(clean, *value, field->message, place);
	if (is_deeper(*value, FREE_DEPTH))
		return err_refuse(clean->err, EINVAL, "json: exceeded max depth");
	return value_canonical(value, field) < 0 ? err_set(clean->err, ENOMEM, "read a body") : 0;
}

/* What null becomes as an item: Go's zero value. */
static json_t *null_item(const struct schema_field *field)
{
	switch (field->type) {
	case SCHEMA_MESSAGE: return json_object();
	case SCHEMA_STRING:
	case SCHEMA_BYTES: return json_string("");
	case SCHEMA_QUANTITY: return json_string("0");
	case SCHEMA_INT32:
	case SCHEMA_INT64: return json_integer(0);
	case SCHEMA_BOOL: return json_false();
	default: return json_null();
	}
}

/* One item of a list or map: *@value, which the caller owns, becomes what it shall be. */
static int clean_item(const struct clean *clean, json_t **value,
	const struct schema_message *message, const struct schema_field *field,
	const struct place *place)
{
	if (json_is_null(*value))
		*value = null_item(field); /* null is not counted */
	return clean_one(clean, value, message, field, place);
}

static int clean_list(const struct clean *clean, json_t *list, const struct schema_message *message,
	const struct schema_field *field, const struct place *place)
{
	json_t *item;
	size_t i;

	if (!json_is_array(list))
		return refuse_type(clean, list, message, field, true, place);
	json_array_foreach (list, i, item) {
		AUTO_JSON value = json_incref(item);
		int r = clean_item(clean, &value, message, field, PLACE_INDEX(place, i));

		if (r == 0 && value != item && json_array_set(list, i, value) < 0)
			r = err_set(clean->err, ENOMEM, "read a body");
		if (r < 0)
			return r;
	}
	return 0;
}

static int clean_map(const struct clean *clean, json_t *map, const struct schema_message *message,
	const struct schema_field *field, const struct place *place)
{
	const char *key;
	json_t *item;
	void *next;

	if (!json_is_object(map))
		return refuse_type(clean, map, message, field, true, place);
	json_object_foreach_safe (map, next, key, item) {
		AUTO_JSON value = json_incref(item);
		int r = clean_item(clean, &value, message, field, PLACE_ENTRY(place, key));

		if (r == 0 && value != item && json_object_set(map, key, value) < 0)
			r = err_set(clean->err, ENOMEM, "read a body");
		if (r < 0)
			return r;
	}
	return 0;
}

static int clean_field(const struct clean *clean, json_t *object, json_t *item,
	const struct schema_message *message, const struct schema_field *field,
	const struct place *place)
{
	json_t *value;
	int r;

	if (field->shape == SCHEMA_LIST)
		return clean_list(clean, item, message, field, place);
	if (field->shape == SCHEMA_MAP)
		return clean_map(clean, item, message, field, place);
	value = json_incref(item);
	r = clean_one(clean, &value, message, field, place);
	if (r == 0 && value != item && json_object_set(object, field->name, value) < 0)
		r = err_set(clean->err, ENOMEM, "read a body");
	json_decref(value);
	return r;
}

/* Go leaves out what is zero and has omitempty; messages and other pointers stay. */
static bool is_omitted(const struct schema_field *field, const json_t *value)
{
	if (json_is_null(value))
		return true;
	if (field->shape != SCHEMA_ONE)
		return value_is_zero(value) && !field->fallback;
	if (field->fallback || field->keeps_zero || !value_is_zero(value))
		return false;
	return field->type == SCHEMA_STRING || field->type == SCHEMA_BOOL ||
	       field->type == SCHEMA_INT32 || field->type == SCHEMA_INT64 || json_is_string(value);
}

static int clean_message(const struct clean *clean, json_t *object,
	const struct schema_message *message, const struct place *place)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (object, next, key, value) {
		const struct schema_field *field = schema_field_find(message, key);
		const struct place *at = PLACE_KEY(place, key);
		int r;

		if (!field) {
			if (problem_add(clean->problems, "unknown", at) < 0)
				return err_set(clean->err, ENOMEM, "read a body");
			json_object_del(object, key);
			continue;
		}
		r = json_is_null(value) ? 0 : clean_field(clean, object, value, message, field, at);
		if (r < 0)
			return r;
		if (is_omitted(field, json_object_get(object, key)))
			json_object_del(object, key);
	}
	return 0;
}

int codec_json_clean(
	json_t *object, const struct schema_message *message, json_t *problems, struct err *err)
{
	const struct clean clean = {.problems = problems, .err = err};

	if (!json_is_object(object))
		return err_refuse(err, EINVAL,
			"json: cannot unmarshal %s into Go value of type v1.%s", go_value(object),
			message->name);
	return clean_message(&clean, object, message, PLACE_ROOT(NULL));
}

/* --- repeated fields ----------------------------------------------------------------------------- */

/* Walks the text of valid JSON along with the tree it became. */
struct scan {
	const char *at;
	json_t *problems;
	bool no_memory;
};

static void scan_blanks(struct scan *scan)
{
	scan->at += strspn(scan->at, " \t\r\n");
}

static void skip_string(struct scan *scan)
{
	for (scan->at++; *scan->at != '"'; scan->at++)
		scan->at += *scan->at == '\\';
	scan->at++;
}

static void skip_value(struct scan *scan)
{
	unsigned depth = 0;

	do {
		if (*scan->at == '"') {
			skip_string(scan);
			continue;
		}
		depth += *scan->at == '{' || *scan->at == '[';
		depth -= *scan->at == '}' || *scan->at == ']';
		scan->at++;
	} while (depth || !strchr(",]} \t\r\n", *scan->at));
}

/* The text of a key, which the caller frees; NULL when memory is out. */
static char *scan_key(struct scan *scan)
{
	const char *from = scan->at;
	AUTO_JSON decoded = NULL;
	size_t len;

	skip_string(scan);
	len = (size_t)(scan->at - from);
	if (!memchr(from, '\\', len))
		return strndup(from + 1, len - 2);
	decoded = json_loadb(from, len, JSON_DECODE_ANY, NULL);
	return decoded ? strdup(json_string_value(decoded)) : NULL;
}

static void scan_value(struct scan *scan, const json_t *tree, const struct place *place);

/* What a scan of an object does with each member; scan->at stands on its value. */
typedef void (*member_fn)(
	struct scan *scan, const char *key, json_t *tree, const struct place *place);

static size_t scan_members(
	struct scan *scan, json_t *tree, const struct place *place, member_fn member)
{
	size_t count = 0;

	scan->at++;
	scan_blanks(scan);
	while (*scan->at != '}' && !scan->no_memory) {
		AUTO_FREE char *key = scan_key(scan);

		if (!key) {
			scan->no_memory = true;
			break;
		}
		scan_blanks(scan);
		scan->at++; /* ':' */
		scan_blanks(scan);
		member(scan, key, tree, place);
		scan_blanks(scan);
		scan->at += *scan->at == ',';
		scan_blanks(scan);
		count++;
	}
	scan->at += !scan->no_memory;
	return count;
}

static void member_visit(
	struct scan *scan, const char *key, json_t *tree, const struct place *place)
{
	scan_value(scan, json_object_get(tree, key), PLACE_KEY(place, key));
}

/* @seen: the keys before it. */
static void member_compare(
	struct scan *scan, const char *key, json_t *seen, const struct place *place)
{
	if (json_object_get(seen, key) &&
		problem_add(scan->problems, "duplicate", PLACE_KEY(place, key)) < 0)
		scan->no_memory = true;
	if (json_object_set_new(seen, key, json_true()) < 0)
		scan->no_memory = true;
	skip_value(scan);
}

/* Keys are compared only where the text has more of them than the tree. */
static void scan_object(struct scan *scan, const json_t *tree, const struct place *place)
{
	struct scan again = *scan;

	if (scan_members(scan, (json_t *)tree, place, member_visit) > json_object_size(tree)) {
		AUTO_JSON seen = json_object();

		scan_members(&again, seen, place, member_compare);
		scan->no_memory |= again.no_memory;
	}
}

static void scan_list(struct scan *scan, const json_t *tree, const struct place *place)
{
	scan->at++;
	scan_blanks(scan);
	for (size_t i = 0; *scan->at != ']' && !scan->no_memory; i++) {
		scan_value(scan, json_array_get(tree, i), PLACE_INDEX(place, i));
		scan_blanks(scan);
		scan->at += *scan->at == ',';
		scan_blanks(scan);
	}
	scan->at += !scan->no_memory;
}

static void scan_value(struct scan *scan, const json_t *tree, const struct place *place)
{
	if (*scan->at == '{')
		scan_object(scan, tree, place);
	else if (*scan->at == '[')
		scan_list(scan, tree, place);
	else
		skip_value(scan);
}

/* --- bodies -------------------------------------------------------------------------------------- */

static int refuse_syntax(const json_error_t *error, struct err *err)
{
	if (json_error_code(error) == json_error_out_of_memory)
		return err_set(err, ENOMEM, "read a body");
	if (json_error_code(error) == json_error_premature_end_of_input)
		return err_refuse(err, EINVAL, "json parse error: unexpected end of JSON input");
	return err_refuse(err, EINVAL, "json parse error: %s", error->text);
}

static int problems_scan(
	const char *text, size_t len, const json_t *tree, json_t *problems, struct err *err)
{
	/* The scan ends by what it reads: the copy ends with NUL. */
	AUTO_FREE char *copy = strndup(text, len);
	struct scan scan = {.at = copy, .problems = problems};

	if (!copy)
		return err_set(err, ENOMEM, "read a body");
	scan_blanks(&scan);
	scan_value(&scan, tree, PLACE_ROOT(NULL));
	return scan.no_memory ? err_set(err, ENOMEM, "read a body") : 0;
}

int codec_json_decode(const char *text, size_t len, const struct schema_message *message,
	json_t **ret, json_t **ret_problems, struct err *err)
{
	AUTO_JSON object = NULL;
	AUTO_JSON problems = ret_problems ? json_array() : NULL;
	json_error_t error;
	int r = 0;

	object = json_loadb(text, len, 0, &error);
	if (!object)
		return refuse_syntax(&error, err);
	if (ret_problems && !problems)
		return err_set(err, ENOMEM, "read a body");
	if (problems)
		r = problems_scan(text, len, object, problems, err);
	if (r == 0)
		r = codec_json_clean(object, message, problems, err);
	if (r < 0)
		return r;
	*ret = json_incref(object);
	if (ret_problems)
		*ret_problems = json_incref(problems);
	return 0;
}

static void cleanup_reader(struct yaml_reader **reader)
{
	yaml_reader_free(*reader);
}

int codec_yaml_decode(const char *text, size_t len, const struct schema_message *message,
	json_t **ret, json_t **ret_problems, struct err *err)
{
	AUTO_CLEANUP(cleanup_reader) struct yaml_reader *reader = NULL;
	AUTO_JSON object = NULL;
	AUTO_JSON problems = ret_problems ? json_array() : NULL;
	size_t nodes = YAML_VALUES, values = YAML_VALUES;
	const struct yaml_node *root;
	unsigned line;
	int r = yaml_reader_new(text, len, 1, &nodes, &reader, err);

	if (r == 0)
		r = yaml_reader_next(reader, &root, &line, err);
	if (r == 0)
		return err_refuse(err, EINVAL, "the body is empty");
	if (r > 0)
		r = yaml_to_json(root, &values, &object, err);
	if (r == 0 && ret_problems && !problems)
		r = err_set(err, ENOMEM, "read a body");
	if (r == 0)
		r = codec_json_clean(object, message, problems, err);
	if (r < 0)
		return r;
	*ret = json_incref(object);
	if (ret_problems)
		*ret_problems = json_incref(problems);
	return 0;
}

char *codec_problems_text(const json_t *problems)
{
	char *text = NULL;
	size_t len = 0, i;
	json_t *problem;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs("strict decoding error: ", out);
	json_array_foreach ((json_t *)problems, i, problem)
		fprintf(out, "%s%s", i ? ", " : "", json_string_value(problem));
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
