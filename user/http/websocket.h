/* SPDX-License-Identifier: Apache-2.0 */
/*
 * WebSocket connections (RFC 6455, framing by wslay) on the loop, for both ends, and the channels that
 * Kubernetes puts on them: the first byte of each binary message names the stream.
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

struct err;
struct tls_session;
struct websocket;

#define WEBSOCKET_MAX_MESSAGE (1u << 20)   /* bytes; a longer one closes the connection with 1009 */
#define WEBSOCKET_HIGH	      (256u << 10) /* queued bytes that make websocket_send answer 1 */
#define WEBSOCKET_LIMIT	      (4u << 20)   /* queued bytes that make it refuse */

#define WEBSOCKET_NORMAL     1000
#define WEBSOCKET_GOING_AWAY 1001
#define WEBSOCKET_BROKEN     1006 /* never sent: the peer left without a close frame */
#define WEBSOCKET_ERROR	     1011

/* Kubernetes' remote command protocols: v5 adds CHANNEL_CLOSE. */
#define CHANNEL_PROTOCOL_V5 "v5.channel.k8s.io"
#define CHANNEL_PROTOCOL_V4 "v4.channel.k8s.io"

enum channel {
	CHANNEL_STDIN = 0,
	CHANNEL_STDOUT = 1,
	CHANNEL_STDERR = 2,
	CHANNEL_ERROR = 3, /* one v1 Status: how the command ended */
	CHANNEL_RESIZE = 4,
	CHANNEL_CLOSE = 255, /* its payload is the channel that is closed */
};

struct websocket_events {
	/* A complete message; borrowed during the call. */
	void (*message)(void *userdata, const unsigned char *data, size_t len);
	/* After websocket_send answered 1: the queue has emptied.  May be NULL. */
	void (*drained)(void *userdata);
	/* The last call: the peer's close code, or WEBSOCKET_BROKEN.  The owner frees the socket, now or later. */
	void (*closed)(void *userdata, unsigned code);
};

/* The negotiated subprotocol.  Borrowed. */
const char *websocket_protocol(const struct websocket *websocket);

/* Queues one binary message.  0: go on; 1: taken, but wait for `drained`; -ENOBUFS: not taken, the sender
 * did not wait; -EPIPE: closing or closed; -ENOMEM. */
int websocket_send(struct websocket *websocket, const void *data, size_t len);
/* The same as a text message. */
int websocket_send_text(struct websocket *websocket, const void *text, size_t len);
/* The same on a channel. */
int websocket_send_channel(
	struct websocket *websocket, enum channel channel, const void *data, size_t len);

/* Stops (or goes on) reading: whoever consumes the messages cannot keep up.  A few may still come. */
void websocket_pause(struct websocket *websocket, int paused);

/* Sends what is queued, then a close frame; `closed` follows, at the latest five seconds after the
 * peer took the last byte. */
void websocket_close(struct websocket *websocket, unsigned code);

/* Ends at once; no call follows.  May be called from the events.  Accepts NULL; returns NULL. */
struct websocket *websocket_free(struct websocket *websocket);

/*
 * For server and client, after the handshake: takes @fd (non-blocking) and @tls on success.  @early: bytes that
 * came after the handshake, copied.  @released is called when the socket is freed; may be NULL.
 */
enum websocket_role { WEBSOCKET_SERVER, WEBSOCKET_CLIENT };
struct websocket_seed {
	enum websocket_role role;
	int fd;
	struct tls_session *tls; /* NULL: plain */
	const char *protocol;
	const void *early;
	size_t early_len;
	void (*released)(void *userdata);
	void *released_userdata;
};
int websocket_new(sd_event *loop, const struct websocket_seed *seed,
	const struct websocket_events *events, void *userdata, struct websocket **ret,
	struct err *err);
