/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server's end of a SPDY/3.1 connection, as Kubernetes' clients use it: they open streams, both ends write and end
 * them.  Their library knows no windows, so there are none here: what a stream does not take makes all of its
 * connection wait.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct http_exchange;
struct spdy;
struct spdy_fields;
struct transport;

#define SPDY_STREAMS_MOST 512 /* at once upon one connection; one more is refused */

/* Streams are named by their number.  The connection may be freed in each of the events. */
struct spdy_events {
	/* The peer opens a stream; @fields are borrowed.  False: it is refused. */
	bool (*opened)(void *userdata, uint32_t stream, const struct spdy_fields *fields);
	/* Borrowed during the call. */
	void (*data)(void *userdata, uint32_t stream, const void *data, size_t len);
	/* The peer writes no more to it.  @reset: it does not read either, and the stream is no more. */
	void (*ended)(void *userdata, uint32_t stream, bool reset);
	/* After spdy_send answered 1: the queue has emptied. */
	void (*drained)(void *userdata);
	/* The last call.  The owner frees the connection, now or later. */
	void (*closed)(void *userdata);
};

/* Switches @exchange to SPDY/3.1; @protocol is what is spoken upon it.  On failure the exchange is dead: -ENOMEM; -EPIPE. */
int spdy_upgrade(struct http_exchange *exchange, const char *protocol,
	const struct spdy_events *events, void *userdata, struct spdy **ret);

/* The same inside of a WebSocket that speaks @protocol. */
int spdy_upgrade_websocket(struct http_exchange *exchange, const char *protocol,
	const struct spdy_events *events, void *userdata, struct spdy **ret);

/* Upon a connection that has been upgraded already, which is taken over on success.  -ENOMEM. */
int spdy_new(sd_event *loop, struct transport *transport, const struct spdy_events *events,
	void *userdata, struct spdy **ret);

/* As carrier_send.  0 also for a stream that is no more: what it would have said is lost. */
int spdy_send(struct spdy *spdy, uint32_t stream, const void *data, size_t len);

/* We write no more to it. */
void spdy_end(struct spdy *spdy, uint32_t stream);

/* Neither end writes to it any more. */
void spdy_reset(struct spdy *spdy, uint32_t stream);

/* Stops (or goes on) reading, of all streams. */
void spdy_pause(struct spdy *spdy, bool paused);

/* Sends what is queued and takes leave; `closed` follows. */
void spdy_close(struct spdy *spdy);

/* Ends at once; no call follows.  Accepts NULL; returns NULL. */
struct spdy *spdy_free(struct spdy *spdy);
