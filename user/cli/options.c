// SPDX-License-Identifier: Apache-2.0
#include "user/cli/options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

#define ON(command) (1u << (command))
#define ON_OBJECTS  (ON(CLI_GET) | ON(CLI_LOGS) | ON(CLI_EXEC) | ON(CLI_DELETE))
#define ON_MACHINE  (ON(CLI_UP) | ON(CLI_DOWN) | ON(CLI_STATUS))
#define ON_ALL	    (ON_OBJECTS | ON_MACHINE)
#define LONG_ONLY   256 /* getopt's value for an option without a letter: this plus its row */

static const struct cli_resource resources[] = {
	{{"pods", "pod", "po"}, &pod_columns, true},
	{{"services", "service", "svc"}, &service_columns, false},
	{{"backends", "backend"}, &backend_columns, false},
};

static const struct {
	const char *name, *operands, *help;
} commands[] = {
	[CLI_GET] = {"get", "pods|services|backends [NAME]", "show objects"},
	[CLI_LOGS] = {"logs", "POD", "print what a container wrote"},
	[CLI_EXEC] = {"exec", "POD -- COMMAND [ARG...]", "run a command in a container"},
	[CLI_DELETE] = {"delete", "pod NAME", "delete a Pod gracefully"},
	[CLI_UP] = {"up", "", "start podnet-control and podnetd: kubectl can be used"},
	[CLI_DOWN] = {"down", "", "end both, and all Pods of this machine"},
	[CLI_STATUS] = {"status", "", "say what of this runs"},
};

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char * */
	OPTION_WORDS,	/* struct cli_words: may come several times */
	OPTION_NUMBER,	/* int64_t, not negative */
	OPTION_OUTPUT,	/* enum cli_output */
	OPTION_COMMAND, /* ends parsing: --help, --version */
};

#define FIELD(field) offsetof(struct cli_options, field)

static const struct {
	char letter;
	const char *name, *argument, *help;
	enum option_kind kind;
	size_t field;
	unsigned commands;
	enum cli_command command;
} options[] = {
	{'n', "namespace", "NAME", "namespace of the object (default \"default\")", OPTION_TEXT,
		FIELD(namespace), ON_OBJECTS, 0},
	{'A', "all-namespaces", NULL, "objects of all namespaces", OPTION_FLAG,
		FIELD(all_namespaces), ON(CLI_GET), 0},
	{'o', "output", "json|wide", "objects as they are, or more columns", OPTION_OUTPUT,
		FIELD(output), ON(CLI_GET), 0},
	{'c', "container", "NAME", "container of the Pod (default: the only one)", OPTION_TEXT,
		FIELD(container), ON(CLI_LOGS) | ON(CLI_EXEC), 0},
	{'f', "follow", NULL, "go on until the container ends", OPTION_FLAG, FIELD(follow),
		ON(CLI_LOGS), 0},
	{'p', "previous", NULL, "of the container before the last restart", OPTION_FLAG,
		FIELD(previous), ON(CLI_LOGS), 0},
	{0, "tail", "LINES", "only so many of the last lines", OPTION_NUMBER, FIELD(tail),
		ON(CLI_LOGS), 0},
	{0, "grace-period", "SECONDS", "instead of the Pod's own grace period", OPTION_NUMBER,
		FIELD(grace), ON(CLI_DELETE), 0},
	{0, "socket", "PATH", "podnetd's control socket (default " DEFAULT_SOCKET ")", OPTION_TEXT,
		FIELD(socket), ON_OBJECTS, 0},
	{0, "node-name", "NAME", "name of the node (default: the host name)", OPTION_TEXT,
		FIELD(node_name), ON_MACHINE, 0},
	{0, "run-dir", "DIR", "podnetd's (default " DEFAULT_RUN_DIR ")", OPTION_TEXT,
		FIELD(run_dir), ON_MACHINE, 0},
	{0, "control-run-dir", "DIR", "podnet-control's (default " DEFAULT_CONTROL_RUN_DIR ")",
		OPTION_TEXT, FIELD(control_run_dir), ON_MACHINE, 0},
	{0, "kubeconfig", "FILE",
		"podnetd's, written when missing (default " DEFAULT_KUBECONFIG ")", OPTION_TEXT,
		FIELD(kubeconfig), ON_MACHINE, 0},
	{0, "daemon-logs", "DIR", "what both say (default " DEFAULT_DAEMON_LOGS ")", OPTION_TEXT,
		FIELD(daemon_logs), ON_MACHINE, 0},
	{0, "podnetd-arg", "ARG", "one more argument of podnetd", OPTION_WORDS, FIELD(podnetd_args),
		ON_MACHINE, 0},
	{0, "control-arg", "ARG", "one more argument of podnet-control", OPTION_WORDS,
		FIELD(control_args), ON_MACHINE, 0},
	{'h', "help", NULL, "print this and exit", OPTION_COMMAND, 0, ON_ALL, CLI_HELP},
	{0, "version", NULL, "print the version and exit", OPTION_COMMAND, 0, ON_ALL, CLI_VERSION},
};

