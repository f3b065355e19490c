// SPDX-License-Identifier: Apache-2.0
/*
 * Group commit: all writes that wait when the backend is free go to it as one batch, so that one sync
 * of the disk serves them all.  Compares are decided when a batch is put together: the index then
 * holds all batches before, and what the batch itself has changed is looked up in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/store/state.h"

#define BATCH_MOST    256  /* requests; a compare looks through all changes of the batch */
#define COMPACT_EVERY 1000 /* revisions: a batch waits for the deletion of so many */
#define COMMIT_RETRY  (10 * USEC_PER_MSEC)

struct request {
	struct request *next;
	store_done_fn done;
	void *userdata;
	int result;
	uint64_t revision;
	size_t compare_count, change_count;
	struct store_compare *compares;
	struct store_change *changes; /* with references */
	char keys[];
};

struct commit {
	struct store *store;
	struct request *requests;
	struct record *records;
	size_t record_count;
	struct batch batch;
	int result;
	struct err err;
};

/* --- requests --- */

static size_t request_key_bytes(const struct store_txn *txn)
{
	size_t bytes = 0;

	for (size_t i = 0; i < txn->compare_count; i++)
		bytes += strlen(txn->compares[i].key) + 1;
	for (size_t i = 0; i < txn->change_count; i++)
		bytes += strlen(txn->changes[i].key) + 1;
	return bytes;
}

static void request_free(struct request *request)
{
	for (size_t i = 0; request->changes && i < request->change_count; i++)
		blob_unref(request->changes[i].value);
	free(request->compares);
	free(request->changes);
	free(request);
}

static void request_fill(struct request *request, const struct store_txn *txn)
{
	char *keys = request->keys;

	for (size_t i = 0; i < txn->compare_count; i++) {
		request->compares[i].modified = txn->compares[i].modified;
		request->compares[i].key = strcpy(keys, txn->compares[i].key);
		keys += strlen(keys) + 1;
	}
	for (size_t i = 0; i < txn->change_count; i++) {
		request->changes[i].value = blob_ref(txn->changes[i].value);
		request->changes[i].key = strcpy(keys, txn->changes[i].key);
		keys += strlen(keys) + 1;
	}
	request->compare_count = txn->compare_count;
	request->change_count = txn->change_count;
}

static struct request *request_new(const struct store_txn *txn, store_done_fn done, void *userdata)
{
	struct request *request = calloc(1, sizeof(*request) + request_key_bytes(txn));

	if (!request)
		return NULL;
	request->done = done;
	request->userdata = userdata;
	request->compares = calloc(txn->compare_count + 1, sizeof(request->compares[0]));
	request->changes = calloc(txn->change_count + 1, sizeof(request->changes[0]));
	if (!request->compares || !request->changes) {
		request_free(request);
		return NULL;
	}
	request_fill(request, txn);
	return request;
}

/* --- entering what is durable --- */

int store_apply(struct store *store, const struct record *record)
{
	const struct store_entry *entry = index_find(&store->index, record->key);
	struct store_event *event = store_event_new(
		record->key, record->revision, record->value, entry ? entry->value : NULL);

	if (!event)
		return -ENOMEM;
	event->created = record->created;
	event->previous_modified = entry ? entry->modified : 0;
	if (!record->value) {
		index_remove(&store->index, record->key);
	} else if (index_put(&store->index, record->key, record->value, event->created,
			   record->revision) < 0) {
		store_event_free(event);
		return -ENOMEM;
	}
	history_append(&store->history, event);
	store->revision = record->revision;
	return 0;
}

/* --- a batch --- */

/* When a key was made and changed last, as the batch leaves it; zeros: it is not there. */
struct stamp {
	uint64_t created, modified;
};

static struct stamp batch_stamp(const struct commit *commit, const char *key)
{
	const struct store_entry *entry;

	for (size_t i = commit->record_count; i > 0; i--) {
		const struct record *record = &commit->records[i - 1];

		if (strcmp(record->key, key) == 0)
			return record->value ? (struct stamp){record->created, record->revision}
					     : (struct stamp){0};
	}
	entry = index_find(&commit->store->index, key);
	return entry ? (struct stamp){entry->created, entry->modified} : (struct stamp){0};
}

static bool request_holds(const struct commit *commit, const struct request *request)
{
	for (size_t i = 0; i < request->compare_count; i++)
		if (batch_stamp(commit, request->compares[i].key).modified !=
			request->compares[i].modified)
			return false;
	return true;
}

/* Records of a request that writes; deletions of what is not there leave no record. */
static bool request_enter(struct commit *commit, const struct request *request, uint64_t revision)
{
	size_t before = commit->record_count;

	for (size_t i = 0; i < request->change_count; i++) {
		const struct store_change *change = &request->changes[i];
		struct stamp stamp = batch_stamp(commit, change->key);

		if (!change->value && !stamp.modified)
			continue;
		commit->records[commit->record_count++] = (struct record){
			.revision = revision,
			.created = stamp.modified ? stamp.created : revision,
			.key = change->key,
			.value = change->value,
		};
	}
	return commit->record_count > before;
}

