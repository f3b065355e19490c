/* SPDX-License-Identifier: Apache-2.0 */
/* podnetctl's commands.  Each prints its result and returns the program's exit code. */
#pragma once

struct cli_options;

int command_get(const struct cli_options *options);
int command_logs(const struct cli_options *options);
int command_exec(const struct cli_options *options);
int command_delete(const struct cli_options *options);

/* Reads the command line and runs what it asks for. */
int cli_run(int argc, char **argv);
