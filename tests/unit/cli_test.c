// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include "user/cli/options.h"

#define ARGS_MAX 16

/* Splits @line at spaces into a fresh argv. */
static int split(char *line, char **argv)
{
	int argc = 0;
	char *word;

	while ((word = strsep(&line, " ")))
		argv[argc++] = word;
	argv[argc] = NULL;
	return argc;
}

static int parse(char *line, struct cli_options *ret, struct err *err)
{
	static char *argv[ARGS_MAX];
	int argc = split(line, argv);

	return cli_options_parse(argc, argv, ret, err);
}

TEST(command_lines_are_understood)
{
	static const struct {
		const char *line;
		enum cli_command command;
		const char *resource, *name, *namespace, *container;
		enum cli_output output;
		bool all, follow, previous;
		int64_t tail, grace;
	} cases[] = {
		{"p get pods", CLI_GET, "pods", NULL, "default", NULL, 0, 0, 0, 0, -1, -1},
		{"p get po web -n shop", CLI_GET, "pods", "web", "shop", NULL, 0, 0, 0, 0, -1, -1},
		{"p -n shop get svc", CLI_GET, "services", NULL, "shop", NULL, 0, 0, 0, 0, -1, -1},
		{"p get backends -A -o json", CLI_GET, "backends", NULL, "default", NULL,
			OUTPUT_JSON, 1, 0, 0, -1, -1},
		{"p get pods -Aowide", CLI_GET, "pods", NULL, "default", NULL, OUTPUT_WIDE, 1, 0, 0,
			-1, -1},
		{"p get pods --namespace=x --output wide", CLI_GET, "pods", NULL, "x", NULL,
			OUTPUT_WIDE, 0, 0, 0, -1, -1},
		{"p logs web -c c -f -p --tail 5", CLI_LOGS, NULL, "web", "default", "c", 0, 0, 1,
			1, 5, -1},
		{"p logs -fp web", CLI_LOGS, NULL, "web", "default", NULL, 0, 0, 1, 1, -1, -1},
		{"p exec web -c c -- ls -n x", CLI_EXEC, NULL, "web", "default", "c", 0, 0, 0, 0,
			-1, -1},
		{"p delete pod web --grace-period 0", CLI_DELETE, "pods", "web", "default", NULL, 0,
			0, 0, 0, -1, 0},
		{"p --help", CLI_HELP, NULL, NULL, "default", NULL, 0, 0, 0, 0, -1, -1},
		{"p get pods --help", CLI_HELP, NULL, NULL, "default", NULL, 0, 0, 0, 0, -1, -1},
		{"p --version", CLI_VERSION, NULL, NULL, "default", NULL, 0, 0, 0, 0, -1, -1},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *what = cases[i].line;
		AUTO_FREE char *line = strdup(what);
		struct cli_options got;
		struct err err;

		if (!CHECK_OK(what, parse(line, &got, &err), &err))
			continue;
		CHECK_EQ(what, got.command, cases[i].command);
		CHECK_STR(what, got.resource ? got.resource->names[0] : NULL, cases[i].resource);
		CHECK_STR(what, got.name, cases[i].name);
		CHECK_STR(what, got.namespace, cases[i].namespace);
		CHECK_STR(what, got.container, cases[i].container);
		CHECK_EQ(what, got.output, cases[i].output);
		CHECK_EQ(what, got.all_namespaces, cases[i].all);
		CHECK_EQ(what, got.follow, cases[i].follow);
		CHECK_EQ(what, got.previous, cases[i].previous);
		CHECK_EQ(what, got.tail, cases[i].tail);
		CHECK_EQ(what, got.grace, cases[i].grace);
		CHECK_STR(what, got.socket, "/run/podnet/podnetd.sock");
	}
}
TEST(daemons_get_arguments_in_their_order)
{
	char line[] = "p up --podnetd-arg --a --control-arg=--b --podnetd-arg=c --node-name n",
	     bare[] = "p status";
	struct cli_options got;
	struct err err;

	if (!CHECK_OK("up", parse(line, &got, &err), &err))
		return;
	CHECK_EQ("two are podnetd's", got.podnetd_args.count, 2);
	CHECK_STR("the first", got.podnetd_args.words[0], "--a");
	CHECK_STR("the second", got.podnetd_args.words[1], "c");
	CHECK_STR("the API server's", got.control_args.words[0], "--b");
	CHECK_STR("the node", got.node_name, "n");
	CHECK_STR("what is not said", got.run_dir, "/run/podnet");
	CHECK("it is no usual machine", got.custom);
	if (CHECK_OK("status", parse(bare, &got, &err), &err))
		CHECK("that is", !got.custom);
}

