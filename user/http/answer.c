// SPDX-License-Identifier: Apache-2.0
/* What a server says: whole answers, streams, and the switch to a WebSocket. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/exchange.h"
#include "user/http/handshake.h"
#include "user/http/server.h"

#define STREAM_HIGH  (256u << 10) /* queued bytes that make a writer wait */
#define STREAM_LIMIT (2u << 20)	  /* and that it may never exceed */

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
		timer_arm(exchange->timer, clock_now() + exchange->patience);
	exchange_watch(exchange);
}

void http_exchange_on_answer(struct http_exchange *exchange,
	void (*answered)(void *userdata, const struct http_exchange *exchange, unsigned status),
	void *userdata)
{
	exchange->answered = answered;
	exchange->answered_userdata = userdata;
}

void http_exchange_retry_after(struct http_exchange *exchange, unsigned seconds)
{
	exchange->retry_after = seconds;
}

void exchange_tell(struct http_exchange *exchange, unsigned status)
{
	void (*answered)(void *userdata, const struct http_exchange *exchange, unsigned status) =
		exchange->answered;

	exchange->answered = NULL;
	if (answered)
		answered(exchange->answered_userdata, exchange, status);
}

static int answer_head(struct http_exchange *exchange, unsigned status, const char *type)
{
	unsigned retry = exchange->retry_after;

	exchange->retry_after = 0;
	exchange_tell(exchange, status);
	if (buffer_printf(&exchange->out, "HTTP/1.1 %u %s\r\n%s%s%sCache-Control: no-store\r\n%s",
		    status, status_text(status), type ? "Content-Type: " : "", type ? type : "",
		    type ? "\r\n" : "", exchange->keep_alive ? "" : "Connection: close\r\n") < 0)
		return -ENOMEM;
	return retry ? buffer_printf(&exchange->out, "Retry-After: %u\r\n", retry) : 0;
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
	json = json_pack("{s:s, s:s, s:{}, s:s, s:s?, s:s*, s:i}", "kind", "Status", "apiVersion",
		"v1", "metadata", "status", "Failure", "message", message, "reason", reason, "code",
		(int)status);
	if (json)
		http_answer_json(exchange, status, json);
	else
		http_answer_text(exchange, status, message ? message : "out of memory\n");
}

void exchange_answer_unreadable(struct http_exchange *exchange, int error, const char *text)
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
	exchange->patience = STREAM_PATIENCE;
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

static int stream_queue(struct http_exchange *exchange, const void *data, size_t len)
{
	if (exchange->state != EXCHANGE_STREAMING)
		return -ENOMEM; /* http_stream_begin had none */
	if (exchange->out.len + len > STREAM_LIMIT)
		return -ENOBUFS;
	if (len && stream_append(exchange, data, len) < 0) {
		exchange_kill(exchange); /* half a chunk may be queued */
		return -ENOMEM;
	}
	return 0;
}

static int stream_is_full(struct http_exchange *exchange)
{
	exchange->full = exchange->out.len >= STREAM_HIGH;
	return exchange->full;
}

int http_stream_write(struct http_exchange *exchange, const void *data, size_t len)
{
	bool idle = exchange->out.len == 0;
	int r = stream_queue(exchange, data, len);

	if (r < 0)
		return r;
	if (idle && exchange->out.len)
		exchange_flush_later(exchange, EXCHANGE_STREAMING);
	return stream_is_full(exchange);
}

int http_stream_send(struct http_exchange *exchange, const void *data, size_t len)
{
	bool idle = exchange->out.len == 0;
	int r = stream_queue(exchange, data, len);
	ssize_t n;

	if (r < 0)
		return r;
	if (!idle || !exchange->out.len)
		return stream_is_full(exchange);
	/* What is wrong with the socket is found again by the loop, who tells of it. */
	n = transport_send(
		&exchange->transport, buffer_head(&exchange->out), exchange->out.len, false);
	if (n > 0)
		buffer_consume(&exchange->out, (size_t)n);
	if (exchange->out.len)
		exchange_flush_later(exchange, EXCHANGE_STREAMING);
	else
		buffer_clear(&exchange->out);
	return stream_is_full(exchange);
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
	return transport_send(&exchange->transport, text, (size_t)len, false) == len ? 0 : -EPIPE;
}

static int upgrade_switch(struct http_exchange *exchange, const char *protocol,
	const struct websocket_events *events, void *userdata, struct websocket **ret)
{
	struct http_server *server = exchange->server;
	int r = upgrade_answer(exchange, protocol);
	struct transport transport = exchange_leave(exchange, r < 0 ? 0 : 101);
	struct websocket_seed seed = {
		.role = WEBSOCKET_SERVER,
		.fd = transport.fd,
		.tls = transport.tls,
		.protocol = protocol,
		.early = exchange->in.len ? buffer_head(&exchange->in) : NULL,
		.early_len = exchange->in.len,
		.released = server_released,
		.released_userdata = server,
	};

	if (r == 0)
		r = websocket_new(exchange->loop, &seed, events, userdata, ret, NULL);
	if (r < 0) {
		transport_close(&transport);
		server_released(server);
	}
	return r;
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
