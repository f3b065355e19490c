// SPDX-License-Identifier: Apache-2.0
/* What the etcd backend promises beyond the suite of all stores, with a real etcd behind a relay that loses things. */
#include <stdlib.h>

#include "tests/check.h"
#include "tests/etcd.h"
#include "tests/relay.h"
#include "user/base/base64.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/store/etcdpeers.h"
#include "user/store/etcdwire.h"
#include "user/store/store.h"

#define DEADLINE (20 * USEC_PER_SEC)

/* --- stores --- */

struct bed {
	sd_event *loop;
	char where[128], prefix[32];
	struct store *store;
	unsigned done, good, unequal;
	int result;
	uint64_t revision;
	char seen[64]; /* what was at /a when the last write ended */
};

static unsigned beds;

static int bed_open(struct bed *bed, size_t events, struct err *err)
{
	struct store_config config = {
		.where = bed->where, .etcd_prefix = bed->prefix, .history_events = events};

	return store_open(bed->loop, &config, &bed->store, err);
}

/* At the URLs @where (NULL: etcd itself), below the prefix of @other (NULL: one of its own). */
static void bed_make(
	struct bed *bed, sd_event *loop, const char *where, const struct bed *other, size_t events)
{
	struct err err;

	*bed = (struct bed){.loop = loop};
	snprintf(bed->where, sizeof(bed->where), "etcd=%s", where ? where : etcd_url());
	if (other)
		snprintf(bed->prefix, sizeof(bed->prefix), "%s", other->prefix);
	else
		snprintf(bed->prefix, sizeof(bed->prefix), "/bed%u", ++beds);
	if (bed_open(bed, events, &err) < 0)
		BAIL(err.text);
}

static const char *get(const struct bed *bed, const char *key)
{
	const struct store_entry *entry = store_get(bed->store, key);

	return entry ? entry->value->data : "-";
}

static void done(void *userdata, int result, uint64_t revision)
{
	struct bed *bed = userdata;

	bed->done++;
	bed->good += result == 0;
	bed->unequal += result == -EAGAIN;
	bed->result = result;
	bed->revision = revision;
	snprintf(bed->seen, sizeof(bed->seen), "%.60s", get(bed, "/a"));
}

static void begin(struct bed *bed, const char *key, const void *data, size_t len, uint64_t modified)
{
	struct blob *value = data ? blob_new(data, len) : NULL;
	struct store_compare compare = {key, modified};
	struct store_change change = {key, value};
	struct store_txn txn = {&compare, modified == UINT64_MAX ? 0 : 1, &change, 1};

	CHECK_EQ("the write is taken", store_commit(bed->store, &txn, done, bed), 0);
	blob_unref(value);
}

static bool wait_until(sd_event *loop, bool (*holds)(void *userdata), void *userdata)
{
	uint64_t until = clock_now() + DEADLINE;

	while (!holds(userdata) && clock_now() < until)
		sd_event_run(loop, USEC_PER_SEC / 10);
	return holds(userdata);
}

struct goal {
	const struct bed *bed;
	unsigned done;
	const char *key, *value;
};

static bool goal_is_reached(void *userdata)
{
	const struct goal *goal = userdata;

	return goal->key ? strcmp(get(goal->bed, goal->key), goal->value) == 0
			 : goal->bed->done >= goal->done;
}

static void wait_done(struct bed *bed, unsigned count)
{
	struct goal goal = {.bed = bed, .done = count};

	CHECK("writes end", wait_until(bed->loop, goal_is_reached, &goal));
	bed->done = 0;
}

static int put(struct bed *bed, const char *key, const char *text, uint64_t modified)
{
	begin(bed, key, text, text ? strlen(text) : 0, modified);
	wait_done(bed, 1);
	return bed->result;
}

static bool comes(struct bed *bed, const char *key, const char *value)
{
	struct goal goal = {.bed = bed, .key = key, .value = value};

	return wait_until(bed->loop, goal_is_reached, &goal);
}

static void ignore(void *userdata)
{
	(void)userdata;
}

static unsigned changes_of(struct bed *bed, const char *key, uint64_t after)
{
	struct store_watch *watch;
	unsigned count = 0;
	bool stale;

	if (store_watch_new(bed->store, key, after, ignore, NULL, &watch) < 0)
		BAIL("a watch");
	while (store_watch_next(watch, &stale))
		count++;
	CHECK("nothing is missed", !stale);
	store_watch_free(watch);
	return count;
}

/* --- promises --- */

