// SPDX-License-Identifier: Apache-2.0
#include "user/base/flags.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

static const struct {
	const char *name, *help;
} plain[] = {
	{"verbose", "also log debugging messages"},
	{"help", "this text"},
	{"version", "the version"},
};
enum { PLAIN_VERBOSE, PLAIN_HELP, PLAIN_VERSION };

static void flags_help(const struct flags *flags)
{
	char left[64];

	printf("Usage: %s [FLAG...]\n\n%s\n\n", flags->program, flags->about);
	for (size_t i = 0; i < flags->count; i++) {
		const struct flag *flag = &flags->list[i];

		snprintf(left, sizeof(left), "--%s %s", flag->name, flag->arg ? flag->arg : "");
		printf("  %-24s %s%s%s%s\n", left, flag->help, flag->fallback ? " [" : "",
			flag->fallback ? flag->fallback : "", flag->fallback ? "]" : "");
	}
	for (size_t i = 0; i < COUNT(plain); i++) {
		snprintf(left, sizeof(left), "--%s", plain[i].name);
		printf("  %-24s %s\n", left, plain[i].help);
	}
}

static void flags_table(const struct flags *flags, struct option *table)
{
	for (size_t i = 0; i < flags->count; i++)
		table[i] = (struct option){.name = flags->list[i].name,
			.has_arg = flags->list[i].arg ? required_argument : no_argument,
			.val = (int)i};
	for (size_t i = 0; i < COUNT(plain); i++)
		table[flags->count + i] =
			(struct option){.name = plain[i].name, .val = (int)(flags->count + i)};
}

static const char **flag_place(const struct flag *flag, void *options)
{
	return (const char **)((char *)options + flag->offset);
}

/* 1: answered. */
static int flags_take(const struct flags *flags, size_t flag, void *options, bool *verbose)
{
	if (flag < flags->count) {
		*flag_place(&flags->list[flag], options) = flags->list[flag].arg ? optarg : "";
		return 0;
	}
	switch (flag - flags->count) {
	case PLAIN_VERBOSE: *verbose = true; return 0;
	case PLAIN_HELP: flags_help(flags); return 1;
	default: printf("%s %s\n", flags->program, PODNET_VERSION); return 1;
	}
}

int flags_parse(const struct flags *flags, int argc, char **argv, void *options, bool *ret_verbose,
	struct err *err)
{
	struct option table[FLAGS_MOST + COUNT(plain) + 1] = {0};
	int flag;

	*ret_verbose = false;
	for (size_t i = 0; i < flags->count; i++)
		*flag_place(&flags->list[i], options) = flags->list[i].fallback;
	flags_table(flags, table);
	opterr = 0;
	optind = 0; /* getopt forgets what it was in the middle of */
	for (;;) {
		/* getopt stays on a cluster of short flags, so the word is taken before. */
		const char *word = argv[optind ? optind : 1];

		flag = getopt_long(argc, argv, "+:", table, NULL);
		if (flag == -1)
			break;
		if (flag == ':')
			return err_refuse(err, EINVAL, "flag '%s' needs a value", word);
		if (flag == '?')
			return err_refuse(err, EINVAL, "unknown flag '%s'", word);
		if (flags_take(flags, (size_t)flag, options, ret_verbose))
			return 1;
	}
	if (optind < argc)
		return err_refuse(err, EINVAL, "unexpected argument '%s'", argv[optind]);
	return 0;
}
