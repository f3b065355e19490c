/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as rows of a table, as kubectl prints them.  Pure. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/cli/table.h"

struct column_options {
	bool namespaces; /* begin with NAMESPACE */
	bool wide;
	int64_t now; /* seconds since 1970 */
};

/* Appends the heading, or one object's row, and sets table->columns.  All are borrowed. */
struct column_set {
	void (*heading)(struct table *table, const struct column_options *options);
	void (*row)(
		struct table *table, const struct column_options *options, const json_t *object);
};

extern const struct column_set pod_columns, service_columns, backend_columns;