TEST(a_lost_answer_is_no_failure_and_no_second_write)
{
	static const enum fault faults[] = {FAULT_NONE, FAULT_ANSWER, FAULT_NONE, FAULT_REQUEST,
		FAULT_NONE, FAULT_LATE, FAULT_NONE, FAULT_NONE, FAULT_ANSWER, FAULT_ANSWER,
		FAULT_NONE, FAULT_REQUEST, FAULT_NONE};
	const unsigned count = 50;
	uint64_t base, revision = 0;
	struct relay relay;
	sd_event *loop;
	struct bed bed;
	char text[16];

	sd_event_new(&loop);
	relay_start(&relay, loop);
	bed_make(&bed, loop, relay.url, NULL, 0);
	base = store_revision(bed.store);
	relay.faults = faults;
	relay.fault_count = COUNT(faults);
	for (unsigned i = 1; i <= count; i++) {
		snprintf(text, sizeof(text), "%u", i);
		/* Each is right only if the one before was done, and once. */
		CHECK_EQ("the write is done", put(&bed, "/n", text, revision), 0);
		revision = bed.revision;
		CHECK_EQ("its revision is the one there is", store_get(bed.store, "/n")->modified,
			revision);
		relay_deliver_late(&relay);
	}
	CHECK_EQ("the last one is there", strcmp(get(&bed, "/n"), text), 0);
	CHECK_EQ("each was done once", changes_of(&bed, "/n", base), count);
	CHECK("enough was lost", relay.lost >= count / 2);
	store_free(bed.store);
	relay_stop(&relay);
	sd_event_unref(loop);
}

TEST(a_request_that_comes_late_does_nothing)
{
	static const enum fault late[] = {FAULT_LATE, FAULT_NONE, FAULT_NONE};
	struct relay relay;
	sd_event *loop;
	struct bed bed;
	uint64_t base;

	sd_event_new(&loop);
	relay_start(&relay, loop);
	bed_make(&bed, loop, relay.url, NULL, 0);
	base = store_revision(bed.store);
	relay.faults = late;
	relay.fault_count = COUNT(late);
	/* No compare could tell that it is too late. */
	CHECK_EQ("done", put(&bed, "/a", "1", UINT64_MAX), 0);
	relay.faults = NULL;
	CHECK_EQ("one was lost", relay.lost, 1);
	CHECK_EQ("done", put(&bed, "/a", "2", UINT64_MAX), 0);
	relay_deliver_late(&relay);
	CHECK_EQ("done", put(&bed, "/b", "1", UINT64_MAX), 0);
	CHECK_STR("the later one counts", get(&bed, "/a"), "2");
	CHECK_EQ("each was done once", changes_of(&bed, "/a", base), 2);
	store_free(bed.store);
	relay_stop(&relay);
	sd_event_unref(loop);
}

TEST(what_did_not_hold_is_told_so_when_the_answer_is_lost)
{
	static const enum fault faults[] = {FAULT_ANSWER, FAULT_NONE};
	struct relay relay;
	sd_event *loop;
	struct bed bed;

	sd_event_new(&loop);
	relay_start(&relay, loop);
	bed_make(&bed, loop, relay.url, NULL, 0);
	put(&bed, "/a", "1", 0);
	relay.faults = faults;
	relay.fault_count = COUNT(faults);
	CHECK_EQ("it is there already", put(&bed, "/a", "2", 0), -EAGAIN);
	CHECK_EQ("an answer was lost", relay.lost, 1);
	CHECK_STR("nothing was done", get(&bed, "/a"), "1");
	store_free(bed.store);
	relay_stop(&relay);
	sd_event_unref(loop);
}

TEST(several_stores_share_an_etcd)
{
	const unsigned count = 40;
	struct bed a, b;
	sd_event *loop;
	char key[16];

	sd_event_new(&loop);
	bed_make(&a, loop, NULL, NULL, 0);
	bed_make(&b, loop, NULL, &a, 0);
	put(&a, "/a", "from a", 0);
	CHECK("what one writes comes to the other", comes(&b, "/a", "from a"));
	CHECK_EQ("with its revision", store_get(b.store, "/a")->modified, a.revision);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "/race/%u", i);
		begin(&a, key, "a", 1, 0);
		begin(&b, key, "b", 1, 0);
	}
	a.good = a.unequal = 0;
	wait_done(&a, count);
	wait_done(&b, count);
	CHECK_EQ("one of two has each key", a.good + b.good, count);
	CHECK_EQ("the other is told", a.unequal + b.unequal, count);
	put(&a, "/a", "newer", UINT64_MAX);
	put(&b, "/a", "older than it seems", 1);
	CHECK_EQ("a compare is etcd's to decide", b.result, -EAGAIN);
	CHECK_STR("who has lost sees to whom", b.seen, "newer");
	store_free(b.store);
	store_free(a.store);
	sd_event_unref(loop);
}

