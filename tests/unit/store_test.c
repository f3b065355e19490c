// SPDX-License-Identifier: Apache-2.0
/* One suite for all backends of the store. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/etcd.h"
#include "user/base/fs.h"
#include "user/base/loop.h"
#include "user/store/store.h"

#define DEADLINE (10 * USEC_PER_SEC)

/* A store in a directory or below a prefix of its own, and how its last write ended. */
struct bed {
	sd_event *loop;
	struct store *store;
	char where[128], dir[64], prefix[32];
	size_t most_events;
	uint64_t base;	/* its revision when it was made */
	unsigned extra; /* revisions that opening it, or a write of nothing, takes */
	unsigned done;
	int result;
	uint64_t revision;
};

static const char *const backends[] = {"memory", "sqlite", "etcd"};

static void bed_open(struct bed *bed)
{
	struct store_config config = {.where = bed->where,
		.etcd_prefix = bed->prefix,
		.history_events = bed->most_events};
	struct err err;

	if (store_open(bed->loop, &config, &bed->store, &err) < 0)
		BAIL(err.text);
}

static unsigned beds;

static void bed_make(struct bed *bed, const char *backend, size_t most_events)
{
	*bed = (struct bed){.most_events = most_events};
	snprintf(bed->dir, sizeof(bed->dir), "/tmp/store.XXXXXX");
	if (!mkdtemp(bed->dir) || sd_event_new(&bed->loop) < 0)
		BAIL("a directory and a loop");
	snprintf(bed->where, sizeof(bed->where), "memory");
	if (strcmp(backend, "sqlite") == 0)
		snprintf(bed->where, sizeof(bed->where), "sqlite:%s/store", bed->dir);
	if (strcmp(backend, "etcd") == 0) {
		snprintf(bed->where, sizeof(bed->where), "etcd=%s", etcd_url());
		snprintf(bed->prefix, sizeof(bed->prefix), "/bed%u", ++beds);
		bed->extra = 1;
	}
	bed_open(bed);
	bed->base = store_revision(bed->store);
}

static void bed_end(struct bed *bed)
{
	store_free(bed->store);
	sd_event_unref(bed->loop);
	CHECK_EQ("the directory goes", fs_remove(bed->dir, NULL), 0);
}

static void done(void *userdata, int result, uint64_t revision)
{
	struct bed *bed = userdata;

	bed->done++;
	bed->result = result;
	bed->revision = revision;
}

static void bed_wait(struct bed *bed, unsigned count)
{
	uint64_t until = clock_now() + DEADLINE;

	while (bed->done < count && clock_now() < until)
		sd_event_run(bed->loop, USEC_PER_SEC / 10);
	CHECK_EQ("writes end", bed->done, count);
	bed->done = 0;
}

/* Begins one change; @modified SIZE_MAX: without a compare. */
static void change(struct bed *bed, const char *key, const char *text, uint64_t modified)
{
	struct blob *value = text ? blob_new(text, strlen(text)) : NULL;
	struct store_compare compare = {key, modified};
	struct store_change one = {key, value};
	struct store_txn txn = {.compares = &compare,
		.compare_count = modified == UINT64_MAX ? 0 : 1,
		.changes = &one,
		.change_count = 1};

	CHECK_EQ("the write is taken", store_commit(bed->store, &txn, done, bed), 0);
	blob_unref(value);
}

static int put(struct bed *bed, const char *key, const char *text)
{
	change(bed, key, text, UINT64_MAX);
	bed_wait(bed, 1);
	return bed->result;
}

static const char *get(const struct bed *bed, const char *key)
{
	const struct store_entry *entry = store_get(bed->store, key);

	return entry ? entry->value->data : "-";
}

static void writes_are_counted_and_read(const char *backend)
{
	const struct store_entry *entry;
	struct bed bed;

	bed_make(&bed, backend, 0);
	CHECK_EQ("nothing yet", store_get(bed.store, "/a/x") == NULL, 1);
	CHECK_EQ("first", put(&bed, "/a/x", "one"), 0);
	CHECK_EQ("its revision", bed.revision, bed.base + 1);
	CHECK_EQ("second", put(&bed, "/a/x", "two"), 0);
	CHECK_STR("the later one counts", get(&bed, "/a/x"), "two");
	entry = store_get(bed.store, "/a/x");
	CHECK_EQ("made by", entry->created, bed.base + 1);
	CHECK_EQ("changed by", entry->modified, bed.base + 2);
	CHECK_EQ("delete", put(&bed, "/a/x", NULL), 0);
	CHECK_STR("gone", get(&bed, "/a/x"), "-");
	CHECK_EQ("a deletion counts", store_revision(bed.store), bed.base + 3);
	CHECK_EQ("of nothing", put(&bed, "/a/x", NULL), 0);
	CHECK_EQ("does not", store_revision(bed.store), bed.base + 3 + bed.extra);
	bed_end(&bed);
}

