// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps memory at what etcd holds: the state at one revision, read in pages, then one watch of everything behind
 * it.  A watch that breaks goes on behind the last revision seen; when etcd has forgotten that one, the state is read
 * anew, and whoever follows the log has missed something (-ESTALE).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/store/blob.h"
#include "user/store/etcdstate.h"

#define PAGE_MOST    512		/* keys of one answer; fewer when they are large */
#define OVERDUE	     (3 * USEC_PER_SEC) /* for what is written to come by the watch */
#define CODE_OUTSIDE 11 /* gRPC's: a revision that is compacted, or does not exist yet */

enum reader_state {
	READER_PAGES,
	READER_PROBE, /* a watch that only finds out what is compacted */
	READER_WATCH,
};

/* One change, until all of its revision are there. */
struct arrival {
	struct etcd_kv kv; /* value NULL: deleted */
};

struct etcd_reader {
	struct etcd *etcd;
	enum reader_state state;
	bool follows; /* etcd has said that it watches */
	struct etcd_call *call;
	struct etcd_line line; /* for pages */
	struct timer *retry, *overdue;
	unsigned failures;
	uint64_t expected; /* a revision that has been written */

	uint64_t base; /* the pages' revision */
	struct index loading;
	char from[ETCD_KEY_MAX];
	unsigned limit;

	struct arrival *arrivals;
	size_t count, room;
};

static void reader_turn(void *userdata);

/* From the first page on, at @revision. */
static void reader_reset(struct etcd_reader *reader, uint64_t revision)
{
	reader->state = READER_PAGES;
	reader->base = revision;
	reader->limit = PAGE_MOST;
	snprintf(reader->from, sizeof(reader->from), "%s", reader->etcd->folder);
	index_clear(&reader->loading);
}

static void reader_again(struct etcd_reader *reader)
{
	uint64_t pause = etcd_peers_pause(reader->etcd->peers, ++reader->failures);

	timer_arm(reader->retry, clock_now() + pause);
}

/* The store's key; NULL: it is one of ours. */
static const char *object_key(const struct etcd *etcd, const char *key)
{
	size_t len = strlen(etcd->objects);

	return strncmp(key, etcd->objects, len) == 0 && key[len] == '/' ? key + len : NULL;
}

/* Memory that has run out leaves readers without what is written: as in a commit, there is no going on. */
static void give_up(void)
{
	log_error("store: no memory for a change that is written, giving up");
	abort();
}

/* --- the state --- */

static int page_enter(struct etcd_reader *reader, const json_t *entry)
{
	AUTO_CLEANUP(etcd_kv_clear) struct etcd_kv kv = {0};
	const char *key;
	int r = etcd_parse_kv(entry, &kv);

	if (r < 0)
		return r;
	if (strlen(kv.key) + 2 > sizeof(reader->from))
		return -EBADMSG;
	/* No key of the store has a character before this one. */
	snprintf(reader->from, sizeof(reader->from), "%.*s\x01", ETCD_KEY_MAX - 2, kv.key);
	key = object_key(reader->etcd, kv.key);
	return key ? index_put(&reader->loading, key, kv.value, kv.created, kv.modified) : 0;
}

static void state_enter(struct etcd_reader *reader)
{
	struct store *store = reader->etcd->store;

	index_clear(&store->index);
	store->index = reader->loading;
	reader->loading = (struct index){0};
	history_break(&store->history, reader->base);
	store->compact_done = reader->base;
	store->revision = reader->base;
	reader->state = READER_WATCH;
	store_wake_all(store);
	etcd_write_seen(reader->etcd);
}

static void page_read(struct etcd_reader *reader, const json_t *answer)
{
	const json_t *entry;
	size_t i;
	int r = 0;

	json_array_foreach (json_object_get(answer, "kvs"), i, entry)
		if (r == 0)
			r = page_enter(reader, entry);
	if (r == -ENOMEM)
		give_up();
	if (r < 0)
		log_error("store: etcd answers what is no page of keys, asking again");
	if (r < 0) {
		reader_again(reader);
		return;
	}
	if (!json_is_true(json_object_get(answer, "more")))
		state_enter(reader);
	reader_turn(reader);
}

