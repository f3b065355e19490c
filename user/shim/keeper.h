/* SPDX-License-Identifier: Apache-2.0 */
/* The shim of one Pod: everything it holds, and the life of the Pod's sandbox. */
#pragma once

#include <sys/types.h>

#include "user/shim/hierarchy.h"
#include "user/shim/reactor.h"
#include "user/shim/runtime.h"
#include "user/shim/server.h"

struct err;
struct container;
struct exec;

struct keeper_options {
	const char *dir;     /* RUN/pods/UID */
	const char *pause;   /* program */
	const char *runtime; /* program */
	const char *runtime_root;
	const char *cgroup; /* the Pod's */
	const char *shim_cgroup;
	const char *hostname;
	const char *claim; /* NULL: none */
	int client_fd;	   /* a connected socket to podnetd; -1: none */
};

struct keeper {
	struct keeper_options options;
	struct runtime runtime;
	struct reactor reactor;
	struct hierarchies hierarchies;
	struct server server;
	struct container *containers;
	struct exec *execs;
	struct source children; /* signalfd of SIGCHLD */
	pid_t pause_pid;	/* 0 once it is gone */
	struct origin shutdown; /* who asked for the end; client 0: nobody yet */
	struct alarm shutdown_alarm;
	unsigned claim_steps;
	uint64_t shutdown_deadline; /* clock_now() microseconds */
};

/* Makes the sandbox, then serves until the Pod is shut down. */
int keeper_run(struct keeper *keeper, struct err *err);

/* Begins or carries on the end of the Pod; called again whenever something ended. */
void keeper_shutdown_step(struct keeper *keeper);

/* Answers one request of @size bytes. */
void keeper_request(struct keeper *keeper, uint32_t client, const void *message, size_t size);
