// SPDX-License-Identifier: Apache-2.0
#include "user/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "podnet";
static enum log_level log_most = LOG_LEVEL_INFO;

void log_setup(const char *program, enum log_level most)
{
	log_program = program;
	log_most = most;
}

void log_write(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {
		[LOG_LEVEL_ERROR] = "error: ",
		[LOG_LEVEL_WARNING] = "warning: ",
		[LOG_LEVEL_INFO] = "",
		[LOG_LEVEL_DEBUG] = "debug: ",
	};
	char line[1024];
	va_list ap;
	size_t len;

	if (level > log_most)
		return;
	len = (size_t)snprintf(line, sizeof(line) / 2, "%s: %s", log_program, names[level]);
	va_start(ap, fmt);
	vsnprintf(line + len, sizeof(line) - len - 1, fmt, ap);
	va_end(ap);
	len = strlen(line);
	line[len++] = '\n';
	/* A log that cannot be written has nobody left to be told. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}
