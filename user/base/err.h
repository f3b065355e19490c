/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: a function that can fail returns 0 or a negative errno and describes the failure once,
 * where it meets it, in a struct err on its caller's stack.  Nothing to free, nothing to leak.
 * Every function here accepts err == NULL (the text is then dropped, the code still returned).
 */
#pragma once

#include <errno.h>

struct err {
	int code; /* positive errno */
	char text[240];
};

/* Says what failed and why: the text becomes "FMT: strerror(code)".  Returns -code. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a refusal whose text already holds the reason: no strerror is added. */
int err_refuse(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "FMT: " before the text that is there.  Returns -err->code. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
