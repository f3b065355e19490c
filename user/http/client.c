// SPDX-License-Identifier: Apache-2.0
#include "user/http/client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/handshake.h"
#include "user/http/reader.h"
#include "user/http/sockopt.h"
#include "user/http/transport.h"

#define CHUNK	   (16u << 10)
#define MAX_HEADER (64u << 10)

#define CONNECT_TIMEOUT (15 * USEC_PER_SEC) /* TLS included */
#define SILENCE_MOST	30000		    /* ms, of a peer that has bytes to acknowledge */

enum call_state { CALL_CONNECTING, CALL_SHAKING, CALL_OPEN };

struct http_call {
	sd_event *loop;
	struct transport transport;
	enum call_state state;
	struct timer *timer; /* until it is open */
	sd_event_source *source;
	struct buffer request;
	struct http_reader reader;
	bool told_head, sent;
	struct transport *kept;
	char key[HANDSHAKE_KEY_MAX];
	const char *const *protocols;
	const struct websocket_events *websocket_events;
	void *websocket_userdata;
	const struct http_call_events *events;
	void *userdata;
};

static int connect_unix(const char *path, int *ret_fd, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	AUTO_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, errno, "make a socket");
	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, ENAMETOOLONG, "socket path '%s'", path);
	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, errno, "connect to '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* A watch has nothing to send: the kernel finds out whether its server is still there. */
static int tcp_options(int fd)
{
	static const struct socket_option options[] = {
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, 15},
		{IPPROTO_TCP, TCP_KEEPINTVL, 5},
		{IPPROTO_TCP, TCP_KEEPCNT, 3},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MOST},
		{IPPROTO_TCP, TCP_NODELAY, 1},
	};

	return socket_options_set(fd, options, COUNT(options));
}