TEST(a_watch_that_is_behind_what_is_compacted_reads_anew)
{
	const unsigned count = 1300;
	struct store_watch *watch;
	struct bed behind, ahead;
	struct relay relay;
	sd_event *loop;
	char key[16];
	bool stale;

	sd_event_new(&loop);
	relay_start(&relay, loop);
	bed_make(&behind, loop, relay.url, NULL, 0);
	bed_make(&ahead, loop, NULL, &behind, 8);
	put(&behind, "/gone", "x", 0);
	CHECK_EQ("from now on",
		store_watch_new(behind.store, "/", behind.revision, ignore, NULL, &watch), 0);
	CHECK("comes to the other", comes(&ahead, "/gone", "x"));
	relay.down = true;
	relay_cut(&relay);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "/many/%u", i % 100);
		begin(&ahead, key, "x", 1, UINT64_MAX);
	}
	begin(&ahead, "/gone", NULL, 0, UINT64_MAX);
	wait_done(&ahead, count + 1);
	/* The compaction is asked for behind the writes. */
	put(&ahead, "/last", "x", UINT64_MAX);
	CHECK("no watcher is told of what has not come",
		!store_watch_next(watch, &stale) && !stale);
	relay.down = false;
	CHECK("it comes to what there is", comes(&behind, "/last", "x"));
	CHECK_STR("also what is gone", get(&behind, "/gone"), "-");
	CHECK_STR("and what there is", get(&behind, "/many/99"), "x");
	CHECK("who follows has missed something", !store_watch_next(watch, &stale) && stale);
	CHECK("as it is told", store_compacted(behind.store) >= ahead.revision - 400);
	store_watch_free(watch);
	CHECK_EQ("it writes on", put(&behind, "/last", "y", UINT64_MAX), 0);
	store_free(behind.store);
	store_free(ahead.store);
	relay_stop(&relay);
	sd_event_unref(loop);
}

TEST(the_next_endpoint_takes_over)
{
	struct relay relay;
	char where[128];
	sd_event *loop;
	struct bed bed;

	sd_event_new(&loop);
	relay_start(&relay, loop);
	snprintf(where, sizeof(where), "http://127.0.0.1:1,%.40s,%.40s", relay.url, etcd_url());
	bed_make(&bed, loop, where, NULL, 0);
	CHECK_EQ("one of three is not there", put(&bed, "/a", "1", 0), 0);
	relay.down = true;
	relay_cut(&relay);
	CHECK_EQ("and then two", put(&bed, "/a", "2", bed.revision), 0);
	CHECK_STR("what is written is read", get(&bed, "/a"), "2");
	store_free(bed.store);
	relay_stop(&relay);
	sd_event_unref(loop);
}

TEST(a_large_state_is_read_in_pages_and_in_pieces)
{
	static const size_t events[] = {0, 8}; /* the log alone, or pages */
	const unsigned count = 600;
	const size_t size = 26 << 10;
	char *text = memset(malloc(size), 'x', size), key[16];
	size_t found;
	sd_event *loop;
	struct bed bed;
	struct err err;

	sd_event_new(&loop);
	bed_make(&bed, loop, NULL, NULL, 0);
	for (unsigned i = 0; i < count; i++) {
		snprintf(key, sizeof(key), "/large/%u", i);
		begin(&bed, key, text, size, 0);
	}
	wait_done(&bed, count);
	for (size_t i = 0; i < COUNT(events); i++) {
		store_free(bed.store);
		CHECK_OK("open", bed_open(&bed, events[i], &err), &err);
		store_range(bed.store, "/large/", NULL, &found);
		CHECK_EQ("all of it is there", found, count);
		CHECK_EQ("as it was", store_get(bed.store, "/large/17")->value->size, size);
	}
	store_free(bed.store);
	free(text);
	sd_event_unref(loop);
}

TEST(what_etcd_cannot_take_is_refused_and_nothing_else)
{
	const size_t size = 2u << 20;
	char *text = memset(malloc(size), 'x', size), keys[200][16];
	struct blob *value = blob_new("x", 1);
	struct store_change changes[200];
	struct store_txn txn = {.changes = changes, .change_count = COUNT(changes)};
	sd_event *loop;
	struct bed bed;

	sd_event_new(&loop);
	bed_make(&bed, loop, NULL, NULL, 0);
	begin(&bed, "/a", text, size, 0);
	wait_done(&bed, 1);
	CHECK_EQ("far too large", bed.result, -EFBIG);
	begin(&bed, "/a", text, size * 3 / 4 + 1024, 0);
	wait_done(&bed, 1);
	CHECK_EQ("too large", bed.result, -EFBIG);
	begin(&bed, "/large", text, size / 2, 0);
	wait_done(&bed, 1);
	CHECK_EQ("large", bed.result, 0);
	for (size_t i = 0; i < COUNT(changes); i++) {
		snprintf(keys[i], sizeof(keys[i]), "/%zu", i);
		changes[i] = (struct store_change){keys[i], value};
	}
	store_commit(bed.store, &txn, done, &bed);
	wait_done(&bed, 1);
	CHECK_EQ("too many keys", bed.result, -E2BIG);
	CHECK_EQ("the next write is done", put(&bed, "/a", "1", 0), 0);
	store_free(bed.store);
	blob_unref(value);
	free(text);
	sd_event_unref(loop);
}

