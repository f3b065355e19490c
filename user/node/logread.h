/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a container's CRI log on the loop and hands out the container's own text, without stream names and, unless they
 * are asked for, times.  Follows across rotations (N.log renamed, a new N.log made by the writer).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct err;
struct logread;

#define LOGREAD_ALL (-1)

struct logread_spec {
	const char *dir; /* the container's: holds N.log, N being the attempt */
	bool previous;	 /* the attempt before the newest one */
	bool follow;	 /* go on until logread_finish */
	int64_t tail;	 /* so many lines of the file; LOGREAD_ALL */
	int64_t since;	 /* microseconds since 1970: nothing older; 0: all */
	bool times;	 /* each line begins with its time */
	int64_t most;	 /* bytes to hand out in all; 0: no limit */
};

struct logread_events {
	/* Text (borrowed): answer 0 to get more, 1 to wait for logread_resume. */
	int (*text)(void *userdata, const char *text, size_t len);
	/* The last call: 0 at the end, or a negative errno and why. */
	void (*ended)(void *userdata, int result, const char *reason);
};

/* -ENOENT: there is no such log (no attempt yet, or no previous one).  The caller owns *@ret; events come
 * from the loop, never from this call. */
int logread_open(sd_event *loop, const struct logread_spec *spec,
	const struct logread_events *events, void *userdata, struct logread **ret, struct err *err);

/* Goes on after `text` answered 1. */
void logread_resume(struct logread *reader);

/* The container is gone: read what is there, then end.  Only needed with follow. */
void logread_finish(struct logread *reader);

/* No call follows.  May be called from the events.  Accepts NULL; returns NULL. */
struct logread *logread_free(struct logread *reader);
