/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the OCI runtime (crun or runc: one command line), awaited on the loop. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "user/shim/reactor.h"

#define RUNTIME_ARGS_MAX 12
#define RUNTIME_TEXT_MAX 1024

struct err;
struct runtime_call;

struct runtime {
	const char *program;
	const char *root;
};

/* Embedded in what waits for it.  pid 0: no call is under way. */
struct runtime_call {
	pid_t pid;
	struct source complaint; /* the runtime's stderr */
	size_t len;
	char text[RUNTIME_TEXT_MAX]; /* its end */
	void (*done)(struct runtime_call *call, int status);
};

struct runtime_spec {
	const char *args[RUNTIME_ARGS_MAX]; /* after --root ROOT; NULL-terminated */
	int in_fd, out_fd;		    /* stdin, stdout; -1: /dev/null.  Borrowed */
	int err_fds[2];	    /* pipe for stderr; both consumed.  Its reading end: call->complaint */
	const char *bundle; /* not NULL: its exec profile is first written to profile_fd */
	int profile_fd;
};

/* Starts it.  @done is called from runtime_reaped; until then the caller keeps @call in place. */
int runtime_start(struct reactor *reactor, const struct runtime *runtime,
	const struct runtime_spec *spec, struct runtime_call *call,
	void (*done)(struct runtime_call *, int status), struct err *err);

/* Its process ended: reads the rest of what it said and calls done. */
void runtime_reaped(struct runtime_call *call, int status);

/* The last line the runtime wrote, without its decoration; its exit status when it said nothing. */
void runtime_reason(struct runtime_call *call, int status, char *ret, size_t size);