static int usage(struct err *err, const char *what, const char *which)
{
	return err_refuse(err, EINVAL, "%s '%s'", what, which);
}

static int words_add(struct cli_words *words, const char *name, const char *text, struct err *err)
{
	if (words->count == CLI_WORDS_MOST)
		return err_refuse(err, EINVAL, "--%s: more than %d", name, CLI_WORDS_MOST);
	words->words[words->count++] = text;
	return 0;
}

static int option_set(size_t row, const char *text, struct cli_options *ret, struct err *err)
{
	void *field = (char *)ret + options[row].field;
	char *end;

	switch (options[row].kind) {
	case OPTION_FLAG: *(bool *)field = true; return 0;
	case OPTION_TEXT: *(const char **)field = text; return 0;
	case OPTION_WORDS: return words_add(field, options[row].name, text, err);
	case OPTION_NUMBER:
		*(int64_t *)field = strtoll(text, &end, 10);
		if (end == text || *end || *(int64_t *)field < 0 || *(int64_t *)field > INT32_MAX)
			return err_refuse(
				err, EINVAL, "--%s: '%s' is not a number", options[row].name, text);
		return 0;
	case OPTION_OUTPUT:
		if (strcmp(text, "json") != 0 && strcmp(text, "wide") != 0)
			return usage(err, "unknown output format", text);
		*(enum cli_output *)field = text[0] == 'j' ? OUTPUT_JSON : OUTPUT_WIDE;
		return 0;
	case OPTION_COMMAND: ret->command = options[row].command; return 0;
	}
	return 0;
}

/* The table in getopt's form. */
struct getopt_table {
	char letters[2 * COUNT(options) + 2];
	struct option rows[COUNT(options) + 1];
};

static void getopt_fill(struct getopt_table *ret)
{
	char *letter = ret->letters;

	*ret = (struct getopt_table){0};
	*letter++ = ':'; /* tell a missing argument from an unknown option */
	for (size_t i = 0; i < COUNT(options); i++) {
		int argument = options[i].argument ? required_argument : no_argument;

		if (options[i].letter) {
			*letter++ = options[i].letter;
			if (argument)
				*letter++ = ':';
		}
		ret->rows[i] = (struct option){options[i].name, argument, NULL,
			options[i].letter ? options[i].letter : LONG_ONLY + (int)i};
	}
}

static size_t option_row(int value)
{
	size_t row = 0;

	if (value >= LONG_ONLY)
		return (size_t)(value - LONG_ONLY);
	while (options[row].letter != value)
		row++;
	return row;
}

/* Sets what options say and moves operands to the end.  *@ret_given: a bit for each row that was given. */
static int options_read(
	int argc, char **argv, struct cli_options *ret, unsigned *ret_given, struct err *err)
{
	struct getopt_table table;
	int value, r = 0;

	getopt_fill(&table);
	opterr = 0;
	optind = 0; /* glibc: begin anew */
	*ret_given = 0;
	while (r == 0 && (value = getopt_long(argc, argv, table.letters, table.rows, NULL)) != -1) {
		if (value == '?' && optopt && optopt < LONG_ONLY)
			return err_refuse(err, EINVAL, "unknown option '-%c'", optopt);
		if (value == '?')
			return usage(err, "unknown option", argv[optind - 1]);
		if (value == ':')
			return usage(err, "missing argument of", argv[optind - 1]);
		*ret_given |= 1u << option_row(value);
		r = option_set(option_row(value), optarg, ret, err);
		if (options[option_row(value)].kind == OPTION_COMMAND)
			return 0;
	}
	return r;
}

static int command_find(const char *name, enum cli_command *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT(commands); i++)
		if (strcmp(commands[i].name, name) == 0) {
			*ret = (enum cli_command)i;
			return 0;
		}
	return usage(err, "unknown command", name);
}

static int resource_find(const char *name, const struct cli_resource **ret, struct err *err)
{
	for (size_t i = 0; i < COUNT(resources); i++)
		for (size_t j = 0; j < COUNT(resources[i].names) && resources[i].names[j]; j++)
			if (strcmp(resources[i].names[j], name) == 0) {
				*ret = &resources[i];
				return 0;
			}
	return usage(err, "unknown resource", name);
}

