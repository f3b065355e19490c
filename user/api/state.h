/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api: what its files share. */
#pragma once

#include "user/api/api.h"
#include "user/api/range.h"

struct audit;
struct memo;
struct policy;
struct signer;
struct timer;
struct watcher;
struct write;

/* Watchers that have something to tell, the longest waiting first.  They share a timer: an event source each would
 * cost a turn of the loop for every watcher of an object. */
struct watch_queue {
	struct watcher *first, **end;
	struct timer *timer;
	struct memo *memo; /* what they read */
	uint64_t due;	   /* clock_now() microseconds: not before */
};

struct api {
	sd_event *loop;
	struct store *store;
	struct api_config config;
	struct address_range services;
	struct watcher *watchers;
	size_t watcher_count;
	struct watch_queue ready;
	struct write *writes;
	bool closing; /* nothing new begins */
	struct policy *policy;
	struct signer *signer; /* NULL: no tokens */
	struct audit *audit;   /* NULL: nothing is recorded */
};

/* watch.c: ends all. */
void watchers_free(struct api *api);
