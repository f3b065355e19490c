// SPDX-License-Identifier: Apache-2.0
#include "user/api/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/admit.h"
#include "user/api/apply.h"
#include "user/api/form.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/api/strategy.h"
#include "user/base/cleanup.h"
#include "user/base/loop.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define TRIES_MOST  20
#define STORED_MOST (2 * HTTP_MAX_BODY) /* bytes: patches may add up */
#define WAIT_EACH   (20 * USEC_PER_MSEC)
#define WAIT_MOST   (2 * USEC_PER_SEC)

static void write_free(struct write *write)
{
	*write->link = write->next;
	if (write->next)
		write->next->link = write->link;
	if (write->steps->release)
		write->steps->release(write);
	timer_free(write->timer);
	claims_clear(&write->claims);
	json_decref(write->object);
	identity_clear(&write->request.who);
	free(write);
}

void writes_free(struct api *api)
{
	api->closing = true;
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
	if (write->steps->failed)
		write->steps->failed(write, failure);
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
		form_answer(&write->request, write->success, answer);
	write_free(write);
}

json_t *write_answer_success(struct write *write)
{
	return json_pack("{s:s, s:s, s:{}, s:s, s:I}", "kind", "Status", "apiVersion", "v1",
		"metadata", "status", "Success", "code", (json_int_t)write->success);
}

static void write_try(struct write *write);

/* The object is as it was: what has changed is what it claims. */
static bool write_lost_claim(const struct write *write)
{
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];

	stored_key(
		write->request.kind, request_namespace(&write->request), write->request.name, key);
	entry = store_get(write->request.api->store, key);
	return (entry ? entry->modified : 0) == write->modified;
}

static void write_again(struct write *write)
{
	struct failure failure;

	if ((write_lost_claim(write) || write->steps->retries(write)) &&
		++write->tries < TRIES_MOST) {
		write_try(write);
		return;
	}
	if (write_lost_claim(write)) {
		failure_set(&failure, 429, "TooManyRequests",
			"too many changes at a time, please try again later");
		failure_retry(&failure, RETRY_BUSY);
	} else {
		failure_conflict(&failure, &write->request);
	}
	write_fail(write, &failure);
}

/* What the store says of a write that was not made. */
static void write_refused(int result, struct failure *failure)
{
	switch (result) {
	case -EFBIG:
		failure_set(failure, 413, "RequestEntityTooLarge",
			"the object is larger than the store takes");
		break;
	case -ETIMEDOUT:
		failure_set(failure, 504, "Timeout",
			"the store does not answer: nothing was written, please try again later");
		failure_retry(failure, RETRY_STORE);
		break;
	default: failure_internal(failure, "the store cannot write: %s", strerror(-result));
	}
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
		write_refused(result, &failure);
		write_fail(write, &failure);
		return;
	}
	snprintf(number, sizeof(number), "%" PRIu64, revision);
	json_object_set_new(
		json_object_get(write->object, "metadata"), "resourceVersion", json_string(number));
	write_succeed(write);
}

/* Whose a claim is, for people who look into the store. */
static struct blob *claim_value(const char *key)
{
	return blob_new(key, strlen(key));
}

static int txn_fill(const struct write *write, const char *key, struct blob *blob,
	struct blob *owner, struct store_txn *txn)
{
	const struct claims *claims = &write->claims;
	struct store_compare *compares = calloc(claims->count + 1, sizeof(compares[0]));
	struct store_change *changes = calloc(claims->count + 1, sizeof(changes[0]));

	*txn = (struct store_txn){.compares = compares, .changes = changes};
	if (!compares || !changes)
		return -ENOMEM;
	compares[txn->compare_count++] = (struct store_compare){key, write->modified};
	changes[txn->change_count++] = (struct store_change){key, blob};
	for (size_t i = 0; i < claims->count; i++) {
		const struct claim *claim = &claims->list[i];

		if (claim->kind != CLAIM_LEAVE)
			compares[txn->compare_count++] =
				(struct store_compare){claim->key, claim->modified};
		if (claim->kind != CLAIM_GUARD)
			changes[txn->change_count++] = (struct store_change){
				claim->key, claim->kind == CLAIM_TAKE ? owner : claim->value};
	}
	return 0;
}