static void a_compare_decides_when_its_turn_comes(const char *backend)
{
	struct bed bed;

	bed_make(&bed, backend, 0);
	/* All begin before the first one ends: the later ones see what the earlier ones do. */
	change(&bed, "/a", "made", 0);
	change(&bed, "/a", "made twice", 0);
	bed_wait(&bed, 2);
	CHECK_EQ("who comes second has lost", bed.result, -EAGAIN);
	CHECK_STR("the first one has it", get(&bed, "/a"), "made");
	change(&bed, "/a", "old revision", bed.base + 7);
	bed_wait(&bed, 1);
	CHECK_EQ("another revision", bed.result, -EAGAIN);
	change(&bed, "/a", NULL, bed.base + 1);
	change(&bed, "/a", "made anew", 0);
	bed_wait(&bed, 2);
	CHECK_EQ("deleted in between", bed.result, 0);
	CHECK_STR("made anew", get(&bed, "/a"), "made anew");
	CHECK_EQ("by its own revision", store_get(bed.store, "/a")->created, bed.revision);
	bed_end(&bed);
}

static void several_keys_change_at_once_or_not_at_all(const char *backend)
{
	struct blob *value = blob_new("x", 1);
	struct store_compare compares[] = {{"/a", 0}, {"/b", 0}};
	struct store_change changes[] = {{"/a", value}, {"/b", value}};
	struct store_txn txn = {compares, 2, changes, 2};
	struct bed bed;

	bed_make(&bed, backend, 0);
	put(&bed, "/b", "there");
	CHECK_EQ("taken", store_commit(bed.store, &txn, done, &bed), 0);
	bed_wait(&bed, 1);
	CHECK_EQ("one compare fails", bed.result, -EAGAIN);
	CHECK_STR("nothing is written", get(&bed, "/a"), "-");
	compares[1].modified = bed.base + 1;
	CHECK_EQ("taken", store_commit(bed.store, &txn, done, &bed), 0);
	bed_wait(&bed, 1);
	CHECK_EQ("both hold", bed.result, 0);
	CHECK_EQ("one revision", store_get(bed.store, "/a")->modified,
		store_get(bed.store, "/b")->modified);
	blob_unref(value);
	bed_end(&bed);
}

static void ranges_are_in_order_and_of_any_revision(const char *backend)
{
	const struct store_entry *const *entries;
	struct index past;
	struct bed bed;
	size_t count;

	bed_make(&bed, backend, 0);
	put(&bed, "/pods/b", "1");
	put(&bed, "/pods/a", "1");
	put(&bed, "/podsets/a", "1");
	put(&bed, "/pods/c", "1"); /* 4 */
	put(&bed, "/pods/a", "2");
	put(&bed, "/pods/b", NULL);
	entries = store_range(bed.store, "/pods/", NULL, &count);
	CHECK_EQ("only those below", count, 2);
	CHECK_STR("in order", entries[0]->key, "/pods/a");
	entries = store_range(bed.store, "/pods/", "/pods/a", &count);
	CHECK_EQ("behind one", count, 1);
	CHECK_STR("the next", entries[0]->key, "/pods/c");
	store_range(bed.store, "/pods/", "/pods/b", &count);
	CHECK_EQ("behind one that is gone", count, 1);
	CHECK_EQ("the past", store_range_at(bed.store, "/pods/", bed.base + 4, &past), 0);
	CHECK_EQ("as many as then", past.count, 3);
	CHECK_STR("as it was", index_find(&past, "/pods/a")->value->data, "1");
	CHECK_EQ("with its revision", index_find(&past, "/pods/a")->modified, bed.base + 2);
	CHECK_STR("not yet deleted", index_find(&past, "/pods/b")->value->data, "1");
	index_clear(&past);
	CHECK_EQ("the future", store_range_at(bed.store, "/pods/", bed.base + 7, &past), -ERANGE);
	bed_end(&bed);
}

