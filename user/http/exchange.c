// SPDX-License-Identifier: Apache-2.0
#include "user/http/exchange.h"

#include <stdarg.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/handshake.h"
#include "user/http/reader.h"
#include "user/http/server.h"
#include "user/http/target.h"

#define CHUNK	      (16u << 10)
#define STREAM_HIGH   (256u << 10)		/* queued bytes that make a writer wait */
#define STREAM_LIMIT  (2u << 20)		/* and that it may never exceed */
#define IDLE_TIMEOUT  (60 * USEC_PER_SEC)	/* between requests */
#define READ_TIMEOUT  (30 * USEC_PER_SEC)	/* for a whole request */
#define WRITE_TIMEOUT (4 * 3600 * USEC_PER_SEC) /* without any progress: as the kubelet's streams */

enum exchange_state {
	EXCHANGE_READING,   /* waits for a request, or for the rest of one */
	EXCHANGE_HANDLING,  /* the handler has it */
	EXCHANGE_STREAMING, /* the handler writes */
	EXCHANGE_FLUSHING,  /* answered: what is queued goes out */
	EXCHANGE_DEAD,	    /* aborted, or upgraded away: freed by the next turn of the loop */
};

struct http_exchange {
	struct http_server *server;
	struct http_exchange **list, *next, **link;
	int fd;
	sd_event *loop;
	sd_event_source *source;
	struct timer *timer;
	enum exchange_state state;
	struct http_reader reader;
	struct http_target target;
	struct buffer in, out; /* in: bytes beyond the current request */
	bool keep_alive, chunked, full, upgraded;
	void (*gone)(void *userdata);
	void (*drained)(void *userdata);
	void *userdata;
};

static void exchange_watch(struct http_exchange *exchange)
{
	static const uint32_t events[] = {
		[EXCHANGE_READING] = EPOLLIN,
		[EXCHANGE_HANDLING] = EPOLLRDHUP,
		[EXCHANGE_STREAMING] = EPOLLRDHUP,
		[EXCHANGE_FLUSHING] = EPOLLOUT,
		[EXCHANGE_DEAD] = 0,
	};
	uint32_t want = events[exchange->state];

	if (exchange->state == EXCHANGE_STREAMING && exchange->out.len)
		want |= EPOLLOUT;
	/* On failure the loop is out of memory: the timer ends the connection. */
	sd_event_source_set_io_events(exchange->source, want);
}

static void exchange_kill(struct http_exchange *exchange)
{
	exchange->state = EXCHANGE_DEAD;
	timer_arm(exchange->timer, 0);
}

static void exchange_begin(struct http_exchange *exchange)
{
	http_reader_clear(&exchange->reader);
	http_reader_init(&exchange->reader, HTTP_REQUEST, HTTP_MAX_HEADER,
		server_config(exchange->server)->max_body);
	http_target_clear(&exchange->target);
	exchange->state = EXCHANGE_READING;
	exchange->keep_alive = exchange->chunked = exchange->full = false;
	exchange->gone = exchange->drained = NULL;
	exchange->userdata = NULL;
	timer_arm(exchange->timer, clock_now() + IDLE_TIMEOUT);
}

/* --- answers --- */

static const char *status_text(unsigned status)
{
	switch (status) {
#define STATUS_CASE(number, name, text) \
	case number: return #text;
		HTTP_STATUS_MAP(STATUS_CASE)
#undef STATUS_CASE
	default: return "Unknown";
	}
}

static void exchange_flush_later(struct http_exchange *exchange, enum exchange_state state)
{
	exchange->state = state;
	if (exchange->out.len)
		timer_arm(exchange->timer, clock_now() + WRITE_TIMEOUT);
	exchange_watch(exchange);
}

static int answer_head(struct http_exchange *exchange, unsigned status, const char *type)
{
	return buffer_printf(&exchange->out,
		"HTTP/1.1 %u %s\r\nContent-Type: %s\r\nCache-Control: no-store\r\n%s", status,
		status_text(status), type, exchange->keep_alive ? "" : "Connection: close\r\n");
}

