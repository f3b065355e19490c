/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events that wait to be written.  The same again within ten minutes raises the count of the first;
 * when too many wait, the oldest go.  Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct eventlog;

#define EVENTLOG_WAITING_MOST 1000
#define EVENTLOG_KNOWN_MOST   2000
#define EVENTLOG_SAME	      UINT64_C(600000000) /* microseconds */

/* What happened to whom.  All strings are borrowed during the call. */
struct event {
	const char *kind, *namespace, *name, *uid; /* of the object; @namespace "" for a Node */
	const char *field; /* "spec.containers{web}"; NULL: the object as a whole */
	bool warning;
	const char *reason, *message;
};

/* @node: the name of this node, borrowed.  NULL when memory is out. */
struct eventlog *eventlog_new(const char *node);

/* Accepts NULL; returns NULL. */
struct eventlog *eventlog_free(struct eventlog *log);

/* @wall: microseconds since 1970.  -ENOMEM. */
int eventlog_add(struct eventlog *log, const struct event *event, uint64_t wall);

/*
 * The Event that has waited longest, to be written now.  *@ret_posted: the server has it, only its count and
 * time are new.  Borrowed until the next call; NULL: none waits.
 */
const json_t *eventlog_take(struct eventlog *log, bool *ret_posted);

/* The one taken was written. */
void eventlog_written(struct eventlog *log);
/* The server does not have the one taken (any more). */
void eventlog_unposted(struct eventlog *log);
/* The server will not have the one taken. */
void eventlog_drop(struct eventlog *log);

/* How many were dropped because too many waited. */
uint64_t eventlog_lost(const struct eventlog *log);
