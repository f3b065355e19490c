// SPDX-License-Identifier: Apache-2.0
#include "user/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/store/etcd.h"
#include "user/store/state.h"

#define SQLITE "sqlite:"
#define ETCD   "etcd="

static int store_load_record(void *userdata, const struct record *record)
{
	struct store *store = userdata;

	return store_apply(store, record);
}

static int store_load(struct store *store, struct err *err)
{
	int r;

	if (!store->ops)
		return 0;
	r = store->ops->load(store->backend, store_load_record, store, &store->compact_done, err);
	if (r < 0)
		return r;
	history_compact(&store->history, store->compact_done);
	/* The last changes may have been deletions, which compaction forgets. */
	if (store->revision < store->compact_done)
		store->revision = store->compact_done;
	return 0;
}

const char *store_path(const char *where)
{
	const char *path = where + strlen(SQLITE);

	return strncmp(where, SQLITE, strlen(SQLITE)) == 0 && path[0] ? path : NULL;
}

static int store_history(struct store *store, const struct store_config *config, struct err *err)
{
	size_t events = config->history_events ? config->history_events : STORE_HISTORY_EVENTS;
	size_t bytes = config->history_bytes ? config->history_bytes : STORE_HISTORY_BYTES;
	int r = history_init(&store->history, events, bytes, 0);

	return r < 0 ? err_set(err, -r, "open the store") : 0;
}

/* One that keeps what this process decides. */
static int store_open_local(sd_event *loop, struct store *store, const char *path, struct err *err)
{
	int r = path ? sqlite_open(path, &store->backend, err) : 0;

	if (r == 0 && path)
		store->ops = &sqlite_ops;
	if (r == 0)
		r = store_load(store, err);
	if (r == 0)
		r = worker_new(loop, &store->worker, err);
	return r == 0 ? timer_new(loop, store_commit_start, store, &store->retry, err) : r;
}

static int store_backend_open(
	sd_event *loop, struct store *store, const struct store_config *config, struct err *err)
{
	const char *where = config->where;

	if (strcmp(where, "memory") == 0 || store_path(where))
		return store_open_local(loop, store, store_path(where), err);
	if (strncmp(where, ETCD, strlen(ETCD)) == 0 && where[strlen(ETCD)])
		return etcd_open(loop, store, where + strlen(ETCD), config, &store->etcd, err);
	return err_refuse(
		err, EINVAL, "store '%s': must be memory, sqlite:PATH or etcd=URL[,URL...]", where);
}

int store_open(
	sd_event *loop, const struct store_config *config, struct store **ret, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));
	int r;

	if (!store)
		return err_set(err, ENOMEM, "open the store");
	backlog_init(&store->pending);
	r = store_history(store, config, err);
	if (r == 0)
		r = store_backend_open(loop, store, config, err);
	if (r < 0) {
		store_free(store);
		return r;
	}
	*ret = store;
	return 0;
}

struct store *store_free(struct store *store)
{
	if (!store)
		return NULL;
	store->etcd = etcd_free(store->etcd);
	worker_free(store->worker);
	timer_free(store->retry);
	backlog_clear(&store->pending);
	if (store->ops && store->backend)
		store->ops->free(store->backend);
	history_clear(&store->history);
	index_clear(&store->index);
	free(store);
	return NULL;
}

uint64_t store_revision(const struct store *store)
{
	return store->revision;
}

const char *store_problem(const struct store *store)
{
	if (store->etcd)
		return etcd_problem(store->etcd);
	return store->broken.code ? store->broken.text : NULL;
}

uint64_t store_compacted(const struct store *store)
{
	return store->history.compacted;
}

const struct store_entry *store_get(const struct store *store, const char *key)
{
	return index_find(&store->index, key);
}

const struct store_entry *const *store_range(
	const struct store *store, const char *prefix, const char *after, size_t *ret_count)
{
	const struct index *index = &store->index;
	size_t at = index_seek(index, after ? after : prefix);

	if (after && at < index->count && strcmp(index->entries[at]->key, after) == 0)
		at++;
	*ret_count = index_prefix_end(index, at, prefix) - at;
	return (const struct store_entry *const *)(index->entries + at);
}

/* Takes back one change in a copy of the past. */
static int range_undo(struct index *index, const struct store_event *event)
{
	if (event->previous)
		return index_put(index, event->key, event->previous, event->created,
			event->previous_modified);
	index_remove(index, event->key);
	return 0;
}

static int range_copy(const struct store *store, const char *prefix, struct index *ret)
{
	size_t count;
	const struct store_entry *const *entries = store_range(store, prefix, NULL, &count);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = index_put(ret, entries[i]->key, entries[i]->value, entries[i]->created,
			entries[i]->modified);
	return r;
}

int store_range_at(
	const struct store *store, const char *prefix, uint64_t revision, struct index *ret)
{
	const struct history *history = &store->history;
	uint64_t oldest = history_after(history, revision);
	struct index past = {0};
	int r;

	if (revision > store->revision)
		return -ERANGE;
	if (revision < history->compacted)
		return -ESTALE;
	r = range_copy(store, prefix, &past);
	for (uint64_t place = history->next; place > oldest && r == 0; place--) {
		const struct store_event *event = history_at(history, place - 1);

		if (strncmp(event->key, prefix, strlen(prefix)) == 0)
			r = range_undo(&past, event);
	}
	if (r < 0)
		index_clear(&past);
	else
		*ret = past;
	return r;
}

int store_commit(
	struct store *store, const struct store_txn *txn, store_done_fn done, void *userdata)
{
	struct request *request;

	if (store->pending.count >= STORE_PENDING_MOST)
		return -ENOBUFS;
	request = request_new(txn, done, userdata);
	if (!request)
		return -ENOMEM;
	backlog_add(&store->pending, request);
	if (store->etcd)
		etcd_start(store->etcd);
	else
		store_commit_start(store);
	return 0;
}
