/* SPDX-License-Identifier: Apache-2.0 */
/* podnetctl's commands.  Each prints its result and returns the program's exit code. */
#pragma once

struct cli_options;

/* Objects as a table or as JSON. */
int command_get(const struct cli_options *options);
/* A container's text on stdout, at once or as it comes. */
int command_logs(const struct cli_options *options);
/* A command with our stdin, stdout and stderr; its exit code is ours. */
int command_exec(const struct cli_options *options);
/* Says "deleted" when podnetd has taken the deletion; it does not wait for its end. */
int command_delete(const struct cli_options *options);

/* Starts podnet-control and podnetd and waits until this machine is a node that is Ready. */
int command_up(const struct cli_options *options);
/* Ends both, and all Pods; what the API server knows stays. */
int command_down(const struct cli_options *options);
/* Says what of this runs; fails unless all does. */
int command_status(const struct cli_options *options);

/* Reads the command line and runs what it asks for. */
int cli_run(int argc, char **argv);