static void batch_decide(struct commit *commit)
{
	uint64_t revision = commit->store->revision;

	for (struct request *request = commit->requests; request; request = request->next) {
		request->result = request_holds(commit, request) ? 0 : -EAGAIN;
		if (request->result == 0 && request_enter(commit, request, revision + 1))
			revision++;
		request->revision = revision;
	}
}

/* Moves the oldest requests from those that wait to @commit.  0 or -ENOMEM: they go on waiting. */
static int batch_take(struct store *store, struct commit *commit)
{
	struct request **at = &store->pending;
	size_t requests = 0, changes = 0;

	for (; *at && requests < BATCH_MOST; at = &(*at)->next, requests++)
		changes += (*at)->change_count;
	commit->records = calloc(changes + 1, sizeof(commit->records[0]));
	if (!commit->records)
		return -ENOMEM;
	commit->store = store;
	commit->requests = store->pending;
	store->pending = *at;
	*at = NULL;
	store->pending_count -= requests;
	if (!store->pending)
		store->pending_end = &store->pending;
	return 0;
}

static void commit_free(struct commit *commit)
{
	while (commit->requests) {
		struct request *request = commit->requests;

		commit->requests = request->next;
		request_free(request);
	}
	free(commit->records);
	free(commit);
}

static void commit_work(void *arg)
{
	struct commit *commit = arg;
	struct store *store = commit->store;

	if (store->ops && commit->batch.count > 0)
		commit->result = store->ops->persist(store->backend, &commit->batch, &commit->err);
}

/* What is durable and cannot be entered would be lost to readers: there is no going on without memory. */
static void commit_enter(struct commit *commit)
{
	struct store *store = commit->store;

	for (size_t i = 0; i < commit->record_count; i++)
		if (store_apply(store, &commit->records[i]) < 0) {
			log_error("store: no memory for a change that is written, giving up");
			abort();
		}
	if (commit->batch.compact)
		store->compact_done = commit->batch.compact;
}

static void commit_done(void *arg)
{
	struct commit *commit = arg;
	struct store *store = commit->store;

	if (commit->result == 0)
		commit_enter(commit);
	else
		log_error("store: %s", commit->err.text);
	for (size_t i = 0; commit->result == 0 && i < commit->record_count; i++)
		store_wake(store, commit->records[i].key);
	for (struct request *request = commit->requests; request; request = request->next) {
		int result = commit->result < 0 ? commit->result : request->result;

		if (request->done)
			request->done(request->userdata, result, request->revision);
	}
	commit_free(commit);
	store->commit = NULL;
	store_commit_start(store);
}

static void commit_drop(void *arg)
{
	commit_free(arg);
}

static int commit_new(struct store *store, struct commit **ret)
{
	struct commit *commit = calloc(1, sizeof(*commit));

	if (!commit || batch_take(store, commit) < 0) {
		free(commit);
		return -ENOMEM;
	}
	batch_decide(commit);
	commit->batch.records = commit->records;
	commit->batch.count = commit->record_count;
	if (store->history.compacted >= store->compact_done + COMPACT_EVERY)
		commit->batch.compact = store->history.compacted;
	*ret = commit;
	return 0;
}

/* Gives the requests of a batch that did not begin back to the head of those that wait. */
static void commit_undo(struct commit *commit)
{
	struct store *store = commit->store;
	struct request **end = &commit->requests;

	for (; *end; end = &(*end)->next)
		store->pending_count++;
	if (!store->pending)
		store->pending_end = end;
	*end = store->pending;
	store->pending = take_ptr(commit->requests);
	commit_free(commit);
}

void store_commit_start(void *userdata)
{
	struct store *store = userdata;
	struct commit *commit;

	if (store->commit || !store->pending)
		return;
	if (commit_new(store, &commit) == 0) {
		if (worker_post(store->worker, commit_work, commit_done, commit_drop, commit) ==
			0) {
			store->commit = commit;
			return;
		}
		commit_undo(commit);
	}
	log_warning("store: no memory to write, trying again");
	timer_arm(store->retry, clock_now() + COMMIT_RETRY);
}

int store_commit(
	struct store *store, const struct store_txn *txn, store_done_fn done, void *userdata)
{
	struct request *request;

	if (store->pending_count >= STORE_PENDING_MOST)
		return -ENOBUFS;
	request = request_new(txn, done, userdata);
	if (!request)
		return -ENOMEM;
	*store->pending_end = request;
	store->pending_end = &request->next;
	store->pending_count++;
	store_commit_start(store);
	return 0;
}

void store_forget(struct store *store)
{
	while (store->pending) {
		struct request *request = store->pending;

		store->pending = request->next;
		request_free(request);
	}
	store->pending_end = &store->pending;
}