void http_answer_bytes(struct http_exchange *exchange, unsigned status, const char *type,
	const void *body, size_t len)
{
	bool with_body = exchange->reader.parser.method != HTTP_HEAD;

	exchange->gone = NULL;
	if (answer_head(exchange, status, type) < 0 ||
		buffer_printf(&exchange->out, "Content-Length: %zu\r\n\r\n", len) < 0 ||
		(with_body && buffer_append(&exchange->out, body, len) < 0))
		exchange_kill(exchange);
	else
		exchange_flush_later(exchange, EXCHANGE_FLUSHING);
}

void http_answer_text(struct http_exchange *exchange, unsigned status, const char *text)
{
	http_answer_bytes(exchange, status, "text/plain; charset=utf-8", text, strlen(text));
}

void http_answer_json(struct http_exchange *exchange, unsigned status, const json_t *json)
{
	AUTO_FREE char *text = json_text(json);

	if (text)
		http_answer_bytes(exchange, status, "application/json", text, strlen(text));
	else
		http_answer_text(exchange, 500, "out of memory\n");
}

void http_answer_failure(
	struct http_exchange *exchange, unsigned status, const char *reason, const char *fmt, ...)
{
	AUTO_FREE char *message = NULL;
	AUTO_JSON json = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	json = json_pack("{s:s, s:s, s:{}, s:s, s:s?, s:s, s:i}", "kind", "Status", "apiVersion",
		"v1", "metadata", "status", "Failure", "message", message, "reason", reason, "code",
		(int)status);
	if (json)
		http_answer_json(exchange, status, json);
	else
		http_answer_text(exchange, status, message ? message : reason);
}

/* Answers a request that could not be read; the connection ends with it. */
static void answer_unreadable(struct http_exchange *exchange, int error, const char *text)
{
	exchange->keep_alive = false;
	switch (error) {
	case -EMSGSIZE:
		http_answer_failure(exchange, 431, "RequestHeaderFieldsTooLarge", "%s", text);
		break;
	case -EFBIG: http_answer_failure(exchange, 413, "RequestEntityTooLarge", "%s", text); break;
	case -ENOMEM: exchange_kill(exchange); break;
	default: http_answer_failure(exchange, 400, "BadRequest", "%s", text); break;
	}
}

void http_exchange_on_gone(
	struct http_exchange *exchange, void (*gone)(void *userdata), void *userdata)
{
	exchange->gone = gone;
	exchange->userdata = userdata;
}

void http_stream_begin(struct http_exchange *exchange, unsigned status, const char *content_type,
	void (*drained)(void *userdata))
{
	exchange->chunked =
		exchange->reader.parser.http_major > 1 || exchange->reader.parser.http_minor >= 1;
	exchange->keep_alive &= exchange->chunked;
	exchange->drained = drained;
	if (answer_head(exchange, status, content_type) < 0 ||
		buffer_printf(&exchange->out, "%s\r\n",
			exchange->chunked ? "Transfer-Encoding: chunked\r\n" : "") < 0)
		exchange_kill(exchange);
	else
		exchange_flush_later(exchange, EXCHANGE_STREAMING);
}

static int stream_append(struct http_exchange *exchange, const void *data, size_t len)
{
	if (!exchange->chunked)
		return buffer_append(&exchange->out, data, len);
	if (buffer_printf(&exchange->out, "%zx\r\n", len) < 0 ||
		buffer_append(&exchange->out, data, len) < 0)
		return -ENOMEM;
	return buffer_append(&exchange->out, "\r\n", 2);
}

int http_stream_write(struct http_exchange *exchange, const void *data, size_t len)
{
	bool idle = exchange->out.len == 0;

	if (exchange->state != EXCHANGE_STREAMING)
		return -ENOMEM; /* http_stream_begin had none */
	if (len == 0)
		return 0;
	if (exchange->out.len + len > STREAM_LIMIT)
		return -ENOBUFS;
	if (stream_append(exchange, data, len) < 0) {
		exchange_kill(exchange); /* half a chunk may be queued */
		return -ENOMEM;
	}
	if (idle)
		exchange_flush_later(exchange, EXCHANGE_STREAMING);
	exchange->full = exchange->out.len >= STREAM_HIGH;
	return exchange->full;
}

void http_stream_end(struct http_exchange *exchange)
{
	exchange->gone = NULL;
	if (exchange->state == EXCHANGE_DEAD)
		return;
	if (exchange->chunked && buffer_append(&exchange->out, "0\r\n\r\n", 5) < 0)
		exchange_kill(exchange);
	else
		exchange_flush_later(exchange, EXCHANGE_FLUSHING);
}

