/* SPDX-License-Identifier: Apache-2.0 */
/* podnetctl's commands and options: one table that parses and generates --help. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/cli/columns.h"

struct err;

#define DEFAULT_SOCKET		"/run/podnet/podnetd.sock"
#define DEFAULT_RUN_DIR		"/run/podnet"
#define DEFAULT_CONTROL_RUN_DIR "/run/podnet-control"
#define DEFAULT_KUBECONFIG	"/etc/podnet/kubeconfig"
#define DEFAULT_DAEMON_LOGS	"/var/log/podnet"

#define CLI_WORDS_MOST 48

enum cli_command {
	CLI_GET,
	CLI_LOGS,
	CLI_EXEC,
	CLI_DELETE,
	CLI_UP,
	CLI_DOWN,
	CLI_STATUS,
	CLI_HELP,
	CLI_VERSION,
};
enum cli_output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON };

/* What `get` and `delete` name: "pods", "po", "pod" ... */
struct cli_resource {
	const char *names[4]; /* the first one is what messages say */
	const struct column_set *columns;
	bool deletable;
};

/* What an option was given that may come several times. */
struct cli_words {
	const char *words[CLI_WORDS_MOST];
	size_t count;
};

struct cli_options {
	enum cli_command command;
	const char *socket, *namespace, *container;
	bool all_namespaces, follow, previous;
	enum cli_output output;
	int64_t tail;  /* -1: all */
	int64_t grace; /* seconds; -1: the Pod's own */
	const struct cli_resource *resource;
	const char *name; /* Pod or object; NULL: all */
	const char *run_dir, *control_run_dir, *daemon_logs, *kubeconfig;
	const char *node_name; /* NULL: the host name */
	struct cli_words podnetd_args, control_args;
	bool custom; /* one of these was given: it is not the machine's own pair of daemons */
	const char *const *argv; /* of exec; NULL-terminated */
};

/*
 * Reads the command line; strings and argv are borrowed from it, and its order changes.
 * -EINVAL: a usage error; err->text says which.
 */
int cli_options_parse(int argc, char **argv, struct cli_options *ret, struct err *err);

/* The whole --help, the caller frees it; NULL when memory is out. */
char *cli_help(void);