/* --- what others have left there --- */

struct asked {
	unsigned done;
	int result;
};

static void asked_done(void *userdata, const struct etcd_answer *answer)
{
	struct asked *asked = userdata;

	asked->done++;
	asked->result = answer->result;
}

static bool is_asked(void *userdata)
{
	return ((struct asked *)userdata)->done > 0;
}

/* Asks etcd past all stores. */
static void ask(sd_event *loop, const char *path, const struct buffer *body)
{
	struct asked asked = {0};
	struct etcd_peers *peers;
	struct etcd_call *call;
	struct etcd_question question = {
		.path = path, .body = body, .done = asked_done, .userdata = &asked};
	struct err err;

	if (etcd_peers_new(loop, etcd_url(), NULL, &peers, &err) < 0 ||
		etcd_ask(peers, &question, &call) < 0)
		BAIL("ask etcd");
	CHECK("asked", wait_until(loop, is_asked, &asked) && asked.result == 0);
	etcd_call_free(call);
	etcd_peers_free(peers);
}

TEST(a_mark_that_somebody_has_swept_is_made_anew)
{
	AUTO_BUFFER body = {0};
	AUTO_FREE char *from = NULL;
	AUTO_FREE char *end = NULL;
	char folder[64];
	sd_event *loop;
	struct bed bed;

	sd_event_new(&loop);
	bed_make(&bed, loop, NULL, NULL, 0);
	put(&bed, "/a", "1", 0);
	snprintf(folder, sizeof(folder), "%s/writers/", bed.prefix);
	from = base64_encode(folder, strlen(folder));
	folder[strlen(folder) - 1]++;
	end = base64_encode(folder, strlen(folder));
	buffer_printf(&body, "{\"key\":\"%s\",\"range_end\":\"%s\"}", from, end);
	ask(loop, "/v3/kv/deleterange", &body);
	CHECK_EQ("the next write is done", put(&bed, "/a", "2", bed.revision), 0);
	CHECK_STR("and read", get(&bed, "/a"), "2");
	store_free(bed.store);
	sd_event_unref(loop);
}

TEST(a_layout_of_another_podnet_is_refused)
{
	struct bed bed = {.prefix = "/other"};
	AUTO_BUFFER body = {0};
	struct err err;

	sd_event_new(&bed.loop);
	CHECK_EQ("composed", etcd_compose_claim("/other/format", "2", &body), 0);
	ask(bed.loop, "/v3/kv/txn", &body);
	snprintf(bed.where, sizeof(bed.where), "etcd=%s", etcd_url());
	CHECK_FAILS("open", bed_open(&bed, 0, &err), EPROTO, &err,
		"what is below '/other/' has format 2, this podnet reads 1");
	sd_event_unref(bed.loop);
}

TEST(what_is_no_etcd_is_refused)
{
	static const struct {
		const char *what, *where, *prefix, *part;
		int code;
	} rows[] = {
		{"no URL", "etcd=127.0.0.1:2379", "/p", "does not begin with https://", EINVAL},
		{"no port", "etcd=http://127.0.0.1", "/p", "has no port", EINVAL},
		{"a path", "etcd=http://127.0.0.1:1/x", "/p", "has no path", EINVAL},
		{"an empty one", "etcd=http://127.0.0.1:1,", "/p", "does not begin with", EINVAL},
		{"no such name", "etcd=http://no.such.host.invalid:1", "/p",
			"etcd 'http://no.such.host.invalid:1': look up", EHOSTUNREACH},
		{"no prefix", "etcd=http://127.0.0.1:1", "/", "must begin with '/' and go on",
			EINVAL},
		{"a word", "etcd=http://127.0.0.1:1", "podnet", "prefix 'podnet'", EINVAL},
	};
	sd_event *loop;
	struct err err;

	sd_event_new(&loop);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_config config = {
			.where = rows[i].where, .etcd_prefix = rows[i].prefix};
		struct store *store;

		CHECK_FAILS(rows[i].what, store_open(loop, &config, &store, &err), rows[i].code,
			&err, rows[i].part);
	}
	sd_event_unref(loop);
}
