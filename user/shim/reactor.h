/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's event loop: epoll, one event at a time, so that a handler may free any source.  sd-event
 * would cost more memory than the rest of the shim.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

struct reactor {
	int epoll_fd;
	struct alarm *alarms; /* unsorted: a shim has a handful */
	bool stopped;
};

/* Embedded in what it wakes.  fd -1: not watched. */
struct source {
	int fd;
	int epoll_fd;
	void (*ready)(struct source *source);
};

/* A one-shot deadline, embedded in what it wakes. */
struct alarm {
	struct alarm *next;
	uint64_t at; /* clock_now() microseconds */
	void (*fire)(struct alarm *alarm);
	bool armed;
};

/* Lives as long as the process. */
int reactor_open(struct reactor *reactor, struct err *err);
/* Handles events until reactor->stopped. */
int reactor_run(struct reactor *reactor, struct err *err);

/* Watches @fd for reading (or hang-up); the source owns it from here. */
int source_add(struct reactor *reactor, struct source *source, int fd,
	void (*ready)(struct source *), struct err *err);
/* Closes the descriptor.  Accepts a source that watches nothing. */
void source_close(struct source *source);
/* Stops watching and hands the descriptor back; -1 when it watched nothing. */
int source_release(struct source *source);

/* Fires once at @at, clock_now() microseconds; sets an armed one anew. */
void alarm_set(
	struct reactor *reactor, struct alarm *alarm, uint64_t at, void (*fire)(struct alarm *));
/* Accepts an alarm that is not armed. */
void alarm_clear(struct reactor *reactor, struct alarm *alarm);

/* The object that holds @member. */
#define CONTAINER_OF(pointer, type, member) \
	((type *)((char *)(pointer) - __builtin_offsetof(type, member)))
