/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes run in a container besides its own: probes, hooks, podnetctl exec.  Each gets a cgroup below the
 * container's.  An exec belongs to the connection that asked for it and is killed when that ends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "include/podnet/shimwire.h"

struct keeper;
struct origin;

struct exec_request {
	char id[SHIMWIRE_ID_MAX];
	uint64_t timeout_usec;
	bool with_stdin, tty;
	char *argv[SHIMWIRE_ARGS_MAX + 1]; /* NULL-terminated, into the message */
};

/* Answers with the pipes, or with a failure; the end is an event. */
void exec_start(struct keeper *keeper, struct origin origin, const struct exec_request *request);
/* Kills everything in the cgroup of the exec that @origin's client named so; no event follows. */
void exec_kill(struct keeper *keeper, struct origin origin, uint32_t exec);

/* Kills what a client that left had running. */
void execs_kill_of_client(struct keeper *keeper, uint32_t client);
/* A child of the shim ended.  True: it was an exec's. */
bool execs_reaped(struct keeper *keeper, pid_t pid, int status);
