// SPDX-License-Identifier: Apache-2.0
#include "user/http/carrier.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/exchange.h"
#include "user/http/server.h"

#define CHUNK	      (64u << 10)
#define CLOSE_TIMEOUT (5 * USEC_PER_SEC)

struct carrier {
	struct websocket *websocket; /* NULL: the transport is ours */
	struct transport transport;
	sd_event_source *source;
	struct timer *timer; /* runs while the peer's end is waited for */
	size_t unsent;	     /* when it was armed */
	struct buffer out, early;
	struct http_server *server; /* to be told; NULL: nobody */
	const struct carrier_events *events;
	void *userdata;
	bool paused, full, closing, over, closed;
	bool busy, doomed; /* freed by one of its own events: goes when that has returned */
};

static void carrier_watch(struct carrier *carrier)
{
	uint32_t events = carrier->paused ? 0 : EPOLLIN;
	bool more = carrier->early.len || transport_has_more(&carrier->transport);

	if (carrier->out.len || (!carrier->paused && more))
		events |= EPOLLOUT;
	/* On failure the loop is out of memory: a broken connection still wakes us. */
	sd_event_source_set_io_events(carrier->source, events);
}

static void carrier_end(struct carrier *carrier)
{
	carrier->closed = true;
	carrier->source = source_free(carrier->source);
	carrier->timer = timer_free(carrier->timer);
	transport_close(&carrier->transport);
	carrier->events->closed(carrier->userdata);
}

static void carrier_flush(struct carrier *carrier)
{
	while (carrier->out.len && !carrier->over) {
		ssize_t n = transport_send(
			&carrier->transport, buffer_head(&carrier->out), carrier->out.len, false);

		if (n < 0) {
			carrier->over = errno != EAGAIN && errno != EINTR;
			return;
		}
		buffer_consume(&carrier->out, (size_t)n);
	}
}

/* What comes while it closes is not wanted any more. */
static void carrier_take(struct carrier *carrier, const void *data, size_t len)
{
	if (!carrier->closing)
		carrier->events->bytes(carrier->userdata, data, len);
}

static void carrier_read(struct carrier *carrier)
{
	static char chunk[CHUNK]; /* one loop, one thread; a carrier reads in no event of another */
	ssize_t n;

	if (carrier->early.len) {
		struct buffer early = carrier->early;

		carrier->early = (struct buffer){0};
		carrier_take(carrier, buffer_head(&early), early.len);
		buffer_clear(&early);
		return;
	}
	n = transport_recv(&carrier->transport, chunk, sizeof(chunk));
	if (n > 0)
		carrier_take(carrier, chunk, (size_t)n);
	else
		carrier->over = n == 0 || (errno != EAGAIN && errno != EINTR);
}

static void carrier_turn(struct carrier *carrier)
{
	if (!carrier->paused)
		carrier_read(carrier);
	if (!carrier->doomed)
		carrier_flush(carrier);
	if (!carrier->doomed && carrier->full && !carrier->out.len) {
		carrier->full = false;
		carrier->events->drained(carrier->userdata);
	}
	if (!carrier->doomed && carrier->over)
		carrier_end(carrier);
}

static int carrier_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct carrier *carrier = userdata;

	(void)source;
	(void)fd;
	if (events & (EPOLLHUP | EPOLLERR) && carrier->paused)
		carrier->over = true;
	carrier->busy = true;
	carrier_turn(carrier);
	carrier->busy = false;
	if (carrier->doomed)
		carrier_free(carrier);
	else if (!carrier->closed)
		carrier_watch(carrier);
	return 0;
}

static void carrier_wait_close(struct carrier *carrier)
{
	carrier->unsent = carrier->out.len;
	timer_arm(carrier->timer, clock_now() + CLOSE_TIMEOUT);
}

static void carrier_expire(void *userdata)
{
	struct carrier *carrier = userdata;

	if (carrier->out.len < carrier->unsent) {
		carrier_wait_close(carrier);
		return;
	}
	carrier->busy = true;
	carrier_end(carrier);
	carrier->busy = false;
	if (carrier->doomed)
		carrier_free(carrier);
}

/* --- inside of a WebSocket --- */

static void websocket_bytes(void *userdata, const unsigned char *data, size_t len)
{
	struct carrier *carrier = userdata;

	carrier->events->bytes(carrier->userdata, data, len);
}

static void websocket_drained(void *userdata)
{
	struct carrier *carrier = userdata;

	carrier->events->drained(carrier->userdata);
}

static void websocket_closed(void *userdata, unsigned code)
{
	struct carrier *carrier = userdata;

	(void)code;
	carrier->events->closed(carrier->userdata);
}