static void page_failed(struct etcd_reader *reader, const struct etcd_answer *answer)
{
	if (answer->result == -EREMOTEIO && answer->code == CODE_OUTSIDE) {
		reader->state = READER_PROBE;
		reader_turn(reader);
		return;
	}
	if (answer->result == -EFBIG && reader->limit > 1)
		reader->limit /= 2;
	reader_again(reader);
}

static void page_answered(void *userdata, const struct etcd_answer *answer)
{
	struct etcd_reader *reader = userdata;

	reader->call = etcd_call_free(reader->call);
	if (answer->result < 0) {
		page_failed(reader, answer);
		return;
	}
	reader->failures = 0;
	page_read(reader, answer->json);
}

static int page_ask(struct etcd_reader *reader)
{
	AUTO_BUFFER body = {0};
	struct etcd_question question = {.path = "/v3/kv/range",
		.body = &body,
		.line = &reader->line,
		.done = page_answered,
		.userdata = reader};
	int r = etcd_compose_range(
		reader->etcd->folder, reader->from, reader->base, reader->limit, &body);

	return r == 0 ? etcd_ask(reader->etcd->peers, &question, &reader->call) : r;
}

/* --- what changes --- */

static void arrivals_drop(struct etcd_reader *reader, size_t count)
{
	for (size_t i = 0; i < count; i++)
		etcd_kv_clear(&reader->arrivals[i].kv);
	reader->count -= count;
	if (reader->count > 0)
		memmove(reader->arrivals, reader->arrivals + count,
			reader->count * sizeof(reader->arrivals[0]));
}

static int arrival_add(struct etcd_reader *reader, const json_t *event)
{
	struct arrival arrival = {0};
	int r;

	if (reader->count == reader->room) {
		size_t room = reader->room ? reader->room * 2 : 64;
		void *grown = realloc(reader->arrivals, room * sizeof(arrival));

		if (!grown)
			return -ENOMEM;
		reader->arrivals = grown;
		reader->room = room;
	}
	r = etcd_parse_kv(json_object_get(event, "kv"), &arrival.kv);
	if (r < 0)
		return r;
	if (strcmp(json_string_at(event, "type", "PUT"), "DELETE") == 0)
		arrival.kv.value = blob_unref(arrival.kv.value);
	reader->arrivals[reader->count++] = arrival;
	return 0;
}

static void arrival_apply(struct store *store, const struct etcd_kv *kv, const char *key)
{
	const struct store_entry *entry = index_find(&store->index, key);
	struct record record = {
		.revision = kv->modified, .created = kv->created, .key = key, .value = kv->value};

	if (!kv->value && !entry)
		return;
	if (!kv->value)
		record.created = entry->created;
	if (store_apply(store, &record) < 0)
		give_up();
}

/* How many arrivals are of revisions that are whole: a message that is not the last of its kind may stop in one. */
static size_t arrivals_whole(const struct etcd_reader *reader, bool more)
{
	size_t count = reader->count;

	while (more && count > 0 &&
		reader->arrivals[count - 1].kv.modified ==
			reader->arrivals[reader->count - 1].kv.modified)
		count--;
	return count;
}

/* Enters what is whole, then tells of it: who is woken reads all of a revision. */
static void arrivals_enter(struct etcd_reader *reader, size_t count)
{
	struct etcd *etcd = reader->etcd;
	struct store *store = etcd->store;
	uint64_t before = store->revision;

	for (size_t i = 0; i < count; i++) {
		const struct etcd_kv *kv = &reader->arrivals[i].kv;
		const char *key = object_key(etcd, kv->key);

		if (kv->modified > before && key)
			arrival_apply(store, kv, key);
		if (kv->modified > store->revision)
			store->revision = kv->modified;
	}
	for (size_t i = 0; i < count; i++) {
		const char *key = object_key(etcd, reader->arrivals[i].kv.key);

		if (key)
			store_wake(store, key);
	}
	arrivals_drop(reader, count);
	timer_arm(reader->overdue,
		store->revision < reader->expected ? clock_now() + OVERDUE : USEC_NEVER);
	etcd_write_seen(etcd);
	etcd_write_start(etcd);
	etcd_keep(etcd);
}

/* etcd has ended the watch: what it says is forgotten is where to begin. */
static int watch_canceled(struct etcd_reader *reader, uint64_t compacted)
{
	if (!compacted)
		return -EPIPE;
	if (reader->etcd->open)
		log_warning("store: etcd has forgotten what follows revision %" PRIu64
			    ", reading it all anew from %" PRIu64,
			reader->etcd->store->revision, compacted);
	reader_reset(reader, compacted);
	return 1;
}

