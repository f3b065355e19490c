/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of store: what its files share. */
#pragma once

#include "user/base/err.h"
#include "user/store/backend.h"
#include "user/store/request.h"
#include "user/store/store.h"

struct etcd;
struct timer;
struct worker;

struct store {
	struct etcd *etcd; /* decides by itself what is written; NULL: what follows does */
	const struct backend_ops *ops; /* NULL: memory alone */
	void *backend;
	struct worker *worker;
	struct index index;
	struct history history;
	uint64_t revision;
	uint64_t compact_done; /* what the backend has forgotten */
	struct backlog pending;
	struct commit *commit; /* under way */
	struct timer *retry;   /* a commit that could not begin */
	struct store_watch *watches;
	struct err broken; /* of the last batch; code 0: it was written */
};

/* watch.c */
/* Wakes those who read what @key is below. */
void store_wake(struct store *store, const char *key);

/* Wakes everybody. */
void store_wake_all(struct store *store);

/* commit.c */
/* Enters a durable change: index, log, watches.  -ENOMEM: nothing changed. */
int store_apply(struct store *store, const struct record *record);
/* Begins the next batch, if writes wait and none is under way. */
void store_commit_start(void *store);
