// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/store/state.h"

struct store_watch {
	struct store *store;
	struct store_watch *next, **link;
	void (*wake)(void *userdata);
	void *userdata;
	uint64_t place;	   /* of the next event to look at */
	uint64_t revision; /* all up to here is read */
	bool awake;
	size_t prefix_length;
	char prefix[];
};

static void watch_wake(struct store_watch *watch)
{
	if (watch->awake)
		return;
	watch->awake = true;
	watch->wake(watch->userdata);
}

void store_wake(struct store *store, const char *key)
{
	for (struct store_watch *watch = store->watches; watch; watch = watch->next)
		if (strncmp(key, watch->prefix, watch->prefix_length) == 0)
			watch_wake(watch);
}

void store_wake_all(struct store *store)
{
	for (struct store_watch *watch = store->watches; watch; watch = watch->next)
		watch_wake(watch);
}

int store_watch_new(struct store *store, const char *prefix, uint64_t after,
	void (*wake)(void *userdata), void *userdata, struct store_watch **ret)
{
	size_t length = strlen(prefix);
	struct store_watch *watch;

	if (after < store->history.compacted)
		return -ESTALE;
	watch = calloc(1, sizeof(*watch) + length + 1);
	if (!watch)
		return -ENOMEM;
	watch->store = store;
	watch->wake = wake;
	watch->userdata = userdata;
	watch->place = history_after(&store->history, after);
	watch->revision = after;
	watch->prefix_length = length;
	memcpy(watch->prefix, prefix, length);
	watch->next = store->watches;
	watch->link = &store->watches;
	if (watch->next)
		watch->next->link = &watch->next;
	store->watches = watch;
	*ret = watch;
	return 0;
}

const struct store_event *store_watch_next(struct store_watch *watch, bool *ret_stale)
{
	struct store *store = watch->store;

	*ret_stale = watch->place < store->history.first;
	while (!*ret_stale) {
		const struct store_event *event = history_at(&store->history, watch->place);

		if (!event) {
			watch->awake = false;
			if (watch->revision < store->revision)
				watch->revision = store->revision;
			return NULL;
		}
		watch->place++;
		/* Not yet written when the watch began: that was asked to begin later. */
		if (event->revision <= watch->revision)
			continue;
		if (strncmp(event->key, watch->prefix, watch->prefix_length) == 0) {
			/* Others of the same write may follow. */
			watch->revision = event->revision - 1;
			return event;
		}
	}
	return NULL;
}

uint64_t store_watch_revision(const struct store_watch *watch)
{
	return watch->revision;
}

struct store_watch *store_watch_free(struct store_watch *watch)
{
	if (watch) {
		*watch->link = watch->next;
		if (watch->next)
			watch->next->link = watch->link;
		free(watch);
	}
	return NULL;
}