static int watch_message(void *userdata, json_t *message)
{
	struct etcd_reader *reader = userdata;
	const json_t *result = json_object_get(message, "result"), *event;
	bool more = json_is_true(json_object_get(result, "fragment"));
	size_t i;
	int r = result ? 0 : -EPIPE;

	if (json_is_true(json_object_get(result, "canceled")))
		return watch_canceled(reader, etcd_number(result, "compact_revision"));
	if (json_is_true(json_object_get(result, "created"))) {
		reader->follows = reader->state == READER_WATCH;
		return 0;
	}
	if (reader->state == READER_PROBE)
		return 1; /* it is all there: the pages are */
	json_array_foreach (json_object_get(result, "events"), i, event)
		if (r == 0)
			r = arrival_add(reader, event);
	if (r == -ENOMEM)
		give_up();
	if (r < 0)
		return r;
	reader->failures = 0;
	arrivals_enter(reader, arrivals_whole(reader, more));
	return 0;
}

static void watch_ended(void *userdata, const struct etcd_answer *answer)
{
	struct etcd_reader *reader = userdata;

	reader->call = etcd_call_free(reader->call);
	reader->follows = false;
	arrivals_drop(reader, reader->count);
	timer_arm(reader->overdue, USEC_NEVER);
	if (reader->state == READER_PROBE)
		reader_reset(reader, reader->base);
	if (answer->result == -ECANCELED)
		reader_turn(reader);
	else
		reader_again(reader);
}

static int watch_ask(struct etcd_reader *reader)
{
	AUTO_BUFFER body = {0};
	struct etcd_question question = {.path = "/v3/watch",
		.body = &body,
		.message = watch_message,
		.done = watch_ended,
		.userdata = reader};
	uint64_t from =
		reader->state == READER_PROBE ? reader->base : reader->etcd->store->revision;
	int r = etcd_compose_watch(reader->etcd->folder, from + 1, &body);

	if (r == 0)
		r = etcd_ask(reader->etcd->peers, &question, &reader->call);
	if (r == 0 &&
		(reader->state == READER_PROBE || reader->expected > reader->etcd->store->revision))
		timer_arm(reader->overdue, clock_now() + OVERDUE);
	return r;
}

/* --- both --- */

static void reader_turn(void *userdata)
{
	struct etcd_reader *reader = userdata;
	int r;

	if (reader->state == READER_PAGES && reader->base == 0)
		state_enter(reader);
	r = reader->state == READER_PAGES ? page_ask(reader) : watch_ask(reader);
	if (r < 0)
		reader_again(reader);
}

static void reader_overdue(void *userdata)
{
	struct etcd_reader *reader = userdata;

	if (reader->call)
		etcd_call_give_up(reader->call);
}

void etcd_reader_begin(struct etcd_reader *reader, uint64_t revision)
{
	reader_reset(reader, revision);
	reader_turn(reader);
}

bool etcd_reader_follows(const struct etcd_reader *reader)
{
	return reader->follows;
}

void etcd_reader_expect(struct etcd_reader *reader, uint64_t revision)
{
	bool waits = reader->expected > reader->etcd->store->revision;

	if (reader->expected < revision)
		reader->expected = revision;
	if (!waits && reader->state == READER_WATCH && reader->call &&
		reader->expected > reader->etcd->store->revision)
		timer_arm(reader->overdue, clock_now() + OVERDUE);
}

int etcd_reader_new(struct etcd *etcd)
{
	struct etcd_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	etcd->reader = reader;
	reader->etcd = etcd;
	reader->line = ETCD_NO_LINE;
	if (timer_new(etcd->loop, reader_turn, reader, &reader->retry, NULL) < 0 ||
		timer_new(etcd->loop, reader_overdue, reader, &reader->overdue, NULL) < 0)
		return -ENOMEM;
	return 0;
}

struct etcd_reader *etcd_reader_free(struct etcd_reader *reader)
{
	if (!reader)
		return NULL;
	etcd_call_free(reader->call);
	transport_close(&reader->line.transport);
	timer_free(reader->retry);
	timer_free(reader->overdue);
	index_clear(&reader->loading);
	arrivals_drop(reader, reader->count);
	free(reader->arrivals);
	free(reader);
	return NULL;
}
