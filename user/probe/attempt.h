/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of one probe run share: the socket inside the Pod's netns, and how a run ends. */
#pragma once

#include <netinet/in.h>
#include <systemd/sd-event.h>

#include "user/probe/verdict.h"

#define PROBE_MESSAGE_MAX 512

struct err;

/* The end of a run, called once, from the loop.  A success with a message is a warning.  The run is over but
 * must still be freed; that may happen in the call. */
typedef void (*attempt_done_fn)(void *userdata, enum probe_result result, const char *message);

/* The socket can go on, or its connection has failed. */
typedef void (*attempt_ready_fn)(void *userdata);

/*
 * One connection after the other, over one socket.  Making a socket inside the Pod's netns costs six system calls,
 * two of which move the thread; disconnecting the old one costs one, and resets the connection, so that
 * neither end keeps it in TIME_WAIT.
 */
struct attempt {
	sd_event *loop;	 /* borrowed */
	int netns_fd;	 /* borrowed; -1: the caller's own */
	int fd;		 /* -1: not made yet */
	int error;	 /* an errno of the connection that SO_ERROR will not tell, or 0 */
	bool connected;	 /* or about to be */
	bool held;	 /* what is watched is not asked for yet */
	uint32_t events; /* that a held attempt will ask for; 0: none */
	sd_event_source *source;
	attempt_ready_fn ready;
	void *userdata;
};

/* Opens nothing yet.  The caller ends with attempt_close, before the loop. */
void attempt_init(struct attempt *attempt, sd_event *loop, int netns_fd);

/* Starts to connect.  What connect(2) finds wrong with the network is in @error, reported from the loop. */
int attempt_connect(struct attempt *attempt, const struct sockaddr_in *address, struct err *err);

/* Calls @ready from the loop when the socket polls as @events (EPOLLIN, EPOLLOUT) or has failed: now, or when
 * that changes.  It must then be used until it says EAGAIN, or be watched anew. */
int attempt_watch(struct attempt *attempt, uint32_t events, attempt_ready_fn ready, void *userdata,
	struct err *err);

/* Until attempt_release, or the end, what is watched wakes nobody up. */
void attempt_hold(struct attempt *attempt);

/* From now on @ready is called; what happened while the attempt was held counts. */
int attempt_release(struct attempt *attempt, struct err *err);

/* The errno with which the attempt to connect ended, 0 when it succeeded. */
int attempt_result(const struct attempt *attempt);

/* Resets the connection, if there is one, and watches no longer. */
void attempt_end(struct attempt *attempt);

/* Ends, and releases the socket. */
void attempt_close(struct attempt *attempt);

#define ADDRESS_TEXT_MAX 24 /* "255.255.255.255:65535" */
void address_text(const struct sockaddr_in *address, char ret[ADDRESS_TEXT_MAX]);

/* Go's wording of what connect and read return, which Kubernetes' messages hold: "connection refused". */
const char *attempt_error_text(int error, char *buffer, size_t size);
