/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods that wait for a node: those that matter more first, and of those the longest waiting.  One that found
 * none waits until something changes that kept it off, and longer after each time.  Pure: time is given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct waiting;

/* Microseconds of a clock; as upstream. */
#define WAITING_BACKOFF_FIRST (1 * UINT64_C(1000000)) /* doubles with each time */
#define WAITING_BACKOFF_MOST  (10 * UINT64_C(1000000))
#define WAITING_PARKED_MOST   (300 * UINT64_C(1000000)) /* then it is tried anyway */

/* The caller owns it; NULL when memory is out. */
struct waiting *waiting_new(void);
/* Accepts NULL; returns NULL. */
struct waiting *waiting_free(struct waiting *waiting);

/* It waits, and has its turn at once when it is new or something of it has changed but its status.  -ENOMEM. */
int waiting_put(struct waiting *waiting, const char *key, const json_t *pod, uint64_t now);
/* It does not wait any more. */
void waiting_remove(struct waiting *waiting, const char *key);

/*
 * The next one whose turn it is; NULL: none now.  It is borrowed, and waits on only after waiting_park or
 * waiting_again.
 */
const json_t *waiting_next(struct waiting *waiting, uint64_t now);
/* It found no node for @causes, of which one has to change.  */
void waiting_park(struct waiting *waiting, const char *key, unsigned causes, uint64_t now);
/* What was decided of it could not be done: again, later each time. */
void waiting_again(struct waiting *waiting, const char *key, uint64_t now);
/* It has its turn once @cause changes; that was no attempt. */
void waiting_hold(struct waiting *waiting, const char *key, unsigned cause);

/* Something has changed: those that wait for one of @causes have their turn, or once they have waited enough. */
void waiting_wake(struct waiting *waiting, unsigned causes, uint64_t now);
/* One alone, that waits for one of @causes. */
void waiting_wake_one(struct waiting *waiting, const char *key, unsigned causes, uint64_t now);

/* When the next one has its turn; UINT64_MAX: none waits for time alone. */
uint64_t waiting_due(const struct waiting *waiting);
