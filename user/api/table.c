// SPDX-License-Identifier: Apache-2.0
#include "user/api/table.h"

#include "user/api/form.h"
#include "user/base/clock.h"
#include "user/model/columns.h"
#include "user/model/kinds.h"

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

static json_t *table_object(const json_t *object, const struct form *form)
{
	switch (form->include) {
	case INCLUDE_OBJECT: return json_incref((json_t *)object);
	case INCLUDE_METADATA: return form_metadata(object, form->version);
	default: return json_null();
	}
}

json_t *table_row(const struct kind *kind, const json_t *object, const struct form *form)
{
	int64_t now = (int64_t)(clock_wall() / USEC_PER_SEC);
	json_t *cells = json_array(), *row;
	AUTO_JSON conditions = NULL;

	for (const struct column *column = columns_of(kind->plural); column->name; column++)
		json_array_append_new(cells, column->cell(object, now));
	row = json_pack("{s:o}", "cells", cells);
	conditions = columns_conditions(kind->plural, object);
	if (row && conditions)
		json_object_set(row, "conditions", conditions);
	if (row)
		json_object_set_new(row, "object", table_object(object, form));
	return row;
}
