// SPDX-License-Identifier: Apache-2.0
#include "user/probe/attempt.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/net/netns.h"

void attempt_init(struct attempt *attempt, sd_event *loop, int netns_fd)
{
	*attempt = (struct attempt){.loop = loop, .netns_fd = netns_fd, .fd = -1};
}

static int attempt_socket(int netns_fd, int *ret_fd, struct err *err)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	int fd;

	if (netns_fd >= 0) {
		int r = netns_enter(netns_fd, &token, err);

		if (r < 0)
			return r;
	}
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(err, errno, "make a socket for the probe");
	*ret_fd = fd;
	return 0;
}

int attempt_connect(struct attempt *attempt, const struct sockaddr_in *address, struct err *err)
{
	int r = attempt->fd < 0 ? attempt_socket(attempt->netns_fd, &attempt->fd, err) : 0;

	if (r < 0)
		return r;
	attempt->connected = true;
	attempt->error = 0;
	if (connect(attempt->fd, (const struct sockaddr *)address, sizeof(*address)) < 0 &&
		errno != EINPROGRESS)
		attempt->error = errno;
	return 0;
}

static int attempt_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct attempt *attempt = userdata;

	(void)source;
	(void)fd;
	(void)events;
	attempt->ready(attempt->userdata);
	return 0;
}

/*
 * Edges, because the loop asks the kernel again for each event it hands out: with many sockets ready at a time
 * the kernel would list them all over and over.
 */
static int attempt_ask(struct attempt *attempt, uint32_t events, struct err *err)
{
	int r;

	events |= EPOLLET;
	if (!attempt->source) {
		r = sd_event_add_io(
			attempt->loop, &attempt->source, attempt->fd, events, attempt_io, attempt);
	} else {
		r = sd_event_source_set_io_events(attempt->source, events);
		if (r >= 0)
			r = sd_event_source_set_enabled(attempt->source, SD_EVENT_ON);
	}
	return r < 0 ? err_set(err, -r, "watch the probe's socket") : 0;
}

int attempt_watch(struct attempt *attempt, uint32_t events, attempt_ready_fn ready, void *userdata,
	struct err *err)
{
	attempt->ready = ready;
	attempt->userdata = userdata;
	if (!attempt->held)
		return attempt_ask(attempt, events, err);
	attempt->events = events;
	return 0;
}

void attempt_hold(struct attempt *attempt)
{
	attempt->held = true;
	attempt->events = 0;
}

int attempt_release(struct attempt *attempt, struct err *err)
{
	attempt->held = false;
	return attempt->events ? attempt_ask(attempt, attempt->events, err) : 0;
}

int attempt_result(const struct attempt *attempt)
{
	int error = attempt->error;
	socklen_t len = sizeof(error);

	if (error)
		return error;
	return getsockopt(attempt->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

void attempt_end(struct attempt *attempt)
{
	static const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	attempt->held = false;
	if (!attempt->connected)
		return;
	attempt->connected = false;
	if (attempt->source)
		sd_event_source_set_enabled(attempt->source, SD_EVENT_OFF);
	if (connect(attempt->fd, &nobody, sizeof(nobody)) < 0)
		attempt_close(attempt); /* the next attempt makes another */
}

void attempt_close(struct attempt *attempt)
{
	attempt_end(attempt);
	attempt->source = source_free(attempt->source);
	close_fd(&attempt->fd);
}

void address_text(const struct sockaddr_in *address, char ret[ADDRESS_TEXT_MAX])
{
	char ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address->sin_addr, ip, sizeof(ip));
	snprintf(ret, ADDRESS_TEXT_MAX, "%s:%u", ip, ntohs(address->sin_port));
}

const char *attempt_error_text(int error, char *buffer, size_t size)
{
	snprintf(buffer, size, "%s", strerror(error));
	buffer[0] = (char)tolower((unsigned char)buffer[0]);
	return buffer;
}
