/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes in both directions after an upgrade: on a connection of their own, or inside the binary messages of a
 * WebSocket, whose borders then mean nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <systemd/sd-event.h>

struct carrier;
struct http_exchange;
struct transport;

#define CARRIER_HIGH  (256u << 10) /* queued bytes that make carrier_send answer 1 */
#define CARRIER_LIMIT (4u << 20)   /* queued bytes that make it refuse */

struct carrier_events {
	/* Borrowed during the call. */
	void (*bytes)(void *userdata, const void *data, size_t len);
	/* After carrier_send answered 1: the queue has emptied. */
	void (*drained)(void *userdata);
	/* The last call: the peer has left.  The owner frees the carrier, now or later. */
	void (*closed)(void *userdata);
};

/*
 * Switches @exchange to @protocol ("SPDY/3.1") with the lines @fields, each ended by CRLF, in the answer.  On failure
 * the exchange is dead: -ENOMEM; -EPIPE.  The caller owns *@ret, and frees it before the server.
 */
int carrier_upgrade(struct http_exchange *exchange, const char *protocol, const char *fields,
	const struct carrier_events *events, void *userdata, struct carrier **ret);

/* The same with a WebSocket that speaks @protocol: see http_upgrade_websocket. */
int carrier_upgrade_websocket(struct http_exchange *exchange, const char *protocol,
	const struct carrier_events *events, void *userdata, struct carrier **ret);

/* Takes @transport over on success; @early: what came on it already, copied.  -ENOMEM. */
int carrier_new(sd_event *loop, struct transport *transport, const void *early, size_t early_len,
	const struct carrier_events *events, void *userdata, struct carrier **ret);

/* Queues bytes.  0: go on; 1: taken, but wait for `drained`; -ENOBUFS: not taken, the sender did not wait;
 * -EPIPE: closing or closed; -ENOMEM. */
int carrier_send(struct carrier *carrier, const void *data, size_t len);

/* Stops (or goes on) reading: whoever takes the bytes cannot keep up. */
void carrier_pause(struct carrier *carrier, bool paused);

/* Sends what is queued; then `closed` follows when the peer hangs up, at the latest five seconds after it took the
 * last byte. */
void carrier_close(struct carrier *carrier);

/* Ends at once; no call follows.  May be called from the events.  Accepts NULL; returns NULL. */
struct carrier *carrier_free(struct carrier *carrier);
