// SPDX-License-Identifier: Apache-2.0
#include "user/api/table.h"

#include <string.h>

#include "user/base/clock.h"
#include "user/http/server.h"
#include "user/model/columns.h"
#include "user/model/kinds.h"

#define FORM "application/json;as=Table;v="

/* The first alternative that we can give counts: clients list them by preference. */
struct table_form table_asked(const struct http_exchange *exchange)
{
	const char *accept = http_exchange_header(exchange, "Accept");
	const char *include = http_exchange_query(exchange, "includeObject", 0);
	struct table_form form = {.include = TABLE_METADATA};

	if (accept && strncmp(accept, FORM, strlen(FORM)) == 0)
		form.version = strncmp(accept + strlen(FORM), "v1beta1", strlen("v1beta1")) == 0
				       ? "v1beta1"
				       : "v1";
	if (include && strcmp(include, "Object") == 0)
		form.include = TABLE_OBJECT;
	else if (include && strcmp(include, "None") == 0)
		form.include = TABLE_NONE;
	return form;
}

json_t *table_columns(const struct kind *kind)
{
	json_t *list = json_array();

	for (const struct column *column = columns_of(kind->plural); column->name; column++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:i}", "name", column->name, "type",
				      column->type, "format", column->format, "description",
				      column->name, "priority", column->priority));
	return list;
}

static json_t *table_object(const json_t *object, const struct table_form *form)
{
	switch (form->include) {
	case TABLE_OBJECT: return json_incref((json_t *)object);
	case TABLE_METADATA:
		return json_pack("{s:s, s:o, s:O}", "kind", "PartialObjectMetadata", "apiVersion",
			json_sprintf("meta.k8s.io/%s", form->version), "metadata",
			json_object_get(object, "metadata"));
	default: return NULL;
	}
}

json_t *table_row(const struct kind *kind, const json_t *object, const struct table_form *form)
{
	int64_t now = (int64_t)(clock_wall() / USEC_PER_SEC);
	json_t *cells = json_array(), *row;

	for (const struct column *column = columns_of(kind->plural); column->name; column++)
		json_array_append_new(cells, column->cell(object, now));
	row = json_pack("{s:o}", "cells", cells);
	if (row && form->include != TABLE_NONE)
		json_object_set_new(row, "object", table_object(object, form));
	return row;
}
