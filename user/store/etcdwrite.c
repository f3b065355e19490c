// SPDX-License-Identifier: Apache-2.0
/*
 * Writes, each by the first connection that is free.  One that shares a key with an earlier one under way waits
 * for it: what is said last counts.  An answer that is lost says nothing: the attempt is then fenced, which tells
 * whether it was made, and made again if not (see etcdwire.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/store/etcdstate.h"

#define PATIENCE    (10 * USEC_PER_SEC) /* a write that nobody can have made is then refused */
#define RETRY_SMALL (10 * USEC_PER_MSEC)

static void slot_turn(void *userdata);

/* --- what may go at a time --- */

static bool changes_key(const struct request *request, const char *key)
{
	for (size_t i = 0; i < request->change_count; i++)
		if (strcmp(request->changes[i].key, key) == 0)
			return true;
	return false;
}

/* One of them reads what the other one writes. */
static bool reads_changes(const struct request *reader, const struct request *writer)
{
	for (size_t i = 0; i < reader->compare_count; i++)
		if (changes_key(writer, reader->compares[i].key))
			return true;
	return false;
}

static bool requests_touch(const struct request *a, const struct request *b)
{
	for (size_t i = 0; i < a->change_count; i++)
		if (changes_key(b, a->changes[i].key))
			return true;
	return reads_changes(a, b) || reads_changes(b, a);
}

/* The slot that may take @request; NULL: none now. */
static struct etcd_slot *slot_for(struct etcd *etcd, const struct request *request)
{
	struct etcd_slot *found = NULL;

	for (size_t i = ETCD_SLOTS; i > 0; i--) {
		struct etcd_slot *slot = &etcd->slots[i - 1];

		if (!slot->request)
			found = slot;
		else if (requests_touch(slot->request, request))
			return NULL;
	}
	return found;
}

/* --- an attempt --- */

static void slot_end(struct etcd_slot *slot, int result, uint64_t revision)
{
	struct etcd *etcd = slot->etcd;
	struct request *request = take_ptr(slot->request);

	timer_arm(slot->retry, USEC_NEVER);
	request->result = result;
	request->revision = revision;
	if (result == 0 || result == -EAGAIN) {
		backlog_add(&etcd->answered, request);
		etcd_reader_expect(etcd->reader, revision);
		etcd_write_seen(etcd);
	} else {
		request_end(request, result, 0);
	}
	etcd_write_start(etcd);
}

/* Nobody answers: what has not begun never will. */
static void pending_expire(struct etcd *etcd)
{
	struct backlog *pending = &etcd->store->pending;

	while (pending->first && clock_now() - pending->first->since >= PATIENCE)
		request_end(backlog_take(pending), -ETIMEDOUT, 0);
}

static void slot_again(struct etcd_slot *slot)
{
	uint64_t pause = etcd_peers_pause(slot->etcd->peers, ++slot->failures);

	timer_arm(slot->retry, clock_now() + pause);
	if (pause > 0)
		pending_expire(slot->etcd);
}

static void slot_outcome(struct etcd_slot *slot, enum etcd_outcome outcome, uint64_t revision)
{
	bool fenced = slot->unsure;

	slot->unsure = false;
	switch (outcome) {
	case ETCD_WRITTEN: slot_end(slot, 0, revision); break;
	case ETCD_UNEQUAL: slot_end(slot, -EAGAIN, revision); break;
	case ETCD_FENCED: slot_turn(slot); break;
	case ETCD_LOST:
		if (!fenced) { /* the attempt did nothing */
			slot_again(slot);
			break;
		}
		log_error("store: somebody has taken the mark '%s': what became of a write is not "
			  "known",
			slot->key);
		slot_end(slot, -EIO, 0);
		break;
	}
}

/* Nothing can have been done. */
static void slot_unmade(struct etcd_slot *slot, int result)
{
	if (clock_now() - slot->request->since >= PATIENCE)
		slot_end(slot, result, 0);
	else
		slot_again(slot);
}

static void slot_failed(struct etcd_slot *slot, const struct etcd_answer *answer)
{
	int refusal = answer->result == -EREMOTEIO ? etcd_refusal(answer->code, answer->text) : 0;

	if (refusal && !slot->unsure) {
		log_error("store: etcd refuses a write: %s", answer->text);
		slot_end(slot, -refusal, 0);
	} else if (!answer->sent && !slot->unsure) {
		slot_unmade(slot, -ETIMEDOUT);
	} else {
		slot->unsure = true;
		slot_again(slot);
	}
}

