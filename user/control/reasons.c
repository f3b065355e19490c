// SPDX-License-Identifier: Apache-2.0
#include "user/control/reasons.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN (REASON_MAX + 16)

void reasons_add_many(struct reasons *reasons, const char *text, unsigned count)
{
	size_t i = 0;

	while (i < reasons->count && strcmp(reasons->list[i].text, text) != 0)
		i++;
	if (i == REASONS_MOST || !count)
		return;
	if (i == reasons->count) {
		snprintf(reasons->list[i].text, REASON_MAX, "%s", text);
		reasons->list[i].count = 0;
		reasons->count++;
	}
	reasons->list[i].count += count;
}

void reasons_add(struct reasons *reasons, const char *text)
{
	reasons_add_many(reasons, text, 1);
}

static int line_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void append(char message[SCHEDULE_MESSAGE], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void append(char message[SCHEDULE_MESSAGE], const char *format, ...)
{
	size_t len = strlen(message);
	va_list ap;

	va_start(ap, format);
	vsnprintf(message + len, SCHEDULE_MESSAGE - len, format, ap);
	va_end(ap);
}

/* In the order of their texts with their numbers, as upstream has them. */
void reasons_write(const struct reasons *reasons, size_t nodes, char message[SCHEDULE_MESSAGE])
{
	char lines[REASONS_MOST][LINE_LEN];

	for (size_t i = 0; i < reasons->count; i++)
		snprintf(
			lines[i], LINE_LEN, "%u %s", reasons->list[i].count, reasons->list[i].text);
	qsort(lines, reasons->count, sizeof(lines[0]), line_order);
	append(message, "0/%zu nodes are available:", nodes);
	for (size_t i = 0; i < reasons->count; i++)
		append(message, "%s%s", i ? ", " : " ", lines[i]);
	if (reasons->count)
		append(message, ".");
}
