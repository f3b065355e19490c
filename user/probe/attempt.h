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

struct attempt_target {
	int netns_fd; /* borrowed; -1: the caller's own */
	struct sockaddr_in address;
};

/*
 * Starts to connect.  @ready is called with EPOLLOUT when that succeeded or failed.  Closing the
 * socket resets the connection, so that neither end keeps it in TIME_WAIT.  The caller owns both.
 * *@ret_error: an errno of connect(2) that SO_ERROR will not tell, or 0.
 */
int attempt_connect(sd_event *loop, const struct attempt_target *target,
	sd_event_io_handler_t ready, void *userdata, int *ret_fd, sd_event_source **ret_source,
	int *ret_error, struct err *err);

/* The errno with which the connection attempt ended, 0 when it succeeded. */
int attempt_connect_result(int fd, int error);

#define ADDRESS_TEXT_MAX 24 /* "255.255.255.255:65535" */
void address_text(const struct sockaddr_in *address, char ret[ADDRESS_TEXT_MAX]);

/* Go's wording of what connect and read return, which Kubernetes' messages hold: "connection refused". */
const char *attempt_error_text(int error, char *buffer, size_t size);
