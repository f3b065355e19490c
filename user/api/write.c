// SPDX-License-Identifier: Apache-2.0
#include "user/api/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/admit.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define TRIES_MOST 20

static void write_free(struct write *write)
{
	*write->link = write->next;
	if (write->next)
		write->next->link = write->link;
	if (write->steps->release)
		write->steps->release(write);
	json_decref(write->object);
	identity_clear(&write->request.who);
	free(write);
}

void writes_free(struct api *api)
{
	while (api->writes)
		write_free(api->writes);
}

/* The change goes on without its client. */
static void write_gone(void *userdata)
{
	struct write *write = userdata;

	write->request.exchange = NULL;
}

static void write_fail(struct write *write, struct failure *failure)
{
	if (write->request.exchange)
		failure_answer(failure, write->request.exchange);
	json_decref(failure->details);
	write_free(write);
}

static void write_succeed(struct write *write)
{
	AUTO_JSON answer =
		write->steps->answer ? write->steps->answer(write) : json_incref(write->object);
	struct failure failure;

	if (!answer) {
		failure_internal(&failure, "out of memory");
		write_fail(write, &failure);
		return;
	}
	if (write->request.exchange)
		http_answer_json(write->request.exchange, write->success, answer);
	write_free(write);
}

static void write_try(struct write *write);

static void write_again(struct write *write)
{
	struct failure failure;

	if (write->steps->retries(write) && ++write->tries < TRIES_MOST) {
		write_try(write);
		return;
	}
	failure_conflict(&failure, &write->request);
	write_fail(write, &failure);
}

static void write_done(void *userdata, int result, uint64_t revision)
{
	struct write *write = userdata;
	struct failure failure;
	char number[24];

	if (result == -EAGAIN) {
		write_again(write);
		return;
	}
	if (result < 0) {
		failure_internal(&failure, "the store cannot write: %s", strerror(-result));
		write_fail(write, &failure);
		return;
	}
	snprintf(number, sizeof(number), "%" PRIu64, revision);
	json_object_set_new(
		json_object_get(write->object, "metadata"), "resourceVersion", json_string(number));
	write_succeed(write);
}

/* @modified: 0 when the object is not there yet. */
static void write_commit(struct write *write, const char *key, uint64_t modified, struct blob *blob)
{
	struct store_compare compare = {key, modified};
	struct store_change change = {key, blob};
	struct store_txn txn = {&compare, 1, &change, 1};
	struct failure failure;
	int r = store_commit(write->request.api->store, &txn, write_done, write);

	if (r == 0)
		return;
	if (r == -ENOBUFS)
		failure_set(&failure, 429, "TooManyRequests",
			"too many writes are waiting, please try again later");
	else
		failure_internal(&failure, "out of memory");
	write_fail(write, &failure);
}

static bool blob_same(const struct blob *a, const struct blob *b)
{
	return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static int write_old(
	struct write *write, const struct store_entry *entry, json_t **ret, struct failure *failure)
{
	int r = stored_decode(
		entry->value, entry->modified, write->request.kind, write->request.version, ret);

	return r < 0 ? failure_internal(failure, "read '%s': %s", entry->key, strerror(-r)) : 0;
}

static int write_step(struct write *write, const struct store_entry *entry, struct failure *failure)
{
	AUTO_JSON old = NULL;

	if (entry && write_old(write, entry, &old, failure) < 0)
		return -1;
	json_decref(take_ptr(write->object));
	if (write->steps->step(write, old, failure) < 0)
		return -1;
	if (write->effect == WRITE_NONE)
		return 0;
	return admit_write(
		&write->request, write->object, old, write->effect == WRITE_DELETE, failure);
}

static void write_put(struct write *write, const char *key, const struct store_entry *entry)
{
	struct blob *blob = NULL;
	struct failure failure;

	if (write->effect == WRITE_PUT && stored_encode(write->object, &blob) < 0) {
		failure_internal(&failure, "out of memory");
		write_fail(write, &failure);
		return;
	}
	if (write->effect == WRITE_NONE || write->request.dry_run ||
		(blob && entry && blob_same(blob, entry->value)))
		write_succeed(write);
	else
		write_commit(write, key, entry ? entry->modified : 0, blob);
	blob_unref(blob);
}

static void write_try(struct write *write)
{
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];
	struct failure failure;

	stored_key(
		write->request.kind, request_namespace(&write->request), write->request.name, key);
	entry = store_get(write->request.api->store, key);
	if (write_step(write, entry, &failure) < 0) {
		write_fail(write, &failure);
		return;
	}
	/* A step may have chosen the name. */
	stored_key(
		write->request.kind, request_namespace(&write->request), write->request.name, key);
	write_put(write, key, entry);
}

void write_begin(const struct api_request *request, const struct write_steps *steps, void *data,
	unsigned success)
{
	struct write *write = calloc(1, sizeof(*write));
	struct failure failure;

	if (!write) {
		struct write none = {.data = data};

		if (steps->release)
			steps->release(&none);
		failure_internal(&failure, "out of memory");
		failure_answer(&failure, request->exchange);
		return;
	}
	write->next = request->api->writes;
	write->link = &request->api->writes;
	if (write->next)
		write->next->link = &write->next;
	request->api->writes = write;
	write->request = *request;
	json_incref(write->request.who.info);
	write->steps = steps;
	write->data = data;
	write->success = success;
	http_exchange_on_gone(request->exchange, write_gone, write);
	write_try(write);
}
