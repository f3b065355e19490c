/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the shim client: one connection and the requests that wait for their answer. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "include/podnet/shimwire.h"
#include "user/node/shim.h"

enum shim_pending_kind {
	SHIM_PENDING_HELLO, /* of shim_start */
	SHIM_PENDING_ADOPT, /* hello, then list */
	SHIM_PENDING_LIST,  /* up to here: the connection is being set up */
	SHIM_PENDING_DONE,
	SHIM_PENDING_CREATED,
	SHIM_PENDING_EXEC,    /* until it was started */
	SHIM_PENDING_RUNNING, /* an exec, until it ended */
};

struct shim_pending {
	struct shim_pending *next;
	__u32 seq;
	enum shim_pending_kind kind;
	union {
		shim_ready_fn ready;
		shim_listed_fn listed;
		shim_done_fn done;
		shim_created_fn created;
		struct shim_exec_events exec;
	} fn;
	void *userdata;
};

struct shim {
	sd_event_source *source;
	int fd;
	pid_t pid;
	__u32 seq; /* of the last request */
	struct shim_events events;
	struct shim_pending *pending;
	unsigned depth; /* callbacks under way */
	bool freed;	/* by one of them */
};

/* Makes the client of a connected socket, which it takes over. */
int shim_new(sd_event *loop, int fd, const struct shim_events *events, struct shim **ret,
	struct err *err);

/*
 * Numbers the request, sends it and remembers @pending, a template.  -EPIPE: the shim is gone;
 * -EAGAIN: it does not read.  Nothing is remembered then.
 */
int shim_send(struct shim *shim, void *message, size_t size, __u32 type,
	const struct shim_pending *pending);

/* Forgets a request: no callback follows. */
void shim_pending_drop(struct shim *shim, __u32 seq);