TEST(what_follows_the_dashes_is_the_command)
{
	char line[] = "p exec web --socket /s -- sh -c -n -- x";
	struct cli_options got;
	struct err err;

	if (!CHECK_OK("parse", parse(line, &got, &err), &err))
		return;
	CHECK_STR("socket", got.socket, "/s");
	CHECK_STR("first", got.argv[0], "sh");
	CHECK_STR("an option of the command", got.argv[2], "-n");
	CHECK_STR("later dashes too", got.argv[3], "--");
	CHECK_STR("last", got.argv[4], "x");
	CHECK("end", !got.argv[5]);
}

TEST(wrong_command_lines_are_refused_with_the_reason)
{
	static const struct {
		const char *line, *reason;
	} cases[] = {
		{"p", "a command is missing"},
		{"p -A", "a command is missing"},
		{"p frobnicate", "unknown command 'frobnicate'"},
		{"p get", "usage: podnetctl get pods|services|backends [NAME]"},
		{"p get nodes", "unknown resource 'nodes'"},
		{"p get pods a b", "unexpected argument 'b'"},
		{"p get pods a -A", "cannot be retrieved by name across all namespaces"},
		{"p get pods -o yaml", "unknown output format 'yaml'"},
		{"p get pods -f", "--follow is no option of 'get'"},
		{"p get pods -- ls", "unexpected argument 'ls'"},
		{"p get pods --bogus", "unknown option '--bogus'"},
		{"p get pods -x", "unknown option '-x'"},
		{"p get pods -xf", "unknown option '-x'"},
		{"p get pods -n", "missing argument of '-n'"},
		{"p logs", "usage: podnetctl logs POD"},
		{"p logs web --tail many", "--tail: 'many' is not a number"},
		{"p logs web --tail -1", "--tail: '-1' is not a number"},
		{"p exec web", "usage: podnetctl exec POD -- COMMAND"},
		{"p exec web --", "usage: podnetctl exec POD -- COMMAND"},
		{"p exec web ls", "unexpected argument 'ls'"},
		{"p exec -- ls", "usage: podnetctl exec POD -- COMMAND"},
		{"p delete pod", "usage: podnetctl delete pod NAME"},
		{"p delete service web", "cannot delete 'services'"},
		{"p delete pod web --grace-period 99999999999", "is not a number"},
		{"p up web", "unexpected argument 'web'"},
		{"p up -n shop", "--namespace is no option of 'up'"},
		{"p get pods --run-dir /r", "--run-dir is no option of 'get'"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *line = strdup(cases[i].line);
		struct cli_options got;
		struct err err;

		CHECK_FAILS(cases[i].line, parse(line, &got, &err), EINVAL, &err, cases[i].reason);
	}
}

TEST(help_comes_from_the_table)
{
	AUTO_FREE char *help = cli_help();

	CHECK_HAS("commands", help, "  get pods|services|backends [NAME]\n    show objects\n");
	CHECK_HAS("an option of one command", help, "    -p, --previous");
	CHECK_HAS("an option without letter", help, "        --tail LINES");
	CHECK_HAS("what some share is there once", help,
		"Options of get, logs, exec and delete:\n    -n, --namespace NAME");
	CHECK_HAS("the default socket", help, "(default /run/podnet/podnetd.sock)");
}
