// SPDX-License-Identifier: Apache-2.0
/*
 * A listener when memory is out: accept4, and then epoll_ctl too, fail as often as a test says.  These functions stand
 * in place of libc's.
 */
#include "tests/check.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/loop.h"
#include "user/http/server.h"

static unsigned accepts_failing, watches_failing;

static bool fails(unsigned *failing)
{
	if (*failing == 0)
		return false;
	(*failing)--;
	errno = ENOMEM;
	return true;
}

int accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
	return fails(&accepts_failing) ? -1 : (int)syscall(SYS_accept4, fd, address, len, flags);
}

/* The kernel needs no memory to forget. */
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	if (operation != EPOLL_CTL_DEL && fails(&watches_failing))
		return -1;
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

static void handle(void *userdata, struct http_exchange *exchange)
{
	*(bool *)userdata = true;
	http_answer_text(exchange, 200, "here\n");
}

/* A connection that waits for @ret_listener. */
static int listener_with_client(int *ret_listener)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t); /* the kernel chooses a name */
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || client < 0 || bind(fd, (void *)&address, len) < 0 || listen(fd, 8) < 0)
		BAIL("listen");
	len = sizeof(address);
	if (getsockname(fd, (void *)&address, &len) < 0 ||
		connect(client, (void *)&address, len) < 0)
		BAIL("connect");
	*ret_listener = fd;
	return client;
}

TEST(a_listener_goes_on_when_memory_is_back)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: podnet\r\n\r\n";
	bool asked = false;
	struct http_server_config config = {.handle = handle, .userdata = &asked};
	struct http_server *server = NULL;
	sd_event *loop = NULL;
	int fd, client = listener_with_client(&fd);
	uint64_t deadline = clock_now() + 30 * USEC_PER_SEC;
	struct err err;

	if (sd_event_new(&loop) < 0 || http_server_new(loop, fd, &config, &server, &err) < 0)
		BAIL("set up");
	CHECK_EQ("a request waits", send(client, request, strlen(request), 0),
		(long)strlen(request));
	accepts_failing = watches_failing = 1;
	while (!asked && clock_now() < deadline)
		sd_event_run(loop, 100 * USEC_PER_MSEC);
	CHECK("it is answered", asked);
	CHECK_EQ("accept4 has failed", accepts_failing, 0);
	CHECK_EQ("epoll_ctl has failed", watches_failing, 0);
	close(client);
	http_server_free(server);
	sd_event_unref(loop);
}
