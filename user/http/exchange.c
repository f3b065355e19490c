// SPDX-License-Identifier: Apache-2.0
#include "user/http/exchange.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/server.h"

#define CHUNK	      (16u << 10)
#define TLS_HANDSHAKE 22		  /* the type of its first record */
#define SHAKE_TIMEOUT (10 * USEC_PER_SEC) /* for the TLS handshake */
#define IDLE_TIMEOUT  (60 * USEC_PER_SEC) /* between requests */
#define READ_TIMEOUT  (30 * USEC_PER_SEC) /* for a whole request */
#define LINGER	      (2 * USEC_PER_SEC)  /* for who still sends what is not read any more */

void exchange_watch(struct http_exchange *exchange)
{
	static const uint32_t events[] = {
		[EXCHANGE_SHAKING] = EPOLLIN,
		[EXCHANGE_READING] = EPOLLIN,
		[EXCHANGE_HANDLING] = EPOLLRDHUP,
		[EXCHANGE_STREAMING] = EPOLLRDHUP,
		[EXCHANGE_FLUSHING] = EPOLLOUT,
		[EXCHANGE_LINGERING] = EPOLLIN,
		[EXCHANGE_DEAD] = 0,
	};
	uint32_t want = events[exchange->state];

	if (exchange->state == EXCHANGE_SHAKING)
		want = transport_events(&exchange->transport);
	if (exchange->state == EXCHANGE_STREAMING && exchange->out.len)
		want |= EPOLLOUT;
	/* Who cannot be waited for any more would hang for ever. */
	if (pollset_watch(&exchange->entry, want) < 0)
		timer_arm(exchange->timer, 0);
}

void exchange_kill(struct http_exchange *exchange)
{
	exchange->state = EXCHANGE_DEAD;
	timer_arm(exchange->timer, 0);
}

/* Only who sends a body is asked about. */
static void exchange_head(void *userdata)
{
	struct http_exchange *exchange = userdata;
	const struct http_server_config *config = server_config(exchange->server);
	const http_parser *parser = &exchange->reader.parser;
	size_t most;

	if (!(parser->flags & F_CHUNKED) &&
		(parser->content_length == 0 || parser->content_length == UINT64_MAX))
		return;
	most = config->body_most(config->userdata, exchange);
	if (most < exchange->reader.max_body)
		exchange->reader.max_body = most;
}

static void exchange_begin(struct http_exchange *exchange)
{
	const struct http_server_config *config = server_config(exchange->server);

	http_reader_clear(&exchange->reader);
	http_reader_init(&exchange->reader, HTTP_REQUEST, HTTP_MAX_HEADER, config->max_body);
	if (config->body_most)
		exchange->reader.head = exchange_head;
	exchange->reader.userdata = exchange;
	http_target_clear(&exchange->target);
	exchange->state = EXCHANGE_READING;
	exchange->keep_alive = exchange->chunked = exchange->full = false;
	exchange->gone = exchange->drained = NULL;
	exchange->userdata = NULL;
	exchange->patience = config->answer_patience;
	timer_arm(exchange->timer, clock_now() + IDLE_TIMEOUT);
}

/* --- the connection --- */

