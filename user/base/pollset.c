// SPDX-License-Identifier: Apache-2.0
#include "user/base/pollset.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"

#define BATCH 16 /* then it is somebody else's turn */

struct pollset {
	int fd; /* epoll's */
	sd_event_source *source;
	struct epoll_event batch[BATCH]; /* fetched; those before @next were told */
	int next, fetched;
};

static int pollset_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct pollset *set = userdata;

	(void)source;
	(void)events;
	set->fetched = epoll_wait(fd, set->batch, BATCH, 0);
	for (set->next = 0; set->next < set->fetched;) {
		const struct epoll_event *event = &set->batch[set->next++];
		const struct pollset_entry *entry = event->data.ptr;

		if (entry)
			entry->fn(event->events, entry->userdata);
	}
	return 0;
}

int pollset_new(sd_event *loop, struct pollset **ret, struct err *err)
{
	struct pollset *set = calloc(1, sizeof(*set));
	int r;

	if (!set)
		return err_set(err, ENOMEM, "watch connections");
	set->fd = epoll_create1(EPOLL_CLOEXEC);
	r = set->fd < 0 ? -errno
			: sd_event_add_io(loop, &set->source, set->fd, EPOLLIN, pollset_ready, set);
	if (r < 0) {
		pollset_free(set);
		return err_set(err, -r, "watch connections");
	}
	*ret = set;
	return 0;
}

struct pollset *pollset_free(struct pollset *set)
{
	if (set) {
		source_free(set->source);
		cleanup_fd(&set->fd);
		free(set);
	}
	return NULL;
}

static int pollset_control(struct pollset_entry *entry, int operation, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = entry};

	return epoll_ctl(entry->set->fd, operation, entry->fd, &event) < 0 ? -errno : 0;
}

int pollset_add(struct pollset *set, struct pollset_entry *entry, int fd, uint32_t events,
	void (*fn)(uint32_t events, void *userdata), void *userdata)
{
	int r;

	*entry = (struct pollset_entry){.set = set, .fd = fd, .fn = fn, .userdata = userdata};
	r = pollset_control(entry, EPOLL_CTL_ADD, events);
	if (r < 0)
		entry->set = NULL;
	return r;
}

int pollset_watch(struct pollset_entry *entry, uint32_t events)
{
	return entry->set ? pollset_control(entry, EPOLL_CTL_MOD, events) : -ENOENT;
}

void pollset_remove(struct pollset_entry *entry)
{
	struct pollset *set = entry->set;

	if (!set)
		return;
	pollset_control(entry, EPOLL_CTL_DEL, 0);
	for (int i = set->next; i < set->fetched; i++)
		if (set->batch[i].data.ptr == entry)
			set->batch[i].data.ptr = NULL;
	entry->set = NULL;
}