static void wake(void *userdata)
{
	unsigned *count = userdata;

	(*count)++;
}

static void a_watch_misses_nothing_and_repeats_nothing(const char *backend)
{
	const struct store_event *event;
	struct store_watch *watch;
	unsigned woken = 0;
	struct bed bed;
	bool stale;

	bed_make(&bed, backend, 0);
	put(&bed, "/pods/a", "1");
	put(&bed, "/other/a", "1");
	put(&bed, "/pods/a", "2");
	CHECK_EQ("from the past on",
		store_watch_new(bed.store, "/pods/", bed.base + 1, wake, &woken, &watch), 0);
	event = store_watch_next(watch, &stale);
	CHECK("what was missed", event && event->revision == bed.base + 3);
	CHECK_STR("before", event->previous->data, "1");
	CHECK_STR("after", event->value->data, "2");
	CHECK("no more", !store_watch_next(watch, &stale) && !stale);
	CHECK_EQ("all is read", store_watch_revision(watch), bed.base + 3);
	put(&bed, "/other/a", NULL);
	CHECK_EQ("not its business", woken, 0);
	put(&bed, "/pods/a", NULL);
	put(&bed, "/pods/b", "1");
	CHECK_EQ("woken once", woken, 1);
	event = store_watch_next(watch, &stale);
	CHECK("a deletion", event && !event->value && event->revision == bed.base + 5);
	event = store_watch_next(watch, &stale);
	CHECK("a creation", event && !event->previous && event->revision == bed.base + 6);
	CHECK("no more", !store_watch_next(watch, &stale));
	put(&bed, "/pods/b", "2");
	CHECK_EQ("woken again", woken, 2);
	store_watch_free(watch);
	bed_end(&bed);
}

static void who_is_too_slow_is_told(const char *backend)
{
	struct store_watch *watch, *late;
	struct index past;
	unsigned woken = 0;
	char text[16];
	struct bed bed;
	bool stale;

	bed_make(&bed, backend, 8);
	CHECK_EQ("from the start on",
		store_watch_new(bed.store, "/", bed.base, wake, &woken, &watch), 0);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%d", i);
		put(&bed, "/a", text);
	}
	CHECK_EQ("the log holds eight", store_compacted(bed.store), bed.base + 12);
	CHECK("nothing to read", !store_watch_next(watch, &stale));
	CHECK("too slow", stale);
	CHECK_EQ("too old", store_watch_new(bed.store, "/", bed.base + 11, wake, &woken, &late),
		-ESTALE);
	CHECK_EQ("too old a list", store_range_at(bed.store, "/", bed.base + 11, &past), -ESTALE);
	CHECK_EQ("just right", store_watch_new(bed.store, "/", bed.base + 12, wake, &woken, &late),
		0);
	CHECK("the next one", store_watch_next(late, &stale)->revision == bed.base + 13);
	store_watch_free(watch);
	store_watch_free(late);
	bed_end(&bed);
}