static void exchange_handle(struct http_exchange *exchange)
{
	const struct http_server_config *config = server_config(exchange->server);
	int r = http_target_parse(exchange->reader.target, &exchange->target);

	if (r < 0) {
		exchange_answer_unreadable(exchange, r, "malformed request target");
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
		exchange_answer_unreadable(exchange, (int)used, err.text);
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

static void exchange_read_some(struct http_exchange *exchange)
{
	char chunk[CHUNK];
	ssize_t n = transport_recv(&exchange->transport, chunk, sizeof(chunk));

	if (n > 0)
		exchange_feed(exchange, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		exchange_kill(exchange);
}

/* What TLS has read already, epoll does not tell of. */
static void exchange_read(struct http_exchange *exchange)
{
	do
		exchange_read_some(exchange);
	while (exchange->state == EXCHANGE_READING && transport_has_more(&exchange->transport));
}

/*
 * A request that was refused before its end is still on its way: closing now would reset the connection, and the
 * answer would be lost with it.
 */
static void exchange_linger(struct http_exchange *exchange)
{
	transport_finish(&exchange->transport);
	exchange->state = EXCHANGE_LINGERING;
	timer_arm(exchange->timer, clock_now() + LINGER);
	exchange_watch(exchange);
}

static void exchange_discard(struct http_exchange *exchange)
{
	char chunk[CHUNK];
	ssize_t n = transport_recv(&exchange->transport, chunk, sizeof(chunk));

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		exchange_kill(exchange);
}

/* The answer is out: the next request may already be here. */
static void exchange_next(struct http_exchange *exchange)
{
	struct buffer rest = exchange->in;

	if (!exchange->reader.done) {
		exchange_linger(exchange);
		return;
	}
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
	if (exchange->state == EXCHANGE_READING && transport_has_more(&exchange->transport))
		exchange_read(exchange);
}

static void exchange_write(struct http_exchange *exchange)
{
	ssize_t n = 0;

	if (exchange->out.len)
		n = transport_send(&exchange->transport, buffer_head(&exchange->out),
			exchange->out.len, false);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* Not dead yet: the handler has to hear of it.  A broken socket is always ready, and
		 * would come before the timer in every turn of the loop. */
		pollset_remove(&exchange->entry);
		timer_arm(exchange->timer, 0);
		return;
	}
	if (n > 0) {
		buffer_consume(&exchange->out, (size_t)n);
		timer_arm(exchange->timer,
			exchange->out.len ? clock_now() + exchange->patience : USEC_NEVER);
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

/* Who speaks plain HTTP to a port of TLS is told so. */
static void exchange_answer_plain(int fd)
{
	static const char answer[] =
		"HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
		"Client sent an HTTP request to an HTTPS server.\n";
	char data[CHUNK];

	/* What is left unread turns the end of the answer into a reset; a request's head is not that long. */
	if (recv(fd, data, sizeof(data), 0) <= 0)
		return;
	/* The socket's buffer is empty: it takes this whole, or the peer is gone. */
	send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
}

/* The first byte of all tells whether TLS begins here at all; GnuTLS would wait for more of anything. */
static int exchange_recognize(struct http_exchange *exchange)
{
	int fd = exchange->transport.fd;
	char first;

	if (exchange->recognized || recv(fd, &first, 1, MSG_PEEK) != 1)
		return 0;
	exchange->recognized = true;
	if (first == TLS_HANDSHAKE)
		return 0;
	if (first >= 'A' && first <= 'Z')
		exchange_answer_plain(fd);
	return -EPROTO;
}

static void exchange_shake(struct http_exchange *exchange)
{
	int r = exchange_recognize(exchange);

	if (r == 0)
		r = transport_handshake(&exchange->transport, NULL);
	if (r == -EAGAIN) {
		exchange_watch(exchange);
		return;
	}
	if (r < 0) {
		exchange_kill(exchange);
		exchange_watch(exchange);
		return;
	}
	exchange_begin(exchange);
	exchange_watch(exchange);
	if (transport_has_more(&exchange->transport))
		exchange_read(exchange);
}

static void exchange_io(uint32_t events, void *userdata)
{
	struct http_exchange *exchange = userdata;
	bool handlers =
		exchange->state == EXCHANGE_HANDLING || exchange->state == EXCHANGE_STREAMING;

	if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP) && handlers)
		exchange_free(exchange);
	else if (exchange->state == EXCHANGE_SHAKING)
		exchange_shake(exchange);
	else if (exchange->state == EXCHANGE_READING)
		exchange_read(exchange);
	else if (exchange->state == EXCHANGE_DEAD)
		exchange_free(exchange);
	else if (exchange->state == EXCHANGE_LINGERING)
		exchange_discard(exchange);
	else
		exchange_write(exchange);
}

static void exchange_expire(void *userdata)
{
	exchange_free(userdata);
}

static int exchange_secure(struct http_exchange *exchange)
{
	const struct tls *tls = server_config(exchange->server)->tls;

	return tls ? tls->ops->accept(tls, exchange->transport.fd, &exchange->transport.tls, NULL)
		   : 0;
}

int exchange_new(struct http_server *server, sd_event *loop, struct pollset *set, int fd,
	struct http_exchange **list)
{
	struct http_exchange *exchange = calloc(1, sizeof(*exchange));
	int r;

	if (!exchange)
		return -ENOMEM;
	exchange->server = server;
	exchange->loop = loop;
	exchange->transport.fd = fd;
	r = exchange_secure(exchange);
	if (r >= 0)
		r = timer_new(loop, exchange_expire, exchange, &exchange->timer, NULL);
	if (r >= 0)
		r = pollset_add(set, &exchange->entry, fd, EPOLLIN, exchange_io, exchange);
	if (r < 0) {
		exchange->transport.fd = -1; /* is the caller's */
		transport_close(&exchange->transport);
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
	if (exchange->transport.tls) {
		exchange->state = EXCHANGE_SHAKING;
		timer_arm(exchange->timer, clock_now() + SHAKE_TIMEOUT);
	}
	return 0;
}

struct transport exchange_leave(struct http_exchange *exchange, unsigned status)
{
	exchange->gone = NULL;
	exchange_tell(exchange, status);
	pollset_remove(&exchange->entry);
	exchange->upgraded = true;
	exchange_kill(exchange);
	return transport_take(&exchange->transport);
}

void exchange_free(struct http_exchange *exchange)
{
	void (*gone)(void *userdata) = exchange->gone;
	void *userdata = exchange->userdata;

	exchange_tell(exchange, 0);
	*exchange->link = exchange->next;
	if (exchange->next)
		exchange->next->link = exchange->link;
	pollset_remove(&exchange->entry);
	timer_free(exchange->timer);
	transport_close(&exchange->transport);
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

const char *http_exchange_target(const struct http_exchange *exchange)
{
	return exchange->reader.target;
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

const char *http_exchange_header_at(
	const struct http_exchange *exchange, const char *name, size_t nth)
{
	return http_reader_field_at(&exchange->reader, name, nth);
}

const char *http_exchange_header_prefixed(
	const struct http_exchange *exchange, const char *prefix, size_t nth, const char **ret_rest)
{
	return http_reader_field_prefixed(&exchange->reader, prefix, nth, ret_rest);
}

const struct tls_peer *http_exchange_peer(const struct http_exchange *exchange)
{
	const struct tls_session *tls = exchange->transport.tls;

	return tls ? tls->ops->peer(tls) : NULL;
}

const char *http_exchange_body(const struct http_exchange *exchange, size_t *ret_len)
{
	if (ret_len)
		*ret_len = exchange->reader.body_len;
	return exchange->reader.body ? exchange->reader.body : "";
}