int http_connect(const struct http_remote *remote, int *ret_fd, struct err *err)
{
	char text[HTTP_ADDRESS_TEXT];
	AUTO_FD fd =
		socket(remote->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return err_set(err, errno, "make a socket");
	r = tcp_options(fd);
	if (r == 0 &&
		connect(fd, (const struct sockaddr *)&remote->address, remote->address_len) < 0 &&
		errno != EINPROGRESS)
		r = -errno;
	http_address_text(&remote->name, text);
	if (r < 0)
		return err_set(err, -r, "connect to '%s'", text);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int call_connect(struct http_call *call, const struct http_call_spec *spec, struct err *err)
{
	const struct http_remote *remote = spec->remote;
	int r;

	if (spec->socket_path)
		return connect_unix(spec->socket_path, &call->transport.fd, err);
	r = http_connect(remote, &call->transport.fd, err);
	if (r == 0 && remote->tls)
		r = remote->tls->ops->connect(remote->tls, call->transport.fd, remote->name.host,
			&call->transport.tls, err);
	return r;
}

static int call_compose_upgrade(struct http_call *call, const struct http_call_spec *spec)
{
	int r = handshake_key(call->key);

	if (r >= 0)
		r = buffer_printf(&call->request,
			"Connection: Upgrade\r\nUpgrade: websocket\r\n"
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n"
			"Sec-WebSocket-Protocol: ",
			call->key);
	for (size_t i = 0; r >= 0 && spec->protocols[i]; i++)
		r = buffer_printf(&call->request, "%s%s", i ? ", " : "", spec->protocols[i]);
	return r < 0 ? r : buffer_printf(&call->request, "\r\n\r\n");
}

static int call_compose_body(struct http_call *call, const struct http_call_spec *spec)
{
	int r = spec->kept ? 0 : buffer_printf(&call->request, "Connection: close\r\n");

	if (r == 0 && spec->content_type)
		r = buffer_printf(&call->request, "Content-Type: %s\r\nContent-Length: %zu\r\n",
			spec->content_type, spec->body_len);
	if (r == 0)
		r = buffer_append(&call->request, "\r\n", 2);
	if (r == 0 && spec->content_type)
		r = buffer_append(&call->request, spec->body, spec->body_len);
	return r;
}

static int call_compose(struct http_call *call, const struct http_call_spec *spec)
{
	const struct http_remote *remote = spec->remote;
	char host[HTTP_ADDRESS_TEXT] = "podnet";
	int r;

	if (remote)
		http_address_text(&remote->name, host);
	r = buffer_printf(
		&call->request, "%s %s HTTP/1.1\r\nHost: %s\r\n", spec->method, spec->target, host);
	if (r == 0 && remote && remote->authorization)
		r = buffer_printf(&call->request, "Authorization: %s\r\n", remote->authorization);
	if (r == 0 && spec->user_agent)
		r = buffer_printf(&call->request, "User-Agent: %s\r\n", spec->user_agent);
	if (r == 0 && spec->accept)
		r = buffer_printf(&call->request, "Accept: %s\r\n", spec->accept);
	if (r == 0 && spec->fields)
		r = buffer_append(&call->request, spec->fields, strlen(spec->fields));
	if (r < 0)
		return r;
	return spec->protocols ? call_compose_upgrade(call, spec) : call_compose_body(call, spec);
}

static void call_end(struct http_call *call, int result, const char *reason)
{
	call->source = source_free(call->source);
	call->timer = timer_free(call->timer);
	if (result == 0 && call->kept && http_should_keep_alive(&call->reader.parser))
		*call->kept = transport_take(&call->transport);
	transport_close(&call->transport);
	call->events->ended(call->userdata, result, reason);
}

static void call_switch(struct http_call *call, const char *protocol, const char *rest, size_t len)
{
	struct websocket_seed seed = {
		.role = WEBSOCKET_CLIENT,
		.fd = call->transport.fd,
		.tls = call->transport.tls,
		.protocol = protocol,
		.early = rest,
		.early_len = len,
	};
	struct websocket *websocket;
	struct err err;
	int r;

	call->source = source_free(call->source);
	r = websocket_new(call->loop, &seed, call->websocket_events, call->websocket_userdata,
		&websocket, &err);
	if (r < 0) {
		call_end(call, r, err.text);
		return;
	}
	transport_take(&call->transport);
	call->events->upgraded(call->userdata, websocket);
}

static void call_tell_head(struct http_call *call)
{
	if (call->reader.head_done && !call->told_head && call->reader.parser.status_code != 101) {
		call->told_head = true;
		call->events->head(call->userdata, call->reader.parser.status_code);
	}
}

static int call_body(void *userdata, const char *data, size_t len)
{
	struct http_call *call = userdata;

	call_tell_head(call);
	call->events->body(call->userdata, data, len);
	return 0;
}

static void call_done(struct http_call *call, const char *rest, size_t len)
{
	const char *protocol;

	if (call->reader.parser.status_code != 101) {
		call_end(call, 0, "");
		return;
	}
	protocol = call->protocols ? handshake_chosen(&call->reader, call->key, call->protocols)
				   : NULL;
	if (protocol)
		call_switch(call, protocol, rest, len);
	else
		call_end(call, -EPROTO, "the server switched to a protocol nobody asked for");
}

/* False once the call has ended: it may be gone. */
static bool call_read_some(struct http_call *call)
{
	char chunk[CHUNK];
	struct err err;
	ssize_t used, n = transport_recv(&call->transport, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0) {
		call_end(call, -errno, strerror(errno));
		return false;
	}
	used = http_reader_feed(&call->reader, chunk, (size_t)n, &err);
	if (used < 0) {
		call_end(call, (int)used, err.text);
		return false;
	}
	call_tell_head(call);
	if (!call->reader.done)
		return true;
	call_done(call, chunk + used, (size_t)(n - used));
	return false;
}

/* What TLS has read already, epoll does not tell of. */
static void call_read(struct http_call *call)
{
	while (call_read_some(call) && transport_has_more(&call->transport))
		;
}

static void call_write(struct http_call *call)
{
	ssize_t n = transport_send(
		&call->transport, buffer_head(&call->request), call->request.len, false);

	call->sent = true;
	if (n >= 0)
		buffer_consume(&call->request, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		/* The server may have answered before it hung up. */
		buffer_clear(&call->request);
	if (call->request.len == 0)
		sd_event_source_set_io_events(call->source, EPOLLIN);
}

static void call_opened(struct http_call *call)
{
	call->state = CALL_OPEN;
	call->timer = timer_free(call->timer);
	sd_event_source_set_io_events(call->source, EPOLLOUT);
}

static void call_shake(struct http_call *call)
{
	struct err err;
	int r = transport_handshake(&call->transport, &err);

	if (r == -EAGAIN)
		sd_event_source_set_io_events(call->source, transport_events(&call->transport));
	else if (r < 0)
		call_end(call, r, err.text);
	else
		call_opened(call);
}

static void call_connected(struct http_call *call)
{
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(call->transport.fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error) {
		call_end(call, -error, strerror(error));
		return;
	}
	call->state = CALL_SHAKING;
	call_shake(call);
}

static void call_expire(void *userdata)
{
	call_end(userdata, -ETIMEDOUT, "the server does not answer in time");
}

static int call_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct http_call *call = userdata;

	(void)source;
	(void)fd;
	(void)events;
	if (call->state == CALL_CONNECTING)
		call_connected(call);
	else if (call->state == CALL_SHAKING)
		call_shake(call);
	else if (call->request.len)
		call_write(call);
	else
		call_read(call);
	return 0;
}

/* True: the connection of the call before is there, and nothing has come on it since but TLS's own. */
static bool call_reuse(struct http_call *call)
{
	char byte;
	ssize_t n;

	if (!call->kept || call->kept->fd < 0)
		return false;
	n = recv(call->kept->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if ((n < 0 && errno == EAGAIN) || (n > 0 && call->kept->tls)) {
		call->transport = transport_take(call->kept);
		call->state = CALL_OPEN;
		return true;
	}
	transport_close(call->kept);
	return false;
}

static int call_open(struct http_call *call, const struct http_call_spec *spec, struct err *err)
{
	int r = call_compose(call, spec);

	if (r < 0)
		return err_set(err, -r, "compose the request");
	r = timer_new(call->loop, call_expire, call, &call->timer, err);
	if (r == 0 && !call_reuse(call))
		r = call_connect(call, spec, err);
	if (r < 0)
		return r;
	if (call->state == CALL_CONNECTING)
		timer_arm(call->timer, clock_now() + CONNECT_TIMEOUT);
	r = sd_event_add_io(call->loop, &call->source, call->transport.fd, EPOLLOUT, call_io, call);
	return r < 0 ? err_set(err, -r, "watch the connection") : 0;
}

int http_call_start(sd_event *loop, const struct http_call_spec *spec,
	const struct http_call_events *events, void *userdata, struct http_call **ret,
	struct err *err)
{
	struct http_call *call = calloc(1, sizeof(*call));
	int r;

	if (!call)
		return err_set(err, ENOMEM, "start a request");
	call->loop = loop;
	call->transport.fd = -1;
	call->kept = spec->kept;
	call->protocols = spec->protocols;
	call->websocket_events = spec->websocket_events;
	call->websocket_userdata = spec->websocket_userdata;
	call->events = events;
	call->userdata = userdata;
	http_reader_init(&call->reader, HTTP_RESPONSE, MAX_HEADER, 0);
	call->reader.body_chunk = call_body;
	call->reader.userdata = call;
	r = call_open(call, spec, err);
	if (r < 0) {
		http_call_free(call);
		return r;
	}
	*ret = call;
	return 0;
}

bool http_call_is_sent(const struct http_call *call)
{
	return call->sent;
}

struct http_call *http_call_free(struct http_call *call)
{
	if (call) {
		source_free(call->source);
		timer_free(call->timer);
		transport_close(&call->transport);
		buffer_clear(&call->request);
		http_reader_clear(&call->reader);
		free(call);
	}
	return NULL;
}
