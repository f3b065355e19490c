/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon's flags, each with a text: --name VALUE into a struct of strings; --help and --version. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

struct flag {
	const char *name;
	const char *arg;      /* NULL: it takes no value and is "" when given */
	const char *fallback; /* NULL: none */
	const char *help;
	size_t offset; /* of a const char * in the options */
};

struct flags {
	const char *program, *about; /* "podnetd", "Runs ... on this machine." */
	const struct flag *list;
	size_t count;
};

#define FLAGS_MOST 64

/*
 * Fills the strings of @options, borrowed from argv, and *@ret_verbose.  Returns 0; 1 when --help or
 * --version was answered on stdout; or -EINVAL with the usage error.
 */
int flags_parse(const struct flags *flags, int argc, char **argv, void *options, bool *ret_verbose,
	struct err *err);
