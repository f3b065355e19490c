// SPDX-License-Identifier: Apache-2.0
/* Connections to ports of a Pod, each as a pair of streams: one for its bytes, one to say what went wrong. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/http/buffer.h"
#include "user/http/spdy.h"
#include "user/http/spdyblock.h"
#include "user/net/netns.h"
#include "user/probe/attempt.h"

#define CHUNK (64u << 10)
#define LINK_HIGH \
	(256u << 10) /* bytes that wait for a socket: nothing more is read from the client */
#define REQUEST_ID 64

struct forward_link {
	struct forward_link *next;
	struct forward *forward;
	char request_id[REQUEST_ID];
	unsigned port;
	uint32_t error, data; /* streams; 0: not there yet */
	bool six;	      /* IPv4's loopback has refused: IPv6's is asked */
	bool connected;
	int fd;
	sd_event_source *source;
	struct buffer waiting; /* what the socket has still to take */
	bool client_ended, pod_ended;
};

struct forward {
	struct forward *next;
	struct agent *agent;
	struct node_pod *pod; /* NULL: it is gone */
	struct spdy *spdy;
	struct forward_link *links;
	bool full; /* the client does not take what sockets say */
};

static void link_free(struct forward_link *link)
{
	struct forward_link **at = &link->forward->links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	source_free(link->source);
	close_fd(&link->fd);
	buffer_clear(&link->waiting);
	free(link);
}

static void forward_free(struct forward *forward)
{
	struct forward **at = &forward->agent->forwards;

	while (*at && *at != forward)
		at = &(*at)->next;
	if (*at)
		*at = forward->next;
	while (forward->links)
		link_free(forward->links);
	spdy_free(forward->spdy);
	free(forward);
}

/* --- one connection --- */

/* One that waits for a socket makes all wait: see spdy.h. */
static void forward_pause(struct forward *forward)
{
	bool pause = false;

	for (const struct forward_link *l = forward->links; l; l = l->next)
		pause |= l->waiting.len > LINK_HIGH;
	spdy_pause(forward->spdy, pause);
}

static void link_over(struct forward_link *link)
{
	struct forward *forward = link->forward;

	spdy_end(forward->spdy, link->data);
	spdy_end(forward->spdy, link->error);
	link_free(link);
	forward_pause(forward);
}

static void link_fail(struct forward_link *link, const char *why)
{
	struct forward *forward = link->forward;
	const struct node_pod *pod = forward->pod;
	AUTO_FREE char *text = fs_format("error forwarding port %u to pod %s: %s", link->port,
		pod ? node_pod_spec(pod)->meta.name : "that is gone", why);

	if (text)
		spdy_send(forward->spdy, link->error, text, strlen(text));
	spdy_end(forward->spdy, link->error);
	spdy_reset(forward->spdy, link->data);
	link_free(link);
	forward_pause(forward);
}

static void link_watch(struct forward_link *link)
{
	uint32_t events = 0;

	if (!link->connected || link->waiting.len)
		events |= EPOLLOUT;
	if (link->connected && !link->pod_ended && !link->forward->full)
		events |= EPOLLIN;
	if (events)
		sd_event_source_set_io_events(link->source, events);
	/* Else a socket that is closed would keep the loop turning. */
	sd_event_source_set_enabled(link->source, events ? SD_EVENT_ON : SD_EVENT_OFF);
}

/* False when the socket is broken. */
static bool link_write(struct forward_link *link)
{
	while (link->waiting.len) {
		ssize_t n = send(
			link->fd, buffer_head(&link->waiting), link->waiting.len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		buffer_consume(&link->waiting, (size_t)n);
	}
	if (link->client_ended)
		shutdown(link->fd, SHUT_WR);
	return true;
}

static bool link_read(struct forward_link *link)
{
	static char chunk[CHUNK]; /* one loop, one thread */
	struct forward *forward = link->forward;
	ssize_t n = recv(link->fd, chunk, sizeof(chunk), 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0) {
		link->pod_ended = true;
		spdy_end(forward->spdy, link->data);
	} else if (spdy_send(forward->spdy, link->data, chunk, (size_t)n) == 1) {
		forward->full = true;
		for (struct forward_link *l = forward->links; l; l = l->next)
			if (l->source)
				link_watch(l);
	}
	return true;
}

static void link_turn(struct forward_link *link)
{
	bool good = link_write(link);

	if (good && !link->pod_ended && !link->forward->full)
		good = link_read(link);
	if (!good || (link->pod_ended && link->client_ended && !link->waiting.len)) {
		link_over(link);
		return;
	}
	link_watch(link);
	forward_pause(link->forward);
}

/* --- connecting --- */

static int link_socket(struct forward_link *link, int family, struct err *err)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	int r = netns_enter(node_pod_netns(link->forward->pod), &token, err);

	if (r < 0)
		return r;
	link->fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return link->fd < 0 ? err_set(err, errno, "make a socket") : 0;
}

static int link_io(sd_event_source *source, int fd, uint32_t events, void *userdata);