static void slot_answered(void *userdata, const struct etcd_answer *answer)
{
	struct etcd_slot *slot = userdata;
	enum etcd_outcome outcome;
	uint64_t revision;

	slot->call = etcd_call_free(slot->call);
	if (answer->result < 0) {
		slot_failed(slot, answer);
	} else if (etcd_parse_outcome(answer->json, &slot->attempt, &outcome, &revision) < 0) {
		slot->unsure = true;
		slot_again(slot);
	} else {
		slot->failures = outcome == ETCD_LOST ? slot->failures : 0;
		slot_outcome(slot, outcome, revision);
	}
}

static int slot_compose(struct etcd_slot *slot, struct buffer *body)
{
	struct etcd_attempt *attempt = &slot->attempt;

	if (slot->unsure)
		return etcd_compose_fence(attempt, body);
	/* The time is for those who look for marks that nobody needs. */
	snprintf(attempt->next, sizeof(attempt->next), "%" PRIu64 ".%" PRIu64,
		clock_wall() / USEC_PER_SEC, ++slot->counter);
	return etcd_compose_write(attempt, slot->request, body);
}

/* Tries the request, or finds out what became of it. */
static void slot_turn(void *userdata)
{
	struct etcd_slot *slot = userdata;
	AUTO_BUFFER body = {0};
	struct etcd_question question = {.path = "/v3/kv/txn",
		.body = &body,
		.line = &slot->line,
		.done = slot_answered,
		.userdata = slot};
	int r = slot_compose(slot, &body);

	if (r == 0)
		r = etcd_ask(slot->etcd->peers, &question, &slot->call);
	if (r == 0)
		return;
	if (slot->unsure || r == -ENOMEM)
		timer_arm(slot->retry, clock_now() + RETRY_SMALL);
	else
		slot_end(slot, r, 0);
}

void etcd_write_start(struct etcd *etcd)
{
	struct backlog *pending = &etcd->store->pending;
	struct etcd_slot *slot;

	if (etcd->starting)
		return; /* who began it goes on */
	etcd->starting = true;
	while (pending->first && etcd->answered.count < ETCD_ANSWERED_MOST &&
		(slot = slot_for(etcd, pending->first)) != NULL) {
		slot->request = backlog_take(pending);
		slot->failures = 0;
		slot->unsure = false;
		slot_turn(slot);
	}
	etcd->starting = false;
}

void etcd_write_seen(struct etcd *etcd)
{
	struct backlog rest, reached;
	struct request *request;

	backlog_init(&rest);
	backlog_init(&reached);
	while ((request = backlog_take(&etcd->answered)) != NULL)
		backlog_add(request->revision <= etcd->store->revision ? &reached : &rest, request);
	backlog_prepend(&etcd->answered, &rest);
	while ((request = backlog_take(&reached)) != NULL)
		request_end(request, request->result, request->revision);
}

/* --- the beginning and the end --- */

int etcd_slots_init(struct etcd *etcd, const char *id)
{
	int r = 0;

	backlog_init(&etcd->answered);
	for (size_t i = 0; i < ETCD_SLOTS && r == 0; i++) {
		struct etcd_slot *slot = &etcd->slots[i];

		snprintf(slot->key, sizeof(slot->key), "%s%s/%zu", etcd->writers, id, i);
		slot->etcd = etcd;
		slot->attempt.objects = etcd->objects;
		slot->attempt.key = slot->key;
		slot->line = ETCD_NO_LINE;
		r = timer_new(etcd->loop, slot_turn, slot, &slot->retry, NULL);
	}
	return r;
}

void etcd_slots_clear(struct etcd *etcd)
{
	for (size_t i = 0; i < ETCD_SLOTS; i++) {
		struct etcd_slot *slot = &etcd->slots[i];

		if (!slot->etcd)
			continue;
		etcd_call_free(slot->call);
		transport_close(&slot->line.transport);
		timer_free(slot->retry);
		if (slot->request)
			request_free(slot->request);
	}
	backlog_clear(&etcd->answered);
}