/* The same promises for each backend. */
#define ALL_BACKENDS(promise)                                \
	TEST(promise##_for_all)                              \
	{                                                    \
		for (size_t i = 0; i < COUNT(backends); i++) \
			promise(backends[i]);                \
	}
ALL_BACKENDS(writes_are_counted_and_read)
ALL_BACKENDS(a_compare_decides_when_its_turn_comes)
ALL_BACKENDS(several_keys_change_at_once_or_not_at_all)
ALL_BACKENDS(ranges_are_in_order_and_of_any_revision)
ALL_BACKENDS(a_watch_misses_nothing_and_repeats_nothing)
ALL_BACKENDS(who_is_too_slow_is_told)

/* --- what only a durable one promises --- */

static void what_was_acknowledged_is_there_again(const char *backend)
{
	const struct store_event *event;
	struct store_watch *watch;
	unsigned woken = 0;
	struct bed bed;
	bool stale;

	bed_make(&bed, backend, 0);
	put(&bed, "/a", "1");
	put(&bed, "/a", "2");
	put(&bed, "/b", "");
	put(&bed, "/c", "1");
	put(&bed, "/c", NULL);
	store_free(bed.store);
	bed_open(&bed);
	CHECK_EQ("the revision", store_revision(bed.store), bed.base + 5 + bed.extra);
	CHECK_STR("the latest", get(&bed, "/a"), "2");
	CHECK_EQ("made by", store_get(bed.store, "/a")->created, bed.base + 1);
	CHECK_STR("an empty value is one", get(&bed, "/b"), "");
	CHECK_STR("a deletion", get(&bed, "/c"), "-");
	CHECK_EQ("watches go on",
		store_watch_new(bed.store, "/", bed.base + 4, wake, &woken, &watch), 0);
	event = store_watch_next(watch, &stale);
	CHECK("where they were", event && event->revision == bed.base + 5 && !event->value);
	CHECK("with what was before", event->previous && event->created == bed.base + 4);
	store_watch_free(watch);
	bed_end(&bed);
}

TEST(what_was_acknowledged_is_there_again_for_all)
{
	what_was_acknowledged_is_there_again("sqlite");
	what_was_acknowledged_is_there_again("etcd");
}

TEST(what_is_compacted_stays_so_and_no_revision_comes_twice)
{
	const unsigned count = 2500;
	struct index past;
	struct bed bed;

	bed_make(&bed, "sqlite", 8);
	for (unsigned i = 0; i < count; i++)
		change(&bed, i % 2 ? "/a" : "/b", "x", UINT64_MAX);
	bed_wait(&bed, count);
	put(&bed, "/a", NULL);
	put(&bed, "/b", NULL);
	for (unsigned i = 0; i < count; i++)
		change(&bed, "/c", i % 2 ? NULL : "x", UINT64_MAX);
	bed_wait(&bed, count);
	CHECK("behind the writes", store_compacted(bed.store) > 2 * count - 50);
	store_free(bed.store);
	bed.most_events = 0;
	bed_open(&bed);
	CHECK_EQ("the revision", store_revision(bed.store), 2 * count + 2);
	CHECK("what was forgotten", store_compacted(bed.store) >= 2 * count - 1300);
	CHECK_EQ("is refused", store_range_at(bed.store, "/", 100, &past), -ESTALE);
	CHECK_STR("nothing comes back", get(&bed, "/a"), "-");
	CHECK_EQ("the next", put(&bed, "/d", "x"), 0);
	CHECK_EQ("is new", bed.revision, 2 * count + 3);
	bed_end(&bed);
}

TEST(what_is_no_store_is_refused)
{
	static const struct {
		const char *what, *where, *part;
		int code;
	} rows[] = {
		{"unknown kind", "mysql:x", "must be memory, sqlite:PATH or etcd=URL", EINVAL},
		{"no path", "sqlite:", "must be memory, sqlite:PATH or etcd=URL", EINVAL},
		{"no endpoint", "etcd=", "must be memory, sqlite:PATH or etcd=URL", EINVAL},
		{"no such directory", "sqlite:/nowhere/at/all", "open '/nowhere/at/all'", EIO},
		{"no database", "sqlite:/proc/self/exe", "open '/proc/self/exe'", EUCLEAN},
	};
	struct store *store;
	sd_event *loop;
	struct err err;

	sd_event_new(&loop);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct store_config config = {.where = rows[i].where};

		CHECK_FAILS(rows[i].what, store_open(loop, &config, &store, &err), rows[i].code,
			&err, rows[i].part);
	}
	sd_event_unref(loop);
}

TEST(a_store_has_one_owner)
{
	struct store_config config;
	struct store *second;
	struct err err;
	struct bed bed;

	bed_make(&bed, "sqlite", 0);
	put(&bed, "/a", "1");
	config = (struct store_config){.where = bed.where};
	CHECK_FAILS("a second one", store_open(bed.loop, &config, &second, &err), EBUSY, &err,
		"database is locked");
	bed_end(&bed);
}

/* Files may have this many bytes at most. */
static void files_most(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(a_write_that_the_disk_refuses_is_a_problem_until_the_next_one)
{
	struct bed bed;

	signal(SIGXFSZ, SIG_IGN);
	bed_make(&bed, "sqlite", 0);
	put(&bed, "/a", "1");
	CHECK("none yet", !store_problem(bed.store));
	files_most(1);
	CHECK("refused", put(&bed, "/a", "2") < 0);
	files_most(RLIM_INFINITY);
	CHECK_HAS("the problem has words", store_problem(bed.store) ? store_problem(bed.store) : "",
		"disk");
	CHECK_STR("what was there is", get(&bed, "/a"), "1");
	CHECK_EQ("the next one", put(&bed, "/a", "3"), 0);
	CHECK("is its end", !store_problem(bed.store));
	bed_end(&bed);
}
