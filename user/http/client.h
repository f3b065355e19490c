/* SPDX-License-Identifier: Apache-2.0 */
/* One HTTP/1.1 request on the loop, over a unix socket or TCP: answer in pieces, or upgraded to a WebSocket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "user/http/address.h"
#include "user/http/websocket.h"

struct err;
struct http_call;
struct tls;
struct transport;

/* A server that is not on this machine's file system. */
struct http_remote {
	struct http_address name; /* whom the certificate must be for */
	struct sockaddr_storage address;
	socklen_t address_len;
	const struct tls *tls;	   /* NULL: plain */
	const char *authorization; /* the header's value; NULL: none */
};

/* Begins to connect to @remote, non-blocking: what came of it says SO_ERROR once the socket is writable.  The caller
 * owns *@ret_fd. */
int http_connect(const struct http_remote *remote, int *ret_fd, struct err *err);

struct http_call_spec {
	/* Borrowed during the call of http_call_start. */
	const char *socket_path;	  /* NULL: @remote says where */
	const struct http_remote *remote; /* its tls until the end of the call */
	const char *method, *target;
	const char *user_agent;	  /* "podnetd/1.0"; NULL: none */
	const char *accept;	  /* NULL: anything */
	const char *content_type; /* of the body; NULL: there is none */
	const void *body;
	size_t body_len;
	const char *fields; /* more header lines, each ended by CRLF; NULL: none */
	/*
	 * Borrowed until the end; NULL: the connection ends with the answer.  An open one is asked, if its server
	 * has not left it, else one is made; it is open again in `ended` when the server keeps it.
	 */
	struct transport *kept;
	/* Non-NULL: ask for a WebSocket that speaks one of these (borrowed until the end). */
	const char *const *protocols;
	const struct websocket_events *websocket_events;
	void *websocket_userdata;
};

struct http_call_events {
	void (*head)(void *userdata, unsigned status);
	void (*body)(void *userdata, const char *data, size_t len);
	/* The last call when the upgrade succeeded: the WebSocket belongs to the callee. */
	void (*upgraded)(void *userdata, struct websocket *websocket);
	/* The last call otherwise: 0 when the answer was complete, or a negative errno and why. */
	void (*ended)(void *userdata, int result, const char *reason);
};

/* Begins to connect at once and goes on from the loop.  The caller owns *@ret.  Failing to connect: err->code is the
 * reason by itself. */
int http_call_start(sd_event *loop, const struct http_call_spec *spec,
	const struct http_call_events *events, void *userdata, struct http_call **ret,
	struct err *err);

/* Bytes of the request have left: the server may do what it asks, whatever comes of the call. */
bool http_call_is_sent(const struct http_call *call);

/* Hangs up; no call follows.  May be called from the last event.  Accepts NULL; returns NULL. */
struct http_call *http_call_free(struct http_call *call);
