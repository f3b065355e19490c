/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 server on the loop.  One handler gets every request as an exchange and answers now or
 * later, with a full body, a stream or a WebSocket.
 *
 * Life of an exchange: it is valid until it was answered (http_answer_*, http_stream_end,
 * http_upgrade_websocket: the handler must not touch it afterwards) or until its `gone` function was
 * called because the peer left.  A handler that answers later must set `gone`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <systemd/sd-event.h>

#include "user/base/json.h"
#include "user/http/websocket.h"

struct err;
struct http_server;
struct http_exchange;
struct tls;
struct tls_peer;

#define HTTP_MAX_CONNECTIONS 256	 /* upgraded ones included */
#define HTTP_MAX_HEADER	     (16u << 10) /* request line and all headers, bytes */
#define HTTP_ANSWER_PATIENCE UINT64_C(60000000)
#define HTTP_MAX_BODY	     (1u << 20)

typedef void (*http_handler_fn)(void *userdata, struct http_exchange *exchange);

struct http_server_config {
	unsigned max_connections; /* 0: HTTP_MAX_CONNECTIONS; one more is closed at once */
	size_t max_body;	  /* 0: HTTP_MAX_BODY; a larger one is answered with 413 */
	/* How much of it is read from this client, at most max_body; NULL: always that. */
	size_t (*body_most)(void *userdata, const struct http_exchange *exchange);
	/* Who takes nothing of a whole answer for so many microseconds is cut off, as he keeps it in memory; 0:
	 * HTTP_ANSWER_PATIENCE. */
	uint64_t answer_patience;
	const struct tls
		*tls; /* NULL: plain; freed by the caller after the server and its WebSockets */
	http_handler_fn handle;
	void *userdata;
};

/* Listens on a unix socket at @path with @mode, replacing a socket that a dead server left behind.
 * -EADDRINUSE: somebody answers there.  The caller owns *@ret_fd. */
int http_listen_unix(const char *path, mode_t mode, int *ret_fd, struct err *err);

/* Listens on @address ("127.0.0.1:6443", "[::]:6443", port 0: any).  The caller owns *@ret_fd. */
int http_listen_tcp(const char *address, int *ret_fd, struct err *err);

/* Serves @listen_fd (a listening stream socket, taken on success).  The caller owns *@ret. */
int http_server_new(sd_event *loop, int listen_fd, const struct http_server_config *config,
	struct http_server **ret, struct err *err);

/* Closes all connections; `gone` is called for exchanges still open.  Free WebSockets that came from
 * this server before.  Accepts NULL; returns NULL. */
struct http_server *http_server_free(struct http_server *server);

/* --- the request: all strings are borrowed from the exchange --- */

const char *http_exchange_method(const struct http_exchange *exchange); /* "GET" */
/* The path as sent, without the query. */
const char *http_exchange_path(const struct http_exchange *exchange);
/* The same with the query. */
const char *http_exchange_target(const struct http_exchange *exchange);
/* Its decoded segments: "/a/b%2Fc/" is {"a", "b/c"}; NULL beyond the last one. */
const char *http_exchange_segment(const struct http_exchange *exchange, size_t index);
size_t http_exchange_segment_count(const struct http_exchange *exchange);
/* The @nth (from 0) decoded value of the query parameter @name; NULL when there is none. */
const char *http_exchange_query(const struct http_exchange *exchange, const char *name, size_t nth);
/* The value of a header (any case); NULL when it was not sent. */
const char *http_exchange_header(const struct http_exchange *exchange, const char *name);
/* The @nth (from 0) of several headers of that name. */
const char *http_exchange_header_at(
	const struct http_exchange *exchange, const char *name, size_t nth);
/* The @nth (from 0) of those whose names begin with @prefix, and the rest of its name; NULL when there is none. */
const char *http_exchange_header_prefixed(const struct http_exchange *exchange, const char *prefix,
	size_t nth, const char **ret_rest);
/* Who is at the other end of TLS (tls.h); NULL: the connection is plain. */
const struct tls_peer *http_exchange_peer(const struct http_exchange *exchange);
const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len);

/* --- full answers --- */

/* The answer that follows tells the client to come again after @seconds; 0: it does not. */
void http_exchange_retry_after(struct http_exchange *exchange, unsigned seconds);

/* @json is borrowed.  Out of memory becomes a 500. */
void http_answer_json(struct http_exchange *exchange, unsigned status, const json_t *json);
/* @body is copied; @content_type NULL: nothing has no type. */
void http_answer_bytes(struct http_exchange *exchange, unsigned status, const char *content_type,
	const void *body, size_t len);
/* text/plain */
void http_answer_text(struct http_exchange *exchange, unsigned status, const char *text);
/* A Kubernetes Status of failure, @reason NULL: without one: http_answer_failure(x, 404, "NotFound", "pods \"%s\" not found", name) */
void http_answer_failure(struct http_exchange *exchange, unsigned status, const char *reason,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* --- later and streamed answers --- */

/* @gone is called once when the peer leaves before the answer is complete; the exchange is then dead. */
void http_exchange_on_gone(
	struct http_exchange *exchange, void (*gone)(void *userdata), void *userdata);

/* @answered is called once: when the head of the answer is queued, or with 0 when there will be none. */
void http_exchange_on_answer(struct http_exchange *exchange,
	void (*answered)(void *userdata, const struct http_exchange *exchange, unsigned status),
	void *userdata);

/* Starts a chunked answer.  @drained (may be NULL) is called when a full queue has emptied; it gets the
 * userdata of http_exchange_on_gone. */
void http_stream_begin(struct http_exchange *exchange, unsigned status, const char *content_type,
	void (*drained)(void *userdata));

/* Queues one chunk.  0: go on; 1: taken, but wait for `drained`; -ENOBUFS: not taken, the writer did not
 * wait; -ENOMEM. */
int http_stream_write(struct http_exchange *exchange, const void *data, size_t len);

/* The same for who writes seldom and much: what the connection takes goes out now, not in the loop's next turn. */
int http_stream_send(struct http_exchange *exchange, const void *data, size_t len);

/* Ends the stream, behind what is queued. */
void http_stream_end(struct http_exchange *exchange);

/* Ends the stream, behind what is queued, so that the client sees it as broken, not as complete. */
void http_stream_abort(struct http_exchange *exchange);

/*
 * Switches to a WebSocket that speaks the first of @protocols (NULL-terminated, best first) the client
 * offers.  The caller owns *@ret.  On failure (no WebSocket request: -EPROTO; no common protocol:
 * -ENOPROTOOPT; -ENOMEM) the exchange was answered with the fitting status.
 */
int http_upgrade_websocket(struct http_exchange *exchange, const char *const *protocols,
	const struct websocket_events *events, void *userdata, struct websocket **ret);