static int link_connect(struct forward_link *link, struct err *err)
{
	struct sockaddr_in four = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)link->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)link->port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr *address = link->six ? (void *)&six : (void *)&four;
	socklen_t len = link->six ? sizeof(six) : sizeof(four);
	int r = link_socket(link, address->sa_family, err);

	if (r < 0)
		return r;
	if (connect(link->fd, address, len) < 0 && errno != EINPROGRESS)
		return -errno;
	r = sd_event_add_io(
		link->forward->agent->loop, &link->source, link->fd, EPOLLOUT, link_io, link);
	return r < 0 ? err_set(err, -r, "watch a socket") : 0;
}

static void link_refused(struct forward_link *link, int error)
{
	char text[64], reason[128];
	struct err err;

	link->source = source_free(link->source);
	close_fd(&link->fd);
	snprintf(reason, sizeof(reason), "dial tcp 127.0.0.1:%u: connect: %s", link->port,
		attempt_error_text(error, text, sizeof(text)));
	if (!link->six && error == ECONNREFUSED && link->forward->pod) {
		link->six = true;
		if (link_connect(link, &err) == 0)
			return;
	}
	link_fail(link, reason);
}

static int link_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct forward_link *link = userdata;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)source;
	(void)events;
	if (!link->connected) {
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
		if (error) {
			link_refused(link, error);
			return 0;
		}
		link->connected = true;
	}
	link_turn(link);
	return 0;
}

static void link_begin(struct forward_link *link)
{
	struct err err = {.text = "it cannot be reached"};

	if (!link->forward->pod || node_pod_netns(link->forward->pod) < 0)
		link_fail(link, "it does not run");
	else if (link_connect(link, &err) < 0)
		link_fail(link, err.text);
}

/* --- streams --- */

static struct forward_link *link_of(const struct forward *forward, uint32_t stream)
{
	struct forward_link *link = forward->links;

	while (link && link->error != stream && link->data != stream)
		link = link->next;
	return link;
}

static struct forward_link *link_find(
	struct forward *forward, const char *request_id, unsigned port)
{
	struct forward_link *link = forward->links;

	while (link && strcmp(link->request_id, request_id) != 0)
		link = link->next;
	if (link)
		return link->port == port ? link : NULL;
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link->forward = forward;
	link->port = port;
	link->fd = -1;
	snprintf(link->request_id, sizeof(link->request_id), "%s", request_id);
	link->next = forward->links;
	forward->links = link;
	return link;
}

static unsigned port_read(const char *text)
{
	char *end;
	unsigned long port = text ? strtoul(text, &end, 10) : 0;

	return text && *text && !*end && port <= UINT16_MAX ? (unsigned)port : 0;
}

static bool on_opened(void *userdata, uint32_t stream, const struct spdy_fields *fields)
{
	const char *type = spdy_field(fields, "streamtype");
	const char *id = spdy_field(fields, "requestid");
	unsigned port = port_read(spdy_field(fields, "port"));
	struct forward_link *link;
	uint32_t *at;

	if (!type || !id || strlen(id) >= REQUEST_ID || !port)
		return false;
	link = link_find(userdata, id, port);
	if (!link)
		return false;
	at = strcmp(type, "error") == 0 ? &link->error : &link->data;
	if (*at || (at == &link->data && strcmp(type, "data") != 0)) {
		if (!link->error && !link->data)
			link_free(link);
		return false;
	}
	*at = stream;
	if (link->error && link->data)
		link_begin(link);
	return true;
}

static void on_data(void *userdata, uint32_t stream, const void *data, size_t len)
{
	struct forward_link *link = link_of(userdata, stream);

	if (!link || stream != link->data || link->client_ended)
		return;
	if (buffer_append(&link->waiting, data, len) < 0)
		link_fail(link, "out of memory");
	else if (link->connected)
		link_turn(link);
	else
		forward_pause(userdata);
}

static void on_ended(void *userdata, uint32_t stream, bool reset)
{
	struct forward_link *link = link_of(userdata, stream);

	if (!link || stream != link->data)
		return;
	link->client_ended = true;
	if (reset)
		link_over(link);
	else if (link->connected)
		link_turn(link);
}

static void on_drained(void *userdata)
{
	struct forward *forward = userdata;

	forward->full = false;
	for (struct forward_link *l = forward->links; l; l = l->next)
		if (l->source)
			link_watch(l);
}

static void on_closed(void *userdata)
{
	forward_free(userdata);
}

void control_forward(struct agent *agent, struct http_exchange *exchange)
{
	static const struct spdy_events events = {
		.opened = on_opened,
		.data = on_data,
		.ended = on_ended,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct node_pod *pod = control_pod(agent, exchange);
	struct forward *forward;

	if (!pod)
		return;
	forward = calloc(1, sizeof(*forward));
	if (!forward) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return;
	}
	forward->agent = agent;
	forward->pod = pod;
	forward->next = agent->forwards;
	agent->forwards = forward;
	if (streams_upgrade_forward(exchange, &events, forward, &forward->spdy) < 0)
		forward_free(forward);
}

void control_forward_gone(struct agent *agent, struct node_pod *pod)
{
	for (struct forward *f = agent->forwards; f; f = f->next)
		if (f->pod == pod) {
			f->pod = NULL;
			spdy_close(f->spdy);
		}
}

void control_forward_end(struct agent *agent)
{
	while (agent->forwards)
		forward_free(agent->forwards);
}
