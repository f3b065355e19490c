/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of store: a write that somebody has begun and that has not ended. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/store/store.h"

struct request {
	struct request *next;
	store_done_fn done;
	void *userdata;
	uint64_t since; /* clock_now() when it came */
	int result;
	uint64_t revision;
	size_t compare_count, change_count;
	struct store_compare *compares;
	struct store_change *changes; /* with references */
	char keys[];
};

/* First come, first served. */
struct backlog {
	struct request *first, **end;
	size_t count;
};

/* Nobody waits. */
void backlog_init(struct backlog *backlog);

/* Takes @request to the end. */
void backlog_add(struct backlog *backlog, struct request *request);

/* The oldest one, the caller's then; NULL: there is none. */
struct request *backlog_take(struct backlog *backlog);

/* Moves all of @earlier before those that are there. */
void backlog_prepend(struct backlog *backlog, struct backlog *earlier);

/* Frees all; nobody is told. */
void backlog_clear(struct backlog *backlog);

/* A copy of what @txn says.  NULL when memory is out. */
struct request *request_new(const struct store_txn *txn, store_done_fn done, void *userdata);

/* Tells who began it how it has ended, and frees it. */
void request_end(struct request *request, int result, uint64_t revision);

/* Accepts no NULL. */
void request_free(struct request *request);
