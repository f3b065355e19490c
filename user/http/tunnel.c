// SPDX-License-Identifier: Apache-2.0
#include "user/http/tunnel.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/client.h"
#include "user/http/exchange.h"
#include "user/http/server.h"
#include "user/http/sockopt.h"

#define CHUNK		(64u << 10)
#define HIGH		(256u << 10) /* bytes that wait for one end: nothing is read from the other */
#define CONNECT_TIMEOUT (15 * USEC_PER_SEC) /* TLS included */
#define STATUS_LINE	13		    /* "HTTP/1.1 101 " */

enum tunnel_state {
	TUNNEL_CONNECTING,
	TUNNEL_SHAKING,
	TUNNEL_ASKING,	/* the request goes out, the beginning of an answer is waited for */
	TUNNEL_ANSWERS, /* bytes go to the client alone */
	TUNNEL_OPEN,	/* and both ways */
};

struct tunnel_end {
	struct transport transport;
	sd_event_source *source;
	struct buffer out; /* what it has still to take */
	bool eof;	   /* nothing more comes from it */
};

struct tunnel {
	struct server_guest guest;
	struct http_server *server;
	struct http_exchange *exchange; /* until the answer has begun */
	sd_event *loop;
	struct timer *timer; /* until it is connected */
	enum tunnel_state state;
	bool upgrade; /* the client asks for one */
	struct tunnel_end client, target;
	struct buffer head; /* of the answer */
	char name[HTTP_ADDRESS_TEXT];
};

static void end_close(struct tunnel_end *end)
{
	end->source = source_free(end->source);
	transport_close(&end->transport);
	buffer_clear(&end->out);
}

static void tunnel_free(struct tunnel *tunnel)
{
	if (tunnel->guest.link)
		server_guest_remove(tunnel->server, &tunnel->guest);
	end_close(&tunnel->client);
	end_close(&tunnel->target);
	buffer_clear(&tunnel->head);
	timer_free(tunnel->timer);
	free(tunnel);
}

static void tunnel_end(struct server_guest *guest)
{
	tunnel_free((struct tunnel *)guest);
}

/* The client has left before it was answered. */
static void tunnel_gone(void *userdata)
{
	tunnel_free(userdata);
}

/* In the words of Kubernetes, which has no reason for it. */
static void tunnel_fail(struct tunnel *tunnel, const char *what, const char *why)
{
	http_answer_failure(tunnel->exchange, 500, NULL,
		"error dialing backend: dial tcp %s: %s%c%s", tunnel->name, what,
		tolower((unsigned char)why[0]), why + 1);
	tunnel_free(tunnel);
}

/* --- the request --- */

