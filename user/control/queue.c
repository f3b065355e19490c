// SPDX-License-Identifier: Apache-2.0
#include "user/control/queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/base/log.h"
#include "user/base/loop.h"

struct queue {
	void (*fn)(void *userdata, const char *key);
	void *userdata;
	struct timer *timer;
	json_t *due;	  /* key -> when, microseconds */
	json_t *failures; /* key -> how many in a row */
};

static uint64_t queue_due(const struct queue *queue, const char *key)
{
	const json_t *at = json_object_get(queue->due, key);

	return at ? (uint64_t)json_integer_value(at) : USEC_NEVER;
}

static const char *queue_first(const struct queue *queue, uint64_t *ret_at)
{
	const char *key, *first = NULL;
	json_t *value;

	*ret_at = USEC_NEVER;
	json_object_foreach (queue->due, key, value) {
		uint64_t at = (uint64_t)json_integer_value(value);

		if (first && at >= *ret_at)
			continue;
		first = key;
		*ret_at = at;
	}
	return first;
}

/* One key a turn: others on the loop have theirs in between. */
static void queue_turn(void *userdata)
{
	struct queue *queue = userdata;
	uint64_t at;
	const char *first = queue_first(queue, &at);
	AUTO_FREE char *key = NULL;

	if (first && at <= clock_now()) {
		key = strdup(first);
		json_object_del(queue->due, first);
		if (key)
			queue->fn(queue->userdata, key);
		queue_first(queue, &at);
	}
	timer_arm(queue->timer, at);
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
	json_decref(queue->due);
	json_decref(queue->failures);
	free(queue);
	return NULL;
}

void queue_add_at(struct queue *queue, const char *key, uint64_t at)
{
	uint64_t first;

	if (queue_due(queue, key) <= at)
		return;
	if (json_object_set_new(queue->due, key, json_integer((json_int_t)at)) < 0)
		log_warning("no memory to remember '%s', it waits for its next change", key);
	queue_first(queue, &first);
	timer_arm(queue->timer, first);
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
