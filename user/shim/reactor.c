// SPDX-License-Identifier: Apache-2.0
#include "user/shim/reactor.h"

#include <limits.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"

int reactor_open(struct reactor *reactor, struct err *err)
{
	*reactor = (struct reactor){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	return reactor->epoll_fd < 0 ? err_set(err, errno, "make the event loop") : 0;
}

int source_add(struct reactor *reactor, struct source *source, int fd,
	void (*ready)(struct source *), struct err *err)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

	if (epoll_ctl(reactor->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		int code = errno;

		close(fd);
		return err_set(err, code, "watch a descriptor");
	}
	source->fd = fd;
	source->epoll_fd = reactor->epoll_fd;
	source->ready = ready;
	return 0;
}

/* A child between fork and exec holds a copy of every descriptor: only EPOLL_CTL_DEL surely ends the watch. */
int source_release(struct source *source)
{
	if (source->fd >= 0)
		epoll_ctl(source->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	return take_fd(&source->fd);
}

void source_close(struct source *source)
{
	AUTO_FD fd = source_release(source);
}

void alarm_set(
	struct reactor *reactor, struct alarm *alarm, uint64_t at, void (*fire)(struct alarm *))
{
	alarm_clear(reactor, alarm);
	alarm->at = at;
	alarm->fire = fire;
	alarm->armed = true;
	alarm->next = reactor->alarms;
	reactor->alarms = alarm;
}

void alarm_clear(struct reactor *reactor, struct alarm *alarm)
{
	struct alarm **link = &reactor->alarms;

	if (!alarm->armed)
		return;
	while (*link != alarm)
		link = &(*link)->next;
	*link = alarm->next;
	alarm->armed = false;
}

static struct alarm *alarm_first(const struct reactor *reactor)
{
	struct alarm *first = NULL;

	for (struct alarm *alarm = reactor->alarms; alarm; alarm = alarm->next)
		if (!first || alarm->at < first->at)
			first = alarm;
	return first;
}

/* Milliseconds until the first alarm, rounded up so that it is due when epoll_wait(2) returns. */
static int reactor_timeout(const struct alarm *first)
{
	uint64_t now = clock_now(), wait;

	if (!first)
		return -1;
	if (first->at <= now)
		return 0;
	wait = (first->at - now + USEC_PER_MSEC - 1) / USEC_PER_MSEC;
	return wait > INT_MAX ? INT_MAX : (int)wait;
}

/* After each event too, so that a container that never stops writing cannot hold up a deadline. */
static void reactor_fire_due(struct reactor *reactor)
{
	struct alarm *first = alarm_first(reactor);

	if (!first || first->at > clock_now())
		return;
	alarm_clear(reactor, first);
	first->fire(first);
}

int reactor_run(struct reactor *reactor, struct err *err)
{
	while (!reactor->stopped) {
		struct epoll_event event;
		int n = epoll_wait(
			reactor->epoll_fd, &event, 1, reactor_timeout(alarm_first(reactor)));

		if (n < 0 && errno != EINTR)
			return err_set(err, errno, "wait for events");
		if (n > 0) {
			struct source *source = event.data.ptr;

			source->ready(source);
		}
		reactor_fire_due(reactor);
	}
	return 0;
}
