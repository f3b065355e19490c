// SPDX-License-Identifier: Apache-2.0
#include "user/store/request.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"

static size_t request_key_bytes(const struct store_txn *txn)
{
	size_t bytes = 0;

	for (size_t i = 0; i < txn->compare_count; i++)
		bytes += strlen(txn->compares[i].key) + 1;
	for (size_t i = 0; i < txn->change_count; i++)
		bytes += strlen(txn->changes[i].key) + 1;
	return bytes;
}

void request_free(struct request *request)
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

struct request *request_new(const struct store_txn *txn, store_done_fn done, void *userdata)
{
	struct request *request = calloc(1, sizeof(*request) + request_key_bytes(txn));

	if (!request)
		return NULL;
	request->done = done;
	request->userdata = userdata;
	request->since = clock_now();
	request->compares = calloc(txn->compare_count + 1, sizeof(request->compares[0]));
	request->changes = calloc(txn->change_count + 1, sizeof(request->changes[0]));
	if (!request->compares || !request->changes) {
		request_free(request);
		return NULL;
	}
	request_fill(request, txn);
	return request;
}

void request_end(struct request *request, int result, uint64_t revision)
{
	if (request->done)
		request->done(request->userdata, result, revision);
	request_free(request);
}

/* --- those that wait --- */

void backlog_init(struct backlog *backlog)
{
	*backlog = (struct backlog){.end = &backlog->first};
}

void backlog_add(struct backlog *backlog, struct request *request)
{
	request->next = NULL;
	*backlog->end = request;
	backlog->end = &request->next;
	backlog->count++;
}

struct request *backlog_take(struct backlog *backlog)
{
	struct request *request = backlog->first;

	if (!request)
		return NULL;
	backlog->first = request->next;
	if (!backlog->first)
		backlog->end = &backlog->first;
	backlog->count--;
	request->next = NULL;
	return request;
}

void backlog_prepend(struct backlog *backlog, struct backlog *earlier)
{
	if (!earlier->first)
		return;
	if (!backlog->first)
		backlog->end = earlier->end;
	*earlier->end = backlog->first;
	backlog->first = earlier->first;
	backlog->count += earlier->count;
	backlog_init(earlier);
}

void backlog_clear(struct backlog *backlog)
{
	struct request *request;

	while ((request = backlog_take(backlog)) != NULL)
		request_free(request);
}
