/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of a remote command, however they come: as channels of a WebSocket or as streams of SPDY/3.1.  One table
 * says which protocols are spoken and what is special about each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"
#include "user/http/websocket.h"

struct http_exchange;
struct spdy;
struct spdy_events;
struct streams;

/* What the client asked for. */
struct streams_wish {
	bool in, out, err, tty;
};

struct streams_events {
	/* All that was asked for is there: from now on may be sent.  May be called before streams_upgrade returns. */
	void (*ready)(void *userdata);
	/* Of the client: CHANNEL_STDIN, or CHANNEL_RESIZE with a TerminalSize.  Borrowed during the call. */
	void (*data)(void *userdata, enum channel channel, const void *data, size_t len);
	/* The client has closed it. */
	void (*ended)(void *userdata, enum channel channel);
	/* After streams_send answered 1: the queue has emptied. */
	void (*drained)(void *userdata);
	/* The last call.  The owner frees the streams, now or later. */
	void (*closed)(void *userdata);
};

/*
 * Switches @exchange to what the client speaks.  *@ret is set before the first event; the caller owns it, and frees it
 * before the server.  On failure the exchange was answered.
 */
int streams_upgrade(struct http_exchange *exchange, const struct streams_wish *wish,
	const struct streams_events *events, void *userdata, struct streams **ret);

/* Sends to a channel that the client has opened; others take what they get.  0: go on; 1: taken, but wait for
 * `drained`; or a negative errno: not taken. */
int streams_send(struct streams *streams, enum channel channel, const void *data, size_t len);

/* Stops (or goes on) reading; a little may still come. */
void streams_pause(struct streams *streams, bool paused);

/* Says how it ended (a Status), behind all output, and takes leave; `closed` follows.  @status NULL: memory is out. */
void streams_finish(struct streams *streams, const json_t *status);

/* Ends at once; no call follows.  Accepts NULL; returns NULL. */
struct streams *streams_free(struct streams *streams);

/* Switches @exchange to SPDY/3.1 for port-forward, upon the connection or inside of a WebSocket; as spdy_upgrade, but on
 * failure the exchange was answered. */
int streams_upgrade_forward(struct http_exchange *exchange, const struct spdy_events *events,
	void *userdata, struct spdy **ret);