void http_stream_abort(struct http_exchange *exchange)
{
	exchange->gone = NULL;
	exchange->keep_alive = false;
	if (exchange->state != EXCHANGE_DEAD)
		exchange_flush_later(exchange, EXCHANGE_FLUSHING);
}

/* --- upgrade --- */

static int upgrade_answer(struct http_exchange *exchange, const char *protocol)
{
	char accept[HANDSHAKE_ACCEPT_MAX], text[512];
	int len;

	handshake_accept(http_reader_field(&exchange->reader, "Sec-WebSocket-Key"), accept);
	len = snprintf(text, sizeof(text),
		"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		accept, protocol);
	/* Everything before was flushed: the socket's buffer takes this whole, or the peer is gone. */
	return send(exchange->fd, text, (size_t)len, MSG_NOSIGNAL) == len ? 0 : -EPIPE;
}

static int upgrade_switch(struct http_exchange *exchange, const char *protocol,
	const struct websocket_events *events, void *userdata, struct websocket **ret)
{
	struct websocket_seed seed = {
		.role = WEBSOCKET_SERVER,
		.fd = exchange->fd,
		.protocol = protocol,
		.early = exchange->in.len ? buffer_head(&exchange->in) : NULL,
		.early_len = exchange->in.len,
		.released = server_released,
		.released_userdata = exchange->server,
	};
	int r = upgrade_answer(exchange, protocol);

	exchange->source = source_free(exchange->source);
	if (r >= 0)
		r = websocket_new(exchange->loop, &seed, events, userdata, ret, NULL);
	exchange_kill(exchange);
	if (r < 0)
		return r;
	exchange->fd = -1;
	exchange->upgraded = true;
	return 0;
}

int http_upgrade_websocket(struct http_exchange *exchange, const char *const *protocols,
	const struct websocket_events *events, void *userdata, struct websocket **ret)
{
	const char *protocol;

	exchange->gone = NULL;
	if (!handshake_is_request(&exchange->reader)) {
		http_answer_failure(exchange, 400, "BadRequest", "Upgrade request required");
		return -EPROTO;
	}
	protocol = handshake_protocol(&exchange->reader, protocols);
	if (!protocol) {
		http_answer_failure(exchange, 400, "BadRequest",
			"none of the offered WebSocket protocols is supported");
		return -ENOPROTOOPT;
	}
	return upgrade_switch(exchange, protocol, events, userdata, ret);
}

/* --- the connection --- */

static void exchange_handle(struct http_exchange *exchange)
{
	const struct http_server_config *config = server_config(exchange->server);
	int r = http_target_parse(exchange->reader.target, &exchange->target);

	if (r < 0) {
		answer_unreadable(exchange, r, "malformed request target");
		return;
	}
	exchange->keep_alive = http_should_keep_alive(&exchange->reader.parser);
	exchange->state = EXCHANGE_HANDLING;
	timer_arm(exchange->timer, USEC_NEVER);
	config->handle(config->userdata, exchange);
	if (exchange->state == EXCHANGE_HANDLING)
		exchange_watch(exchange);
}

/* Takes in bytes of a request; what comes after its end is kept for later. */
static void exchange_feed(struct http_exchange *exchange, const char *data, size_t len)
{
	bool first = exchange->reader.parser.nread == 0 && !exchange->reader.head_done;
	struct err err;
	ssize_t used = http_reader_feed(&exchange->reader, data, len, &err);

	if (used < 0) {
		answer_unreadable(exchange, (int)used, err.text);
		return;
	}
	if (first)
		timer_arm(exchange->timer, clock_now() + READ_TIMEOUT);
	if (!exchange->reader.done)
		return;
	if (buffer_append(&exchange->in, data + used, len - (size_t)used) < 0)
		exchange_kill(exchange);
	else
		exchange_handle(exchange);
}

static void exchange_read(struct http_exchange *exchange)
{
	char chunk[CHUNK];
	ssize_t n = recv(exchange->fd, chunk, sizeof(chunk), 0);

	if (n > 0)
		exchange_feed(exchange, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		exchange_kill(exchange);
}

/* The answer is out: the next request may already be here. */
static void exchange_next(struct http_exchange *exchange)
{
	struct buffer rest = exchange->in;

	if (!exchange->keep_alive) {
		exchange_kill(exchange);
		return;
	}
	exchange->in = (struct buffer){0};
	exchange_begin(exchange);
	exchange_watch(exchange);
	if (rest.len)
		exchange_feed(exchange, buffer_head(&rest), rest.len);
	buffer_clear(&rest);
}

static void exchange_write(struct http_exchange *exchange)
{
	ssize_t n = 0;

	if (exchange->out.len)
		n = send(
			exchange->fd, buffer_head(&exchange->out), exchange->out.len, MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* Not dead yet: the handler has to hear of it.  A broken socket is always ready, and
		 * would come before the timer in every turn of the loop. */
		sd_event_source_set_enabled(exchange->source, SD_EVENT_OFF);
		timer_arm(exchange->timer, 0);
		return;
	}
	if (n > 0) {
		buffer_consume(&exchange->out, (size_t)n);
		timer_arm(exchange->timer,
			exchange->out.len ? clock_now() + WRITE_TIMEOUT : USEC_NEVER);
	}
	if (exchange->out.len)
		return;
	buffer_clear(&exchange->out);
	if (exchange->state == EXCHANGE_FLUSHING) {
		exchange_next(exchange);
		return;
	}
	exchange_watch(exchange);
	if (exchange->full) {
		exchange->full = false;
		if (exchange->drained)
			exchange->drained(exchange->userdata);
	}
}

static int exchange_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct http_exchange *exchange = userdata;
	bool handlers =
		exchange->state == EXCHANGE_HANDLING || exchange->state == EXCHANGE_STREAMING;

	(void)source;
	(void)fd;
	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP) && handlers)
		exchange_free(exchange);
	else if (exchange->state == EXCHANGE_READING)
		exchange_read(exchange);
	else if (exchange->state == EXCHANGE_DEAD)
		exchange_free(exchange);
	else
		exchange_write(exchange);
	return 0;
}