/* Takes the operands apart: [RESOURCE] [NAME]. */
static int operands_read(size_t count, char **operands, struct cli_options *ret, struct err *err)
{
	bool with_resource = ret->command == CLI_GET || ret->command == CLI_DELETE;
	bool name_needed = ON(ret->command) & (ON_OBJECTS & ~ON(CLI_GET));
	size_t at = 0;
	int r;

	if (with_resource) {
		if (count == 0)
			return err_refuse(err, EINVAL, "usage: podnetctl %s %s",
				commands[ret->command].name, commands[ret->command].operands);
		r = resource_find(operands[at++], &ret->resource, err);
		if (r < 0)
			return r;
		if (ret->command == CLI_DELETE && !ret->resource->deletable)
			return usage(err, "cannot delete", ret->resource->names[0]);
	}
	if (at < count && ON(ret->command) & ON_OBJECTS)
		ret->name = operands[at++];
	if (at < count)
		return usage(err, "unexpected argument", operands[at]);
	if ((name_needed && !ret->name) || (ret->command == CLI_EXEC && !ret->argv))
		return err_refuse(err, EINVAL, "usage: podnetctl %s %s",
			commands[ret->command].name, commands[ret->command].operands);
	return 0;
}

static int options_check(unsigned given, const struct cli_options *ret, struct err *err)
{
	for (size_t i = 0; i < COUNT(options); i++)
		if (given & (1u << i) && !(options[i].commands & ON(ret->command)))
			return err_refuse(err, EINVAL, "--%s is no option of '%s'", options[i].name,
				commands[ret->command].name);
	if (ret->all_namespaces && ret->name)
		return err_refuse(err, EINVAL,
			"a resource cannot be retrieved by name across all namespaces");
	return 0;
}

/* A bit for each row that belongs to just these commands. */
static unsigned options_on(unsigned commands)
{
	unsigned rows = 0;

	for (size_t i = 0; i < COUNT(options); i++)
		rows |= options[i].commands == commands ? 1u << i : 0;
	return rows;
}

/* Cuts the command line at the first "--", which is exec's: what follows is the command. */
static int cut_command(int argc, char **argv, const char *const **ret)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--") == 0) {
			*ret = argv[i + 1] ? (const char *const *)argv + i + 1 : NULL;
			argv[i] = NULL;
			return i;
		}
	return argc;
}

int cli_options_parse(int argc, char **argv, struct cli_options *ret, struct err *err)
{
	struct cli_options parsed = {.socket = DEFAULT_SOCKET,
		.namespace = "default",
		.run_dir = DEFAULT_RUN_DIR,
		.control_run_dir = DEFAULT_CONTROL_RUN_DIR,
		.kubeconfig = DEFAULT_KUBECONFIG,
		.daemon_logs = DEFAULT_DAEMON_LOGS,
		.command = CLI_GET,
		.tail = -1,
		.grace = -1};
	const char *const *command = NULL;
	unsigned given;
	int r;

	argc = cut_command(argc, argv, &command);
	r = options_read(argc, argv, &parsed, &given, err);
	if (r < 0)
		return r;
	if (parsed.command != CLI_HELP && parsed.command != CLI_VERSION) {
		if (optind >= argc)
			return err_refuse(err, EINVAL, "a command is missing");
		r = command_find(argv[optind], &parsed.command, err);
		if (r >= 0 && command && parsed.command != CLI_EXEC)
			r = usage(err, "unexpected argument", command[0]);
		parsed.argv = command;
		if (r >= 0)
			r = operands_read(
				(size_t)(argc - optind - 1), argv + optind + 1, &parsed, err);
		if (r >= 0)
			r = options_check(given, &parsed, err);
		parsed.custom = given & options_on(ON_MACHINE);
	}
	if (r >= 0)
		*ret = parsed;
	return r;
}

static void help_options(FILE *out, unsigned which)
{
	for (size_t i = 0; i < COUNT(options); i++) {
		char left[64];

		if (options[i].commands != which)
			continue;
		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", options[i].letter ? '-' : ' ',
			options[i].letter ? options[i].letter : ' ', options[i].letter ? "," : " ",
			options[i].name, options[i].argument ? " " : "",
			options[i].argument ? options[i].argument : "");
		fprintf(out, "    %-26s %s\n", left, options[i].help);
	}
}

/* Options of one command, those it shares with others (but not with all) included. */
static void help_command(FILE *out, size_t command)
{
	fprintf(out, "  %s%s%s\n    %s\n", commands[command].name,
		commands[command].operands[0] ? " " : "", commands[command].operands,
		commands[command].help);
	for (unsigned which = 1; which < ON_ALL; which++)
		if (which & ON(command) && which != ON_OBJECTS && which != ON_MACHINE)
			help_options(out, which);
}

char *cli_help(void)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	fprintf(out, "Usage: podnetctl COMMAND [OPTION...]\n\nCommands:\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		help_command(out, i);
	fprintf(out, "\nOptions of get, logs, exec and delete:\n");
	help_options(out, ON_OBJECTS);
	fprintf(out, "\nOptions of up, down and status:\n");
	help_options(out, ON_MACHINE);
	fprintf(out, "\nOptions of all commands:\n");
	help_options(out, ON_ALL);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
