// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"
#include "user/http/target.h"

/* The caller frees it; NULL when memory is out. */
static char *get_target(const struct cli_options *options)
{
	bool backends = options->resource->columns == &backend_columns;
	const char *resource = options->resource->names[0];
	AUTO_FREE char *namespace = http_escape(options->namespace);
	AUTO_FREE char *name = http_escape(options->name ? options->name : "");

	if (!namespace || !name)
		return NULL;
	if (backends)
		return options->all_namespaces
			       ? strdup("/podnet/v1/backends")
			       : fs_format("/podnet/v1/backends?namespace=%s", namespace);
	if (options->all_namespaces)
		return fs_format("/api/v1/%s", resource);
	return fs_format("/api/v1/namespaces/%s/%s%s%s", namespace, resource,
		options->name ? "/" : "", name);
}

/* Backends are asked for by namespace: NAME picks those of one Service. */
static void get_pick(const struct cli_options *options, json_t *list)
{
	json_t *items = json_object_get(list, "items");

	for (size_t i = json_array_size(items); options->name && i-- > 0;)
		if (strcmp(json_string_at(json_array_get(items, i), "service", ""),
			    options->name) != 0)
			json_array_remove(items, i);
}

static int print_json(const json_t *json)
{
	AUTO_FREE char *text = json_dumps(json, JSON_INDENT(4));

	if (!text)
		return api_broken("out of memory");
	puts(text);
	return 0;
}

static int print_table(const struct cli_options *options, json_t *json)
{
	const struct column_set *columns = options->resource->columns;
	const json_t *items = json_object_get(json, "items");
	struct column_options how = {
		.namespaces = options->all_namespaces,
		.wide = options->output == OUTPUT_WIDE,
		.now = time(NULL),
	};
	AUTO_TABLE table = {0};
	AUTO_FREE char *text = NULL;
	const json_t *item;
	size_t i;

	columns->heading(&table, &how);
	if (items)
		json_array_foreach (items, i, item)
			columns->row(&table, &how, item);
	else
		columns->row(&table, &how, json);
	text = table_render(&table);
	if (!text)
		return api_broken("out of memory");
	fputs(text, stdout);
	return 0;
}

static int print_nothing(const struct cli_options *options)
{
	if (options->all_namespaces)
		fprintf(stderr, "No resources found\n");
	else
		fprintf(stderr, "No resources found in %s namespace.\n", options->namespace);
	return 0;
}

int command_get(const struct cli_options *options)
{
	AUTO_FREE char *target = get_target(options);
	AUTO_JSON json = NULL;
	const json_t *items;
	int r;

	if (!target)
		return api_broken("out of memory");
	r = api_ask(options->socket, "GET", target, &json);
	if (r != 0)
		return r;
	if (options->resource->columns == &backend_columns)
		get_pick(options, json);
	items = json_object_get(json, "items");
	if (options->output == OUTPUT_JSON)
		return print_json(json);
	if (items && json_array_size(items) == 0)
		return print_nothing(options);
	return print_table(options, json);
}
