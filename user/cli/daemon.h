/* SPDX-License-Identifier: Apache-2.0 */
/* podnetd and podnet-control as `podnetctl up` starts them where no service manager does. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

struct err;

#define DAEMON_ARGS_MOST 64

/* Everything is borrowed. */
struct daemon {
	const char *name;			/* a program beside this one, or in ../sbin */
	const char *run_dir;			/* whose lock it holds while it runs */
	const char *log;			/* file that its stderr is added to */
	const char *args[DAEMON_ARGS_MOST + 1]; /* NULL-terminated, without its name */
	size_t arg_count;
};

/* Adds an argument.  -E2BIG: DAEMON_ARGS_MOST are there. */
int daemon_add(struct daemon *daemon, const char *arg, struct err *err);

/* Its pid; 0 when it does not run. */
int daemon_find(const struct daemon *daemon, pid_t *ret, struct err *err);

/* Starts it in a session of its own.  The caller closes *@ret_pidfd. */
int daemon_start(const struct daemon *daemon, int *ret_pidfd, struct err *err);

/* Waits @msec for the end of the process.  1: it has ended. */
int daemon_ended(int pidfd, int msec);

/* The last line that it wrote to its log, for who tells why it did not start.  The caller frees it. */
char *daemon_last_words(const struct daemon *daemon);

/* Ends it with SIGTERM and waits for its end.  0: it does not run any more. */
int daemon_end(const struct daemon *daemon, struct err *err);

/* The words of a running daemon's command line behind its name.  The caller frees *@ret, which holds them one after
 * the other, each with its NUL. */
int daemon_words(pid_t pid, char **ret, size_t *ret_len, struct err *err);

/* Runs it in the foreground, its log still a file, and waits for its end.  -EIO: it failed. */
int daemon_run(const struct daemon *daemon, struct err *err);
