// SPDX-License-Identifier: Apache-2.0
#include "user/store/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/store/blob.h"

struct store_event *store_event_new(
	const char *key, uint64_t revision, struct blob *value, struct blob *previous)
{
	size_t size = strlen(key) + 1;
	struct store_event *event = malloc(sizeof(*event) + size);

	if (!event)
		return NULL;
	*event = (struct store_event){
		.revision = revision,
		.value = blob_ref(value),
		.previous = blob_ref(previous),
	};
	memcpy(event->key, key, size);
	return event;
}

void store_event_free(struct store_event *event)
{
	if (!event)
		return;
	blob_unref(event->value);
	blob_unref(event->previous);
	free(event);
}

int history_init(struct history *history, size_t most, size_t most_bytes, uint64_t compacted)
{
	*history = (struct history){
		.ring = calloc(most, sizeof(struct store_event *)),
		.room = most,
		.most_bytes = most_bytes,
		.compacted = compacted,
	};
	return history->ring ? 0 : -ENOMEM;
}

/* What the event alone keeps in memory once the next change of its key has come. */
static size_t event_bytes(const struct store_event *event)
{
	return event->previous ? event->previous->size : 0;
}

static void history_drop_first(struct history *history)
{
	struct store_event **at = &history->ring[history->first % history->room];

	history->bytes -= event_bytes(*at);
	history->compacted = (*at)->revision;
	store_event_free(*at);
	*at = NULL;
	history->first++;
}

void history_append(struct history *history, struct store_event *event)
{
	if (history->next - history->first == history->room)
		history_drop_first(history);
	history->ring[history->next % history->room] = event;
	history->next++;
	history->bytes += event_bytes(event);
	while (history->bytes > history->most_bytes && history->next - history->first > 1)
		history_drop_first(history);
}

const struct store_event *history_at(const struct history *history, uint64_t place)
{
	if (place < history->first || place >= history->next)
		return NULL;
	return history->ring[place % history->room];
}

uint64_t history_after(const struct history *history, uint64_t revision)
{
	uint64_t low = history->first, high = history->next;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;

		if (history->ring[middle % history->room]->revision <= revision)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void history_compact(struct history *history, uint64_t revision)
{
	while (history->first < history->next &&
		history->ring[history->first % history->room]->revision <= revision)
		history_drop_first(history);
	if (history->compacted < revision)
		history->compacted = revision;
}

void history_break(struct history *history, uint64_t revision)
{
	while (history->first < history->next)
		history_drop_first(history);
	history->first = ++history->next;
	history->compacted = revision;
}

void history_clear(struct history *history)
{
	while (history->first < history->next)
		history_drop_first(history);
	free(history->ring);
	*history = (struct history){0};
}
