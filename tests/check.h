/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small TAP harness.  Each TEST is one case; a failing CHECK prints got and want and lets the case
 * go on; a case that checks nothing fails.  check.c holds main().
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

typedef void (*check_case_fn)(void);

void check_register(const char *name, check_case_fn fn);
bool check_true(const char *file, int line, const char *what, bool ok, const char *expression);
bool check_int(const char *file, int line, const char *what, long long got, long long want);
bool check_str(const char *file, int line, const char *what, const char *got, const char *want);
bool check_has(const char *file, int line, const char *what, const char *got, const char *part);
/* Ends the run as "Bail out!": for set-up that must work, never for what is being tested. */
void check_bail(const char *file, int line, const char *why) __attribute__((noreturn));

/* TEST(ring_build_is_stable) { ... }: the name is the promise, printed with spaces. */
#define TEST(name)                                                     \
	static void name(void);                                        \
	__attribute__((constructor)) static void register_##name(void) \
	{                                                              \
		check_register(#name, name);                           \
	}                                                              \
	static void name(void)

/* Each answers whether it held, so that a case can stop where going on makes no sense. */
#define CHECK(what, condition) check_true(__FILE__, __LINE__, what, (condition), #condition)
#define CHECK_EQ(what, got, want) \
	check_int(__FILE__, __LINE__, what, (long long)(got), (long long)(want))
#define CHECK_STR(what, got, want) check_str(__FILE__, __LINE__, what, got, want)
#define CHECK_HAS(what, got, part) check_has(__FILE__, __LINE__, what, got, part)
/* 0 is success; prints the error's text otherwise. */
#define CHECK_OK(what, result, err)                                                 \
	((result) < 0 ? check_str(__FILE__, __LINE__, what, (err)->text, "success") \
		      : check_true(__FILE__, __LINE__, what, true, ""))
/* One particular failure, by code and by a part of its text. */
#define CHECK_FAILS(what, result, want_code, err, part)                                       \
	({                                                                                    \
		bool failed_ = check_int(__FILE__, __LINE__, what, (result), -(want_code)) && \
			       check_has(__FILE__, __LINE__, what, (err)->text, part);        \
		failed_;                                                                      \
	})
#define BAIL(why) check_bail(__FILE__, __LINE__, why)
