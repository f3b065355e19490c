// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"

static int command_help(const struct cli_options *options)
{
	AUTO_FREE char *text = cli_help();

	(void)options;
	if (!text)
		return api_broken("out of memory");
	fputs(text, stdout);
	return 0;
}

static int command_version(const struct cli_options *options)
{
	(void)options;
	printf("podnetctl %s\n", PODNET_VERSION);
	return 0;
}

int cli_run(int argc, char **argv)
{
	static int (*const commands[])(const struct cli_options *options) = {
		[CLI_GET] = command_get,
		[CLI_LOGS] = command_logs,
		[CLI_EXEC] = command_exec,
		[CLI_DELETE] = command_delete,
		[CLI_UP] = command_up,
		[CLI_DOWN] = command_down,
		[CLI_STATUS] = command_status,
		[CLI_HELP] = command_help,
		[CLI_VERSION] = command_version,
	};
	struct cli_options options;
	struct err err;
	int r;

	if (cli_options_parse(argc, argv, &options, &err) < 0) {
		fprintf(stderr, "podnetctl: %s\nSee 'podnetctl --help'.\n", err.text);
		return EXIT_USAGE;
	}
	r = commands[options.command](&options);
	if (fflush(stdout) != 0) {
		perror("podnetctl: write");
		return EXIT_FAILED;
	}
	return r;
}