/* --- making one --- */

static struct carrier *carrier_bare(const struct carrier_events *events, void *userdata)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));

	if (carrier)
		*carrier = (struct carrier){
			.transport.fd = -1, .events = events, .userdata = userdata};
	return carrier;
}

int carrier_upgrade_websocket(struct http_exchange *exchange, const char *protocol,
	const struct carrier_events *events, void *userdata, struct carrier **ret)
{
	static const struct websocket_events websocket_events = {.message = websocket_bytes,
		.drained = websocket_drained,
		.closed = websocket_closed};
	const char *const protocols[] = {protocol, NULL};
	struct carrier *carrier = carrier_bare(events, userdata);
	int r;

	if (!carrier) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return -ENOMEM;
	}
	r = http_upgrade_websocket(
		exchange, protocols, &websocket_events, carrier, &carrier->websocket);
	if (r < 0)
		free(carrier);
	else
		*ret = carrier;
	return r;
}

int carrier_new(sd_event *loop, struct transport *transport, const void *early, size_t early_len,
	const struct carrier_events *events, void *userdata, struct carrier **ret)
{
	struct carrier *carrier = carrier_bare(events, userdata);
	int r;

	if (!carrier)
		return -ENOMEM;
	r = early_len ? buffer_append(&carrier->early, early, early_len) : 0;
	if (r == 0)
		r = timer_new(loop, carrier_expire, carrier, &carrier->timer, NULL);
	if (r == 0)
		r = sd_event_add_io(loop, &carrier->source, transport->fd, EPOLLIN | EPOLLOUT,
			carrier_io, carrier);
	if (r < 0) {
		carrier_free(carrier);
		return -ENOMEM;
	}
	carrier->transport = transport_take(transport);
	*ret = carrier;
	return 0;
}

static int upgrade_answer(struct http_exchange *exchange, const char *protocol, const char *fields)
{
	char text[512];
	int len = snprintf(text, sizeof(text),
		"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n",
		protocol, fields);

	/* Everything before was flushed: the socket's buffer takes this whole, or the peer is gone. */
	return transport_send(&exchange->transport, text, (size_t)len, false) == len ? 0 : -EPIPE;
}

int carrier_upgrade(struct http_exchange *exchange, const char *protocol, const char *fields,
	const struct carrier_events *events, void *userdata, struct carrier **ret)
{
	struct http_server *server = exchange->server;
	int r = upgrade_answer(exchange, protocol, fields);
	struct transport transport = exchange_leave(exchange, r < 0 ? 0 : 101);
	const void *early = exchange->in.len ? buffer_head(&exchange->in) : NULL;

	if (r == 0)
		r = carrier_new(
			exchange->loop, &transport, early, exchange->in.len, events, userdata, ret);
	if (r < 0) {
		transport_close(&transport);
		server_released(server);
		return r;
	}
	(*ret)->server = server;
	return 0;
}

/* --- using it --- */

int carrier_send(struct carrier *carrier, const void *data, size_t len)
{
	if (carrier->websocket)
		return websocket_send(carrier->websocket, data, len);
	if (carrier->closed || carrier->closing)
		return -EPIPE;
	if (carrier->out.len + len > CARRIER_LIMIT)
		return -ENOBUFS;
	if (buffer_append(&carrier->out, data, len) < 0)
		return -ENOMEM;
	if (!carrier->busy)
		carrier_watch(carrier);
	if (carrier->out.len < CARRIER_HIGH)
		return 0;
	carrier->full = true;
	return 1;
}

void carrier_pause(struct carrier *carrier, bool paused)
{
	if (carrier->websocket) {
		websocket_pause(carrier->websocket, paused);
		return;
	}
	carrier->paused = paused;
	if (!carrier->busy && !carrier->closed)
		carrier_watch(carrier);
}

void carrier_close(struct carrier *carrier)
{
	if (carrier->websocket) {
		websocket_close(carrier->websocket, WEBSOCKET_NORMAL);
		return;
	}
	if (carrier->closed || carrier->closing)
		return;
	carrier->closing = true;
	carrier_wait_close(carrier);
	carrier_pause(carrier, false);
}

struct carrier *carrier_free(struct carrier *carrier)
{
	if (!carrier)
		return NULL;
	if (carrier->busy) {
		carrier->doomed = true;
		return NULL;
	}
	websocket_free(carrier->websocket);
	source_free(carrier->source);
	timer_free(carrier->timer);
	transport_close(&carrier->transport);
	buffer_clear(&carrier->out);
	buffer_clear(&carrier->early);
	if (carrier->server)
		server_released(carrier->server);
	free(carrier);
	return NULL;
}
