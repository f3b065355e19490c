// SPDX-License-Identifier: Apache-2.0
#include "user/control/waiting.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/snapshot.h"

struct heap;

struct waiter {
	char *key;
	json_t *pod; /* owned */
	long long priority;
	uint64_t since, order; /* it waits in the line */
	uint64_t due;	       /* it comes back to the line */
	uint64_t backoff;      /* not before then */
	unsigned attempts, causes;
	struct heap *heap; /* NULL: it has its turn */
	size_t at;
};

struct heap {
	struct waiter **list;
	size_t count, room;
	bool (*is_before)(const struct waiter *a, const struct waiter *b);
};

struct waiting {
	struct heap line, later;
	void *by_key;
	uint64_t orders;
	size_t count;
};

static bool line_before(const struct waiter *a, const struct waiter *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->since != b->since ? a->since < b->since : a->order < b->order;
}

static bool later_before(const struct waiter *a, const struct waiter *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

/* --- the heap --- */

static void heap_set(struct heap *heap, size_t at, struct waiter *entry)
{
	heap->list[at] = entry;
	entry->heap = heap;
	entry->at = at;
}

static void heap_up(struct heap *heap, size_t at)
{
	struct waiter *entry = heap->list[at];

	for (; at > 0 && heap->is_before(entry, heap->list[(at - 1) / 2]); at = (at - 1) / 2)
		heap_set(heap, at, heap->list[(at - 1) / 2]);
	heap_set(heap, at, entry);
}

static void heap_down(struct heap *heap, size_t at)
{
	struct waiter *entry = heap->list[at];
	size_t child;

	while ((child = 2 * at + 1) < heap->count) {
		if (child + 1 < heap->count &&
			heap->is_before(heap->list[child + 1], heap->list[child]))
			child++;
		if (!heap->is_before(heap->list[child], entry))
			break;
		heap_set(heap, at, heap->list[child]);
		at = child;
	}
	heap_set(heap, at, entry);
}

/* Each entry has room in both heaps since it is known. */
static void heap_push(struct heap *heap, struct waiter *entry)
{
	heap->list[heap->count] = entry;
	heap_up(heap, heap->count++);
}

static void heap_remove(struct waiter *entry)
{
	struct heap *heap = entry->heap;
	size_t at = entry->at;

	if (!heap)
		return;
	entry->heap = NULL;
	heap->count--;
	if (at == heap->count)
		return;
	heap_set(heap, at, heap->list[heap->count]);
	heap_up(heap, at);
	heap_down(heap, heap->list[at]->at);
}

static int heap_reserve(struct heap *heap, size_t count)
{
	size_t room = heap->room ? heap->room * 2 : 64;
	void *grown;

	if (count <= heap->room)
		return 0;
	grown = reallocarray(heap->list, room, sizeof(heap->list[0]));
	if (!grown)
		return -ENOMEM;
	heap->list = grown;
	heap->room = room;
	return 0;
}

/* --- entries --- */

static int waiter_order(const void *a, const void *b)
{
	return strcmp(((const struct waiter *)a)->key, ((const struct waiter *)b)->key);
}

static struct waiter *waiter_find(const struct waiting *waiting, const char *key)
{
	struct waiter wanted = {.key = (char *)key};
	struct waiter **found = tfind(&wanted, &waiting->by_key, waiter_order);

	return found ? *found : NULL;
}

static void waiter_free(void *waiter_data)
{
	struct waiter *entry = waiter_data;

	json_decref(entry->pod);
	free(entry->key);
	free(entry);
}

static struct waiter *waiter_new(struct waiting *waiting, const char *key)
{
	struct waiter *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	entry->key = strdup(key);
	if (!entry->key || heap_reserve(&waiting->line, waiting->count + 1) < 0 ||
		heap_reserve(&waiting->later, waiting->count + 1) < 0 ||
		!tsearch(entry, &waiting->by_key, waiter_order)) {
		waiter_free(entry);
		return NULL;
	}
	waiting->count++;
	return entry;
}

static void waiter_queue(struct waiting *waiting, struct waiter *entry, uint64_t now)
{
	heap_remove(entry);
	entry->since = now;
	entry->order = waiting->orders++;
	heap_push(&waiting->line, entry);
}

static void waiter_delay(struct waiting *waiting, struct waiter *entry, uint64_t due)
{
	heap_remove(entry);
	entry->due = due;
	entry->order = waiting->orders++;
	heap_push(&waiting->later, entry);
}

/* Not the status: that is what we write ourselves. */
static bool differs(const json_t *a, const json_t *b)
{
	return !json_equal(json_object_get(a, "spec"), json_object_get(b, "spec")) ||
	       !json_equal(meta_labels(a), meta_labels(b));
}

int waiting_put(struct waiting *waiting, const char *key, const json_t *pod, uint64_t now)
{
	struct waiter *entry = waiter_find(waiting, key);
	bool known, changed;
	json_t *old;

	if (entry && strcmp(meta_text(entry->pod, "uid"), meta_text(pod, "uid")) != 0) {
		waiting_remove(waiting, key);
		entry = NULL;
	}
	known = entry != NULL;
	if (!entry)
		entry = waiter_new(waiting, key);
	if (!entry)
		return -ENOMEM;
	old = entry->pod;
	changed = !known || differs(old, pod);
	entry->pod = json_incref((json_t *)pod);
	json_decref(old);
	if (!changed || (known && !entry->heap))
		return 0;
	entry->priority = pod_priority(pod);
	waiter_queue(waiting, entry, now);
	return 0;
}

void waiting_remove(struct waiting *waiting, const char *key)
{
	struct waiter *entry = waiter_find(waiting, key);

	if (!entry)
		return;
	heap_remove(entry);
	tdelete(entry, &waiting->by_key, waiter_order);
	waiter_free(entry);
	waiting->count--;
}

/* --- turns --- */

const json_t *waiting_next(struct waiting *waiting, uint64_t now)
{
	struct waiter *entry;

	while (waiting->later.count && waiting->later.list[0]->due <= now)
		waiter_queue(waiting, waiting->later.list[0], now);
	if (!waiting->line.count)
		return NULL;
	entry = waiting->line.list[0];
	heap_remove(entry);
	return entry->pod;
}

static void waiter_failed(struct waiter *entry, uint64_t now)
{
	uint64_t wait = WAITING_BACKOFF_FIRST << (entry->attempts < 10 ? entry->attempts : 10);

	entry->attempts++;
	entry->backoff = now + (wait < WAITING_BACKOFF_MOST ? wait : WAITING_BACKOFF_MOST);
}

void waiting_park(struct waiting *waiting, const char *key, unsigned causes, uint64_t now)
{
	struct waiter *entry = waiter_find(waiting, key);

	if (!entry)
		return;
	waiter_failed(entry, now);
	entry->causes = causes;
	waiter_delay(waiting, entry, now + WAITING_PARKED_MOST);
}

void waiting_again(struct waiting *waiting, const char *key, uint64_t now)
{
	struct waiter *entry = waiter_find(waiting, key);

	if (!entry)
		return;
	waiter_failed(entry, now);
	entry->causes = 0;
	waiter_delay(waiting, entry, entry->backoff);
}

void waiting_hold(struct waiting *waiting, const char *key, unsigned cause)
{
	struct waiter *entry = waiter_find(waiting, key);

	if (!entry)
		return;
	entry->causes = cause;
	entry->backoff = 0;
	waiter_delay(waiting, entry, UINT64_MAX);
}

/* When it has waited enough.  It is out of order then. */
static void waiter_wake(struct waiter *entry, uint64_t now)
{
	entry->causes = 0;
	entry->due = entry->backoff > now ? entry->backoff : now;
}

void waiting_wake_one(struct waiting *waiting, const char *key, unsigned causes, uint64_t now)
{
	struct waiter *entry = waiter_find(waiting, key);

	if (!entry || entry->heap != &waiting->later || !(entry->causes & causes))
		return;
	waiter_wake(entry, now);
	heap_up(&waiting->later, entry->at);
	heap_down(&waiting->later, entry->at);
}

void waiting_wake(struct waiting *waiting, unsigned causes, uint64_t now)
{
	struct heap *later = &waiting->later;
	bool any = false;

	for (size_t i = 0; i < later->count; i++)
		if (later->list[i]->causes & causes) {
			waiter_wake(later->list[i], now);
			any = true;
		}
	for (size_t i = later->count / 2; any && i > 0; i--)
		heap_down(later, i - 1);
}

uint64_t waiting_due(const struct waiting *waiting)
{
	if (waiting->line.count)
		return 0;
	return waiting->later.count ? waiting->later.list[0]->due : UINT64_MAX;
}

/* --- life --- */

struct waiting *waiting_new(void)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return NULL;
	waiting->line.is_before = line_before;
	waiting->later.is_before = later_before;
	return waiting;
}

struct waiting *waiting_free(struct waiting *waiting)
{
	if (!waiting)
		return NULL;
	tdestroy(waiting->by_key, waiter_free);
	free(waiting->line.list);
	free(waiting->later.list);
	free(waiting);
	return NULL;
}
