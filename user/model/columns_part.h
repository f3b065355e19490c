/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of columns: cells that kinds share, and the kinds. */
#pragma once

#include "user/model/columns.h"

#define CELL_MAX 1024

/* object[a][b]; NULL when one of them is missing. */
const json_t *cell_at(const json_t *object, const char *a, const char *b);
/* The same as text; @fallback when it is missing, empty or no string. */
const char *cell_text_at(const json_t *object, const char *a, const char *b, const char *fallback);
/* Adds to a comma-separated list in @list, which is cut at @size. */
void cell_list_add(char *list, size_t size, const char *text);
/* @list, or "<none>" when it is empty. */
json_t *cell_list(const char *list);
/* How long ago @rfc3339 was; "<unknown>" when it is no time. */
json_t *cell_since(const char *rfc3339, int64_t now);
/* "a=b,c=d" */
json_t *cell_labels(const json_t *labels);

/* metadata.name */
json_t *cell_name(const json_t *object, int64_t now);
json_t *cell_age(const json_t *object, int64_t now);
/* Of spec.template.spec.containers, and spec.selector. */
json_t *cell_containers(const json_t *object, int64_t now);
json_t *cell_images(const json_t *object, int64_t now);
json_t *cell_selector(const json_t *object, int64_t now);

#define COLUMN_NAME                                    \
	{                                              \
		"Name", "string", "name", 0, cell_name \
	}
#define COLUMN_AGE                               \
	{                                        \
		"Age", "string", "", 0, cell_age \
	}
#define COLUMN_END                        \
	{                                 \
		NULL, NULL, NULL, 0, NULL \
	}

extern const struct column columns_pod[], columns_node[], columns_service[], columns_endpoints[],
	columns_endpoint_slice[], columns_deployment[], columns_replica_set[], columns_event[],
	columns_certificate_request[];