static int write_send(struct write *write, const char *key, struct blob *blob)
{
	struct blob *owner = claim_value(key);
	struct store_txn txn = {0};
	int r = owner ? txn_fill(write, key, blob, owner, &txn) : -ENOMEM;

	if (r == 0)
		r = store_commit(write->request.api->store, &txn, write_done, write);
	free((void *)txn.compares);
	free((void *)txn.changes);
	blob_unref(owner);
	return r;
}

static void write_commit(struct write *write, const char *key, struct blob *blob)
{
	struct failure failure;
	int r = write_send(write, key, blob);

	if (r == 0)
		return;
	if (r == -ENOBUFS) {
		failure_set(&failure, 429, "TooManyRequests",
			"too many writes are waiting, please try again later");
		failure_retry(&failure, RETRY_BUSY);
	} else {
		failure_internal(&failure, "out of memory");
	}
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

/* Who has changed what. */
static int write_manage(struct write *write, const json_t *old)
{
	struct manager room;
	struct managed_by by;

	if (!write->steps->manages || write->effect == WRITE_NONE || !old)
		return 0;
	by = manager_of(&write->request, write->manager, &room);
	return managed_update(write->object, old, &by, write->request.kind->message);
}

static int write_step(struct write *write, const struct store_entry *entry, struct failure *failure)
{
	AUTO_JSON old = NULL;

	if (entry && write_old(write, entry, &old, failure) < 0)
		return -1;
	json_decref(take_ptr(write->object));
	claims_clear(&write->claims);
	write->modified = entry ? entry->modified : 0;
	if (write->steps->step(write, old, failure) < 0)
		return -1;
	if (write->effect == WRITE_NONE)
		return 0;
	if (write_manage(write, old) < 0)
		return failure_internal(failure, "out of memory");
	if (admit_write(&write->request, write->object, old, write->effect == WRITE_DELETE,
		    failure) < 0)
		return -1;
	return strategy_claim(
		write, write->effect == WRITE_PUT ? write->object : NULL, old, failure);
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
	if (blob && blob->size > STORED_MOST) {
		failure_set(&failure, 413, "RequestEntityTooLarge",
			"the object would be larger than %u bytes", STORED_MOST);
		write_fail(write, &failure);
		blob_unref(blob);
		return;
	}
	if (write->effect == WRITE_NONE || write->request.dry_run ||
		(blob && entry && blob_same(blob, entry->value)))
		write_succeed(write);
	else
		write_commit(write, key, blob);
	blob_unref(blob);
}

static void write_resume(void *userdata)
{
	write_try(userdata);
}

/* True: another try follows. */
static bool write_waits(struct write *write, const struct failure *failure)
{
	if (!failure->passes || (write->waits_until && clock_now() >= write->waits_until))
		return false;
	if (!write->timer &&
		timer_new(write->request.api->loop, write_resume, write, &write->timer, NULL) < 0)
		return false;
	if (!write->waits_until)
		write->waits_until = clock_now() + WAIT_MOST;
	json_decref(failure->details);
	timer_arm(write->timer, clock_now() + WAIT_EACH);
	return true;
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
		if (!write_waits(write, &failure))
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

		failure_internal(&failure, "out of memory");
		if (steps->failed)
			steps->failed(&none, &failure);
		if (steps->release)
			steps->release(&none);
		if (request->exchange)
			failure_answer(&failure, request->exchange);
		return;
	}
	write->next = request->api->writes;
	write->link = &request->api->writes;
	if (write->next)
		write->next->link = &write->next;
	request->api->writes = write;
	write->request = *request;
	write->request.who = identity_ref(&request->who);
	write->steps = steps;
	write->data = data;
	write->success = success;
	manager_name(request, write->manager);
	if (request->exchange)
		http_exchange_on_gone(request->exchange, write_gone, write);
	write_try(write);
}
