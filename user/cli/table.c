// SPDX-License-Identifier: Apache-2.0
#include "user/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"

#define PADDING	  3
#define MIN_WIDTH 6 /* padding included */

void table_cell(struct table *table, const char *fmt, ...)
{
	char **grown = realloc(table->cells, (table->count + 1) * sizeof(char *));
	va_list ap;
	char *text;
	int len;

	if (!grown) {
		table->failed = true;
		return;
	}
	table->cells = grown;
	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0) {
		table->failed = true;
		return;
	}
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	table->cells[table->count++] = text;
}

static size_t column_width(const struct table *table, size_t column)
{
	size_t width = MIN_WIDTH;

	for (size_t i = column; i < table->count; i += table->columns)
		if (strlen(table->cells[i]) + PADDING > width)
			width = strlen(table->cells[i]) + PADDING;
	return width;
}

char *table_render(const struct table *table)
{
	AUTO_FREE size_t *widths = calloc(table->columns, sizeof(size_t));
	char *text = NULL;
	size_t size;
	FILE *out;

	if (!widths || table->failed || !(out = open_memstream(&text, &size)))
		return NULL;
	for (size_t i = 0; i < table->columns; i++)
		widths[i] = column_width(table, i);
	for (size_t i = 0; i < table->count; i++) {
		size_t column = i % table->columns;

		if (column + 1 < table->columns)
			fprintf(out, "%-*s", (int)widths[column], table->cells[i]);
		else
			fprintf(out, "%s\n", table->cells[i]);
	}
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i]);
	free(table->cells);
	*table = (struct table){0};
}
