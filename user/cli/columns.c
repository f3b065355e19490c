// SPDX-License-Identifier: Apache-2.0
#include "user/cli/columns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "user/model/columns.h"

static void begin_heading(struct table *table, const struct column_options *options)
{
	if (options->namespaces)
		table_cell(table, "NAMESPACE");
}

static void headings(struct table *table, const char *const *names)
{
	for (; *names; names++)
		table_cell(table, "%s", *names);
	table->columns = table->count;
}

/* A node has one terminal: where a Pod runs and at which address is always of interest. */
static bool is_shown(const struct column *column, const struct column_options *options)
{
	return options->wide || column->priority == 0 || strcmp(column->name, "IP") == 0 ||
	       strcmp(column->name, "Node") == 0;
}

static void kind_heading(
	struct table *table, const struct column_options *options, const char *plural)
{
	char name[64];

	begin_heading(table, options);
	for (const struct column *column = columns_of(plural); column->name; column++) {
		if (!is_shown(column, options))
			continue;
		snprintf(name, sizeof(name), "%s", column->name);
		for (char *letter = name; *letter; letter++)
			*letter = (char)toupper((unsigned char)*letter);
		table_cell(table, "%s", name);
	}
	table->columns = table->count;
}

static void kind_row(struct table *table, const struct column_options *options,
	const json_t *object, const char *plural)
{
	const json_t *meta = json_object_get(object, "metadata");

	if (options->namespaces)
		table_cell(table, "%s", json_string_at(meta, "namespace", "default"));
	for (const struct column *column = columns_of(plural); column->name; column++) {
		AUTO_JSON cell = NULL;

		if (!is_shown(column, options))
			continue;
		cell = column->cell(object, options->now);
		if (json_is_integer(cell))
			table_cell(table, "%lld", json_integer_value(cell));
		else
			table_cell(
				table, "%s", json_is_string(cell) ? json_string_value(cell) : "");
	}
}

static void pod_heading(struct table *table, const struct column_options *options)
{
	kind_heading(table, options, "pods");
}

static void pod_row(struct table *table, const struct column_options *options, const json_t *pod)
{
	kind_row(table, options, pod, "pods");
}

const struct column_set pod_columns = {pod_heading, pod_row};

static void service_heading(struct table *table, const struct column_options *options)
{
	kind_heading(table, options, "services");
}

static void service_row(
	struct table *table, const struct column_options *options, const json_t *service)
{
	kind_row(table, options, service, "services");
}

const struct column_set service_columns = {service_heading, service_row};

/* --- backends --- */

static const char *const backend_keys[] = {
	"service", "port", "pod", "address", "state", "reason", NULL};

static void backend_heading(struct table *table, const struct column_options *options)
{
	static const char *const names[] = {
		"SERVICE", "PORT", "POD", "ADDRESS", "STATE", "REASON", NULL};

	begin_heading(table, options);
	headings(table, names);
}

static void backend_row(
	struct table *table, const struct column_options *options, const json_t *backend)
{
	if (options->namespaces)
		table_cell(table, "%s", json_string_at(backend, "namespace", "default"));
	for (const char *const *key = backend_keys; *key; key++) {
		const json_t *value = json_object_get(backend, *key);

		if (json_is_integer(value))
			table_cell(table, "%lld", json_integer_value(value));
		else
			table_cell(table, "%s", json_string_at(backend, *key, ""));
	}
}

const struct column_set backend_columns = {backend_heading, backend_row};