static void exchange_expire(void *userdata)
{
	exchange_free(userdata);
}

int exchange_new(struct http_server *server, sd_event *loop, int fd, struct http_exchange **list)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));
	int r;

	if (!exchange)
		return -ENOMEM;
	exchange->server = server;
	exchange->loop = loop;
	exchange->fd = fd;
	r = timer_new(loop, exchange_expire, exchange, &exchange->timer, NULL);
	if (r >= 0)
		r = sd_event_add_io(loop, &exchange->source, fd, EPOLLIN, exchange_io, exchange);
	if (r < 0) {
		timer_free(exchange->timer);
		free(exchange);
		return r;
	}
	exchange->next = *list;
	exchange->link = list;
	if (exchange->next)
		exchange->next->link = &exchange->next;
	*list = exchange;
	exchange_begin(exchange);
	return 0;
}

void exchange_free(struct http_exchange *exchange)
{
	void (*gone)(void *userdata) = exchange->gone;
	void *userdata = exchange->userdata;

	*exchange->link = exchange->next;
	if (exchange->next)
		exchange->next->link = exchange->link;
	source_free(exchange->source);
	timer_free(exchange->timer);
	cleanup_fd(&exchange->fd);
	if (!exchange->upgraded)
		server_released(exchange->server);
	http_reader_clear(&exchange->reader);
	http_target_clear(&exchange->target);
	buffer_clear(&exchange->in);
	buffer_clear(&exchange->out);
	free(exchange);
	if (gone)
		gone(userdata);
}

/* --- the request --- */

const char *http_exchange_method(const struct http_exchange *exchange)
{
	return http_method_str((enum http_method)exchange->reader.parser.method);
}

const char *http_exchange_path(const struct http_exchange *exchange)
{
	return exchange->target.path;
}

const char *http_exchange_segment(const struct http_exchange *exchange, size_t index)
{
	return index < exchange->target.segment_count ? exchange->target.segments[index] : NULL;
}

size_t http_exchange_segment_count(const struct http_exchange *exchange)
{
	return exchange->target.segment_count;
}

const char *http_exchange_query(const struct http_exchange *exchange, const char *name, size_t nth)
{
	return http_target_query(&exchange->target, name, nth);
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name)
{
	return http_reader_field(&exchange->reader, name);
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len)
{
	if (ret_len)
		*ret_len = exchange->reader.body_len;
	return exchange->reader.body ? exchange->reader.body : "";
}
