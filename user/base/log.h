/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines on stderr, one write(2) each.  Only mains and control loops log; libraries return errors. */
#pragma once

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Sets the name that starts each line (borrowed, never freed) and the most verbose level shown. */
void log_setup(const char *program, enum log_level most);

/* Writes "PROGRAM: [warning: |error: |debug: ]TEXT\n". */
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)	 log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)
