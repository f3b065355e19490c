// SPDX-License-Identifier: Apache-2.0
#include "user/control/queue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/base/log.h"
#include "user/base/loop.h"

/* A key in the heap.  When it was moved forward, an older entry stays, and is not the one that is due. */
struct entry {
	uint64_t at, order;
	char *key;
};

struct queue {
	void (*fn)(void *userdata, const char *key);
	void *userdata;
	struct timer *timer;
	struct entry *heap; /* the first is due first; each before its two children */
	size_t count, room;
	uint64_t orders;
	json_t *due;	  /* key -> when, microseconds */
	json_t *failures; /* key -> how many in a row */
};

/* --- the heap --- */

static bool is_before(const struct entry *a, const struct entry *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct entry *a, struct entry *b)
{
	struct entry kept = *a;

	*a = *b;
	*b = kept;
}

static int heap_push(struct queue *queue, const char *key, uint64_t at)
{
	char *copy = strdup(key);
	size_t i = queue->count;

	if (copy && queue->count == queue->room) {
		size_t room = queue->room ? queue->room * 2 : 64;
		void *grown = realloc(queue->heap, room * sizeof(queue->heap[0]));

		if (!grown) {
			free(copy);
			return -ENOMEM;
		}
		queue->heap = grown;
		queue->room = room;
	}
	if (!copy)
		return -ENOMEM;
	queue->heap[queue->count++] = (struct entry){at, queue->orders++, copy};
	for (; i > 0 && is_before(&queue->heap[i], &queue->heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap(&queue->heap[i], &queue->heap[(i - 1) / 2]);
	return 0;
}

/* The caller frees the key. */
static char *heap_pop(struct queue *queue)
{
	char *key = queue->heap[0].key;
	size_t i = 0, child;

	queue->heap[0] = queue->heap[--queue->count];
	while ((child = 2 * i + 1) < queue->count) {
		if (child + 1 < queue->count &&
			is_before(&queue->heap[child + 1], &queue->heap[child]))
			child++;
		if (!is_before(&queue->heap[child], &queue->heap[i]))
			break;
		swap(&queue->heap[child], &queue->heap[i]);
		i = child;
	}
	return key;
}

/* --- keys --- */

static uint64_t queue_due(const struct queue *queue, const char *key)
{
	const json_t *at = json_object_get(queue->due, key);

	return at ? (uint64_t)json_integer_value(at) : USEC_NEVER;
}

/* When the first key is due; entries that were overtaken go. */
static uint64_t queue_first(struct queue *queue)
{
	while (queue->count && queue_due(queue, queue->heap[0].key) != queue->heap[0].at)
		free(heap_pop(queue));
	return queue->count ? queue->heap[0].at : USEC_NEVER;
}

/* One key a turn: others on the loop have theirs in between. */
static void queue_turn(void *userdata)
{
	struct queue *queue = userdata;
	AUTO_FREE char *key = NULL;

	if (queue_first(queue) <= clock_now()) {
		key = heap_pop(queue);
		json_object_del(queue->due, key);
		queue->fn(queue->userdata, key);
	}
	timer_arm(queue->timer, queue_first(queue));
}

int queue_new(sd_event *loop, void (*fn)(void *userdata, const char *key), void *userdata,
	struct queue **ret)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	*queue = (struct queue){
		.fn = fn,
		.userdata = userdata,
		.due = json_object(),
		.failures = json_object(),
	};
	if (!queue->due || !queue->failures ||
		timer_new(loop, queue_turn, queue, &queue->timer, NULL) < 0) {
		queue_free(queue);
		return -ENOMEM;
	}
	*ret = queue;
	return 0;
}

struct queue *queue_free(struct queue *queue)
{
	if (!queue)
		return NULL;
	timer_free(queue->timer);
	for (size_t i = 0; i < queue->count; i++)
		free(queue->heap[i].key);
	free(queue->heap);
	json_decref(queue->due);
	json_decref(queue->failures);
	free(queue);
	return NULL;
}

void queue_add_at(struct queue *queue, const char *key, uint64_t at)
{
	if (queue_due(queue, key) <= at)
		return;
	if (json_object_set_new(queue->due, key, json_integer((json_int_t)at)) < 0 ||
		heap_push(queue, key, at) < 0) {
		json_object_del(queue->due, key);
		log_warning("no memory to remember '%s', it waits for its next change", key);
	}
	timer_arm(queue->timer, queue_first(queue));
}

void queue_add(struct queue *queue, const char *key)
{
	queue_add_at(queue, key, clock_now());
}

void queue_retry(struct queue *queue, const char *key)
{
	long long failures = json_integer_at(queue->failures, key, 0);
	uint64_t wait = QUEUE_RETRY_FIRST << (failures < 20 ? failures : 20);

	json_object_set_new(queue->failures, key, json_integer(failures + 1));
	queue_add_at(queue, key, clock_now() + (wait < QUEUE_RETRY_MOST ? wait : QUEUE_RETRY_MOST));
}

void queue_forget(struct queue *queue, const char *key)
{
	json_object_del(queue->failures, key);
}
