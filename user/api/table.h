/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as rows for people (meta.k8s.io Table), with the columns that upstream prints. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct http_exchange;
struct kind;

enum table_include { TABLE_METADATA, TABLE_OBJECT, TABLE_NONE };

struct table_form {
	const char *version; /* "v1" or "v1beta1" of meta.k8s.io; NULL: no Table is asked for */
	enum table_include include;
};

/* What the Accept header and includeObject ask for. */
struct table_form table_asked(const struct http_exchange *exchange);

/* "columnDefinitions" of @kind.  The caller owns it; NULL when memory is out. */
json_t *table_columns(const struct kind *kind);

/* One row for @object, which is whole.  The caller owns it; NULL when memory is out. */
json_t *table_row(const struct kind *kind, const json_t *object, const struct table_form *form);