/* What concerns one connection alone, and what says who the client is. */
static bool field_stays(const char *name)
{
	static const char *const here[] = {"Host", "Connection", "Keep-Alive", "Proxy-Connection",
		"Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding",
		"Content-Length", "Upgrade", "Expect", "Authorization", "Cookie"};
	static const char *const prefixes[] = {"Impersonate-", "X-Remote-", "X-Forwarded-"};

	for (size_t i = 0; i < COUNT(here); i++)
		if (strcasecmp(name, here[i]) == 0)
			return true;
	for (size_t i = 0; i < COUNT(prefixes); i++)
		if (strncasecmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static bool client_wants_upgrade(const struct http_exchange *exchange)
{
	const char *connection = http_exchange_header(exchange, "Connection");

	return connection && http_list_has(connection, "upgrade") &&
	       http_exchange_header(exchange, "Upgrade");
}

static int compose_fields(struct buffer *out, const struct http_exchange *exchange)
{
	const struct http_reader *reader = &exchange->reader;
	int r = 0;

	for (size_t i = 0; r == 0 && i < reader->field_count; i++)
		if (!field_stays(reader->fields[i].name))
			r = buffer_printf(
				out, "%s: %s\r\n", reader->fields[i].name, reader->fields[i].value);
	return r;
}

static int tunnel_compose(struct tunnel *tunnel, const struct http_tunnel_spec *spec)
{
	const struct http_exchange *exchange = tunnel->exchange;
	struct buffer *out = &tunnel->target.out;
	size_t len;
	const char *body = http_exchange_body(exchange, &len);
	int r = buffer_printf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", http_exchange_method(exchange),
		spec->target, tunnel->name);

	if (r == 0)
		r = compose_fields(out, exchange);
	if (r == 0 && spec->prefix)
		r = buffer_printf(out, "X-Forwarded-Prefix: %s\r\n", spec->prefix);
	if (r == 0)
		r = tunnel->upgrade ? buffer_printf(out, "Connection: Upgrade\r\nUpgrade: %s\r\n",
					      http_exchange_header(exchange, "Upgrade"))
				    : buffer_printf(out, "Connection: close\r\n");
	if (r == 0 && (len || http_exchange_header(exchange, "Content-Length")))
		r = buffer_printf(out, "Content-Length: %zu\r\n", len);
	if (r == 0)
		r = buffer_append(out, "\r\n", 2);
	return r < 0 ? r : buffer_append(out, body, len);
}

/* --- bytes --- */

/* False when the end is broken. */
static bool end_flush(struct tunnel_end *end)
{
	while (end->out.len) {
		ssize_t n = transport_send(
			&end->transport, buffer_head(&end->out), end->out.len, false);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_consume(&end->out, (size_t)n);
	}
	return true;
}

/* Reads once.  False when that broke, or memory is out. */
static bool end_read(struct tunnel_end *from, struct buffer *to)
{
	static char chunk[CHUNK]; /* one loop, one thread */
	ssize_t n = transport_recv(&from->transport, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	from->eof = n == 0;
	return buffer_append(to, chunk, (size_t)n) == 0;
}

static bool end_is_read(const struct tunnel_end *from, const struct tunnel_end *to)
{
	return !from->eof && to->out.len < HIGH;
}

/* @reads: its bytes are wanted now; of the others only their end is heard. */
static void end_watch(struct tunnel_end *end, bool reads)
{
	uint32_t events = reads ? EPOLLIN : EPOLLRDHUP;

	if (end->out.len || (reads && transport_has_more(&end->transport)))
		events |= EPOLLOUT;
	/* On failure the loop is out of memory; a broken connection still wakes us. */
	sd_event_source_set_io_events(end->source, events);
}

static void tunnel_watch(struct tunnel *tunnel)
{
	end_watch(&tunnel->target, end_is_read(&tunnel->target, &tunnel->client));
	if (tunnel->client.source)
		end_watch(&tunnel->client, tunnel->state == TUNNEL_OPEN &&
						   end_is_read(&tunnel->client, &tunnel->target));
}

/* What one end said is with the other, or one is broken. */
static bool tunnel_is_over(const struct tunnel *tunnel)
{
	return (tunnel->target.eof && !tunnel->client.out.len) ||
	       (tunnel->client.eof && !tunnel->target.out.len);
}

/* One turn of bytes both ways; false at its end. */
static bool tunnel_move(struct tunnel *tunnel)
{
	struct tunnel_end *client = &tunnel->client, *target = &tunnel->target;
	bool good = end_flush(client) && end_flush(target);

	if (good && end_is_read(target, client))
		good = end_read(target, &client->out);
	if (good && tunnel->state == TUNNEL_OPEN && end_is_read(client, target))
		good = end_read(client, &target->out);
	return good && end_flush(client) && end_flush(target) && !tunnel_is_over(tunnel);
}

static int tunnel_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct tunnel *tunnel = userdata;
	bool client = source == tunnel->client.source;
	bool hung = client && (events & (EPOLLHUP | EPOLLERR) ||
				      (events & EPOLLRDHUP && tunnel->state == TUNNEL_ANSWERS));

	(void)fd;
	if (!hung && tunnel_move(tunnel))
		tunnel_watch(tunnel);
	else
		tunnel_free(tunnel);
	return 0;
}

/* --- the answer's beginning --- */

/* The connection to the client is ours from here on. */
static void tunnel_take_client(struct tunnel *tunnel, unsigned status)
{
	struct http_exchange *exchange = tunnel->exchange;
	bool upgraded = status == 101;
	int r;

	tunnel->exchange = NULL;
	tunnel->client.transport = exchange_leave(exchange, status);
	server_guest_add(tunnel->server, &tunnel->guest);
	tunnel->client.out = tunnel->head;
	tunnel->head = (struct buffer){0};
	tunnel->state = upgraded ? TUNNEL_OPEN : TUNNEL_ANSWERS;
	r = sd_event_add_io(tunnel->loop, &tunnel->client.source, tunnel->client.transport.fd,
		EPOLLIN, tunnel_io, tunnel);
	if (r >= 0 && upgraded && exchange->in.len)
		r = buffer_append(
			&tunnel->target.out, buffer_head(&exchange->in), exchange->in.len);
	if (r >= 0 && tunnel_move(tunnel))
		tunnel_watch(tunnel);
	else
		tunnel_free(tunnel);
}

/* "HTTP/1.1 101 " gives 101; 0: that is no beginning of an answer. */
static unsigned status_of(const char *line)
{
	if (strncmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ')
		return 0;
	for (int i = 9; i < 12; i++)
		if (!isdigit((unsigned char)line[i]))
			return 0;
	return (unsigned)((line[9] - '0') * 100 + (line[10] - '0') * 10 + line[11] - '0');
}

static void tunnel_ask(struct tunnel *tunnel)
{
	unsigned status;

	/* A server may answer before it has read all. */
	if (!end_flush(&tunnel->target))
		buffer_clear(&tunnel->target.out);
	if (!end_read(&tunnel->target, &tunnel->head)) {
		tunnel_fail(tunnel, "", strerror(errno));
		return;
	}
	if (tunnel->head.len < STATUS_LINE && !tunnel->target.eof) {
		end_watch(&tunnel->target, true);
		return;
	}
	status = tunnel->head.len < STATUS_LINE ? 0 : status_of(buffer_head(&tunnel->head));
	if (status < 101 || (status == 101 && !tunnel->upgrade))
		tunnel_fail(tunnel, "", "It does not speak HTTP");
	else
		tunnel_take_client(tunnel, status);
}

/* --- connecting --- */

static void tunnel_shake(struct tunnel *tunnel)
{
	struct err err;
	int r = transport_handshake(&tunnel->target.transport, &err);

	if (r == -EAGAIN) {
		sd_event_source_set_io_events(
			tunnel->target.source, transport_events(&tunnel->target.transport));
	} else if (r < 0) {
		tunnel_fail(tunnel, "", err.text);
	} else {
		tunnel->state = TUNNEL_ASKING;
		tunnel->timer = timer_free(tunnel->timer);
		tunnel_ask(tunnel);
	}
}

static void tunnel_connected(struct tunnel *tunnel)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(tunnel->target.transport.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		tunnel_fail(tunnel, "connect: ", strerror(error));
		return;
	}
	tunnel->state = TUNNEL_SHAKING;
	tunnel_shake(tunnel);
}

static int tunnel_target_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct tunnel *tunnel = userdata;

	switch (tunnel->state) {
	case TUNNEL_CONNECTING: tunnel_connected(tunnel); return 0;
	case TUNNEL_SHAKING: tunnel_shake(tunnel); return 0;
	case TUNNEL_ASKING: tunnel_ask(tunnel); return 0;
	default: return tunnel_io(source, fd, events, userdata);
	}
}

