/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Something that an API server is to hold as we want it: plan a request, send it, plan again, until there is
 * nothing left to ask for.  One request at a time, with a deadline; after a failure it waits, longer each
 * time, so that a server that is away costs nothing.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/client/client.h"

struct writer;

/* A request.  The writer takes target and body; NULL in one of them is a lack of memory. */
struct write {
	const char *method;
	char *target;
	const char *content_type; /* a constant; NULL: JSON */
	json_t *body;
};

enum written {
	WRITTEN,	/* plan again at once */
	WRITTEN_LATER,	/* plan again after the wait of a failure; nothing is wrong */
	WRITTEN_FAILED, /* the same, and it is told */
};

struct writer_events {
	/* Fills @ret and answers true; false: nothing is to be written until the next writer_look. */
	bool (*plan)(void *userdata, struct write *ret);
	/* NULL in @answer->body is possible.  Not called when there was no answer. */
	enum written (*done)(void *userdata, const struct client_answer *answer);
};

#define WRITER_RETRY_FIRST UINT64_C(200000) /* microseconds; doubles with each failure */
#define WRITER_RETRY_MOST  UINT64_C(10000000)
#define WRITER_DEADLINE	   UINT64_C(20000000)

/*
 * @pace: the least time between two requests, in microseconds.  The caller owns *@ret and frees it before the
 * client.  -ENOMEM.
 */
int writer_new(struct client *client, uint64_t pace, const struct writer_events *events,
	void *userdata, struct writer **ret);

/* No call follows.  Accepts NULL; returns NULL.  Not from its own events. */
struct writer *writer_free(struct writer *writer);

/* Plans on the next turn of the loop; after a failure, when its wait is over. */
void writer_look(struct writer *writer);

/* The same at @at (clock_now() microseconds) at the latest. */
void writer_look_at(struct writer *writer, uint64_t at);

/* The server can be reached again: no wait is worth while. */
void writer_hurry(struct writer *writer);

/* "/api/v1/namespaces/NS/pods/NAME/SUB": @group "" is core; @namespace, @name, @sub may be NULL.  The caller
 * frees it; NULL when memory is out. */
char *writer_target(const char *group, const char *version, const char *namespace,
	const char *plural, const char *name, const char *sub);
