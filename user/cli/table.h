/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables in kubectl's layout: columns padded by three spaces, the last one not at all. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct table {
	size_t columns;
	char **cells; /* row by row */
	size_t count;
	bool failed; /* memory was out: rendering says so */
};

/* Appends the next cell.  Control characters become spaces. */
void table_cell(struct table *table, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The whole table, the caller frees it; NULL when memory is out. */
char *table_render(const struct table *table);

/* Releases the cells; the table is empty again. */
void table_clear(struct table *table);

#define AUTO_TABLE __attribute__((cleanup(table_clear))) struct table