static void tunnel_expire(void *userdata)
{
	tunnel_fail(userdata, "", "i/o timeout");
}

static int tunnel_connect(struct tunnel *tunnel, const struct http_remote *remote, struct err *err)
{
	struct transport *transport = &tunnel->target.transport;
	int r = http_connect(remote, &transport->fd, err);

	if (r == 0 && remote->tls)
		r = remote->tls->ops->connect(
			remote->tls, transport->fd, remote->name.host, &transport->tls, err);
	if (r == 0)
		r = timer_new(tunnel->loop, tunnel_expire, tunnel, &tunnel->timer, err);
	if (r < 0)
		return r;
	timer_arm(tunnel->timer, clock_now() + CONNECT_TIMEOUT);
	r = sd_event_add_io(tunnel->loop, &tunnel->target.source, transport->fd, EPOLLOUT,
		tunnel_target_io, tunnel);
	return r < 0 ? err_set(err, -r, "watch the connection") : 0;
}

void http_tunnel(struct http_exchange *exchange, const struct http_tunnel_spec *spec)
{
	struct tunnel *tunnel = calloc(1, sizeof(*tunnel));
	struct err err;

	if (!tunnel) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return;
	}
	tunnel->guest.end = tunnel_end;
	tunnel->server = exchange->server;
	tunnel->exchange = exchange;
	tunnel->loop = exchange->loop;
	tunnel->client.transport.fd = tunnel->target.transport.fd = -1;
	tunnel->upgrade = client_wants_upgrade(exchange);
	http_address_text(&spec->remote->name, tunnel->name);
	http_exchange_on_gone(exchange, tunnel_gone, tunnel);
	if (tunnel_compose(tunnel, spec) < 0)
		tunnel_fail(tunnel, "", "out of memory");
	else if (tunnel_connect(tunnel, spec->remote, &err) < 0)
		tunnel_fail(tunnel, "", err.text);
}
