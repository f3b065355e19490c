/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that wait to be looked at: each once, however often it was asked for, and later after each failure. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

struct queue;

#define QUEUE_RETRY_FIRST (5 * UINT64_C(1000)) /* microseconds; doubles with each failure */
#define QUEUE_RETRY_MOST  (60 * UINT64_C(1000000))

/* @fn is called for one key after the other, from the loop.  The caller owns *@ret.  -ENOMEM. */
int queue_new(sd_event *loop, void (*fn)(void *userdata, const char *key), void *userdata,
	struct queue **ret);

/* Accepts NULL; returns NULL. */
struct queue *queue_free(struct queue *queue);

/* As soon as it is its turn. */
void queue_add(struct queue *queue, const char *key);

/* At @at (clock_now() microseconds) at the latest. */
void queue_add_at(struct queue *queue, const char *key, uint64_t at);

/* It failed: later. */
void queue_retry(struct queue *queue, const char *key);

/* It succeeded: the next failure is the first one. */
void queue_forget(struct queue *queue, const char *key);
