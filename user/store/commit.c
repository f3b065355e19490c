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
#include "user/store/request.h"
#include "user/store/state.h"

#define BATCH_MOST    256  /* requests; a compare looks through all changes of the batch */
#define COMPACT_EVERY 1000 /* revisions: a batch waits for the deletion of so many */
#define COMMIT_RETRY  (10 * USEC_PER_MSEC)

struct commit {
	struct store *store;
	struct backlog requests;
	struct record *records;
	size_t record_count;
	struct batch batch;
	int result;
	struct err err;
};

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

	for (struct request *request = commit->requests.first; request; request = request->next) {
		request->result = request_holds(commit, request) ? 0 : -EAGAIN;
		if (request->result == 0 && request_enter(commit, request, revision + 1))
			revision++;
		request->revision = revision;
	}
}

/* Moves the oldest requests from those that wait to @commit.  0 or -ENOMEM: they go on waiting. */
static int batch_take(struct store *store, struct commit *commit)
{
	struct backlog *pending = &store->pending;
	size_t changes = 0, left = BATCH_MOST;

	for (const struct request *at = pending->first; at && left > 0; at = at->next, left--)
		changes += at->change_count;
	commit->records = calloc(changes + 1, sizeof(commit->records[0]));
	if (!commit->records)
		return -ENOMEM;
	commit->store = store;
	for (left = BATCH_MOST; pending->first && left > 0; left--)
		backlog_add(&commit->requests, backlog_take(pending));
	return 0;
}

static void commit_free(struct commit *commit)
{
	backlog_clear(&commit->requests);
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
	struct request *request;

	if (commit->result == 0) {
		commit_enter(commit);
		store->broken.code = 0;
	} else {
		log_error("store: %s", commit->err.text);
		store->broken = commit->err;
	}
	for (size_t i = 0; commit->result == 0 && i < commit->record_count; i++)
		store_wake(store, commit->records[i].key);
	while ((request = backlog_take(&commit->requests)) != NULL)
		request_end(request, commit->result < 0 ? commit->result : request->result,
			request->revision);
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

	if (!commit)
		return -ENOMEM;
	backlog_init(&commit->requests);
	if (batch_take(store, commit) < 0) {
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
	backlog_prepend(&commit->store->pending, &commit->requests);
	commit_free(commit);
}

void store_commit_start(void *userdata)
{
	struct store *store = userdata;
	struct commit *commit;

	if (store->commit || !store->pending.first)
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
