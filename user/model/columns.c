// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/model/age.h"
#include "user/model/columns_part.h"

const json_t *cell_at(const json_t *object, const char *a, const char *b)
{
	return json_object_get(json_object_get(object, a), b);
}

const char *cell_text_at(const json_t *object, const char *a, const char *b, const char *fallback)
{
	const char *text = json_string_value(cell_at(object, a, b));

	return text && text[0] ? text : fallback;
}

void cell_list_add(char *list, size_t size, const char *text)
{
	size_t len = strlen(list), room = size - len;

	if (snprintf(list + len, room, "%s%s", len ? "," : "", text) >= (int)room)
		list[size - 1] = '\0'; /* cut: a cell is for people */
}

json_t *cell_list(const char *list)
{
	return json_any_text(list[0] ? list : COLUMN_NONE);
}

json_t *cell_since(const char *rfc3339, int64_t now)
{
	int64_t then = age_parse(rfc3339);
	char text[32] = "<unknown>";

	if (then)
		age_text(now - then, text, sizeof(text));
	return json_string(text);
}

json_t *cell_labels(const json_t *labels)
{
	char list[CELL_MAX] = "", text[CELL_MAX];
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value) {
		snprintf(text, sizeof(text), "%s=%s", key,
			json_is_string(value) ? json_string_value(value) : "");
		cell_list_add(list, sizeof(list), text);
	}
	return cell_list(list);
}

json_t *cell_name(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(object, "metadata", "name", ""));
}

json_t *cell_age(const json_t *object, int64_t now)
{
	return cell_since(cell_text_at(object, "metadata", "creationTimestamp", ""), now);
}

static json_t *template_cell(const json_t *object, const char *key)
{
	const json_t *template = cell_at(object, "spec", "template");
	const json_t *container;
	char list[CELL_MAX] = "";
	size_t i;

	json_array_foreach (cell_at(template, "spec", "containers"), i, container)
		cell_list_add(list, sizeof(list), json_string_at(container, key, ""));
	return json_any_text(list);
}

json_t *cell_containers(const json_t *object, int64_t now)
{
	(void)now;
	return template_cell(object, "name");
}

json_t *cell_images(const json_t *object, int64_t now)
{
	(void)now;
	return template_cell(object, "image");
}

/* "app=web,tier in (a,b),!old": the way a selector is written on a command line. */
static void selector_expression(const json_t *expression, char *ret, size_t size)
{
	const char *operator= json_string_at(expression, "operator", "");
	const char *key = json_string_at(expression, "key", "");
	char values[CELL_MAX / 2] = "";
	const json_t *value;
	size_t i;

	json_array_foreach (json_object_get(expression, "values"), i, value)
		cell_list_add(values, sizeof(values),
			json_is_string(value) ? json_string_value(value) : "");
	if (strcmp(operator, "Exists") == 0)
		snprintf(ret, size, "%s", key);
	else if (strcmp(operator, "DoesNotExist") == 0)
		snprintf(ret, size, "!%s", key);
	else
		snprintf(ret, size, "%s %s (%s)", key,
			strcmp(operator, "NotIn") == 0 ? "notin" : "in", values);
}

json_t *cell_selector(const json_t *object, int64_t now)
{
	const json_t *selector = cell_at(object, "spec", "selector");
	AUTO_JSON labels = cell_labels(json_object_get(selector, "matchLabels"));
	char list[CELL_MAX] = "", text[CELL_MAX];
	const json_t *expression;
	size_t i;

	(void)now;
	if (json_object_size(json_object_get(selector, "matchLabels")) && labels)
		cell_list_add(list, sizeof(list), json_string_value(labels));
	json_array_foreach (json_object_get(selector, "matchExpressions"), i, expression) {
		selector_expression(expression, text, sizeof(text));
		cell_list_add(list, sizeof(list), text);
	}
	return cell_list(list);
}

/* --- kinds of few columns --- */

static json_t *cell_phase(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(object, "status", "phase", ""));
}

static json_t *cell_data_count(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer((json_int_t)(json_object_size(json_object_get(object, "data")) +
					 json_object_size(json_object_get(object, "binaryData"))));
}

static json_t *cell_type(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(json_string_at(object, "type", ""));
}

static json_t *cell_secrets(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer((json_int_t)json_array_size(json_object_get(object, "secrets")));
}

static json_t *cell_holder(const json_t *object, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(object, "spec", "holderIdentity", ""));
}

static json_t *cell_priority(const json_t *object, int64_t now)
{
	(void)now;
	return json_integer(json_integer_at(object, "value", 0));
}

static json_t *cell_global_default(const json_t *object, int64_t now)
{
	(void)now;
	return json_boolean(json_is_true(json_object_get(object, "globalDefault")));
}

static const struct column columns_namespace[] = {
	COLUMN_NAME, {"Status", "string", "", 0, cell_phase}, COLUMN_AGE, COLUMN_END};
static const struct column columns_config_map[] = {
	COLUMN_NAME, {"Data", "string", "", 0, cell_data_count}, COLUMN_AGE, COLUMN_END};
static const struct column columns_secret[] = {COLUMN_NAME, {"Type", "string", "", 0, cell_type},
	{"Data", "string", "", 0, cell_data_count}, COLUMN_AGE, COLUMN_END};
static const struct column columns_service_account[] = {
	COLUMN_NAME, {"Secrets", "string", "", 0, cell_secrets}, COLUMN_AGE, COLUMN_END};
static const struct column columns_lease[] = {
	COLUMN_NAME, {"Holder", "string", "", 0, cell_holder}, COLUMN_AGE, COLUMN_END};
static const struct column columns_priority_class[] = {COLUMN_NAME,
	{"Value", "integer", "", 0, cell_priority},
	{"Global-Default", "boolean", "", 0, cell_global_default}, COLUMN_AGE, COLUMN_END};
static const struct column columns_any[] = {COLUMN_NAME, COLUMN_AGE, COLUMN_END};

static const struct {
	const char *plural;
	const struct column *columns;
} kinds[] = {
	{"pods", columns_pod},
	{"nodes", columns_node},
	{"services", columns_service},
	{"endpoints", columns_endpoints},
	{"endpointslices", columns_endpoint_slice},
	{"deployments", columns_deployment},
	{"replicasets", columns_replica_set},
	{"events", columns_event},
	{"namespaces", columns_namespace},
	{"configmaps", columns_config_map},
	{"secrets", columns_secret},
	{"serviceaccounts", columns_service_account},
	{"leases", columns_lease},
	{"priorityclasses", columns_priority_class},
	{"certificatesigningrequests", columns_certificate_request},
};

const struct column *columns_of(const char *plural)
{
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (strcmp(kinds[i].plural, plural) == 0)
			return kinds[i].columns;
	return columns_any;
}
