/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The latest changes, oldest first, bounded by number and bytes: what watchers read and what takes the
 * index back to an earlier revision.  Each change has a place, counted from 0 since the store was opened,
 * that stays its own when older ones are dropped.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct blob;

struct store_event {
	uint64_t revision;
	struct blob *value;    /* NULL: the key was deleted */
	struct blob *previous; /* NULL: it was created */
	uint64_t created;      /* revision that made the key */
	uint64_t previous_modified;
	char key[];
};

struct history {
	struct store_event **ring; /* owned */
	size_t room, most_bytes;
	size_t bytes;
	uint64_t first, next; /* places */
	uint64_t compacted;   /* changes up to this revision are not all here any more */
};

/* Holds at most @most events and about @most_bytes of values.  0 or -ENOMEM. */
int history_init(struct history *history, size_t most, size_t most_bytes, uint64_t compacted);

/* Takes @event.  The oldest events go when there are too many. */
void history_append(struct history *history, struct store_event *event);

/* NULL: not there yet, or any more.  Borrowed, until the next append. */
const struct store_event *history_at(const struct history *history, uint64_t place);

/* The place of the first event behind @revision. */
uint64_t history_after(const struct history *history, uint64_t revision);

/* Forgets everything up to @revision. */
void history_compact(struct history *history, uint64_t revision);

/* Forgets everything, and what nobody has seen between the last event and @revision: whoever reads has missed it. */
void history_break(struct history *history, uint64_t revision);

/* Releases everything. */
void history_clear(struct history *history);

/* An event with references of its own to the values; NULL when memory is out. */
struct store_event *store_event_new(
	const char *key, uint64_t revision, struct blob *value, struct blob *previous);
/* Accepts NULL. */
void store_event_free(struct store_event *event);
