/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of api: what its files share. */
#pragma once

#include "user/api/api.h"
#include "user/api/range.h"

struct audit;
struct policy;
struct signer;
struct watcher;
struct write;

struct api {
	sd_event *loop;
	struct store *store;
	struct api_config config;
	struct address_range services;
	struct watcher *watchers;
	size_t watcher_count;
	struct write *writes;
	bool closing; /* nothing new begins */
	struct policy *policy;
	struct signer *signer; /* NULL: no tokens */
	struct audit *audit;   /* NULL: nothing is recorded */
};

/* watch.c: ends all. */
void watchers_free(struct api *api);
