// SPDX-License-Identifier: Apache-2.0
/* The manifest directory: what is desired after each change of it. */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "user/agent/manifests.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/base/json.h"

#define DEADLINE (10 * USEC_PER_SEC)

struct fixture {
	char root[64];
	char *dir, *state;
	sd_event *loop;
	struct manifests *manifests;
	unsigned scans;
	size_t max_bytes;
};

static void changed(struct manifests *manifests, void *userdata)
{
	struct fixture *f = userdata;

	(void)manifests;
	f->scans++;
}

static void turn(struct fixture *f)
{
	if (sd_event_run(f->loop, 100 * USEC_PER_MSEC) < 0)
		BAIL("the loop failed");
}

static void start(struct fixture *f)
{
	struct manifests_config config = {f->dir, f->state, f->max_bytes};
	uint64_t until = clock_now() + DEADLINE;
	struct err err;

	f->scans = 0;
	if (manifests_new(f->loop, &config, changed, f, &f->manifests, &err) < 0)
		BAIL(err.text);
	while (!f->scans && clock_now() < until)
		turn(f);
	CHECK("the first scan comes by itself", f->scans > 0);
}

static void setup(struct fixture *f)
{
	struct err err;

	*f = (struct fixture){.root = "/tmp/podnet-manifests.XXXXXX", .max_bytes = 1 << 20};
	if (!mkdtemp(f->root) || sd_event_new(&f->loop) < 0)
		BAIL("no directory or loop");
	f->dir = fs_format("%s/manifests", f->root);
	f->state = fs_format("%s/state", f->root);
	if (fs_mkdir(f->dir, 0755, &err) < 0)
		BAIL(err.text);
}

static void teardown(struct fixture *f)
{
	struct err err;

	manifests_free(f->manifests);
	sd_event_unref(f->loop);
	if (fs_remove(f->root, &err) < 0)
		BAIL(err.text);
	free(f->dir);
	free(f->state);
}

#define FIXTURE(f)                                     \
	AUTO_CLEANUP(teardown) struct fixture f = {0}; \
	setup(&f)

static void restart(struct fixture *f)
{
	f->manifests = manifests_free(f->manifests);
	start(f);
}

static char *path_of(const struct fixture *f, const char *file)
{
	return fs_format("%s/%s", f->dir, file);
}

/* Writes as cp does: truncate, write, close. */
static void put(const struct fixture *f, const char *file, const char *text)
{
	AUTO_FREE char *path = path_of(f, file);
	AUTO_FILE out = fopen(path, "we");

	if (!out || fputs(text, out) < 0)
		BAIL("cannot write");
}

static void drop(const struct fixture *f, const char *file)
{
	AUTO_FREE char *path = path_of(f, file);

	if (unlink(path) < 0)
		BAIL("cannot remove");
}

static const struct manifests_entry *map_entry(const struct fixture *f, const char *name)
{
	return manifests_find(f->manifests, KIND_CONFIG_MAP, "default", name);
}

/* The value of key "v" of a ConfigMap, or "(none)". */
static const char *value(const struct fixture *f, const char *name)
{
	const struct manifests_entry *entry = map_entry(f, name);

	if (!entry)
		return "(none)";
	return json_string_at(json_object_get(entry->object->json, "data"), "v", "(no value)");
}

static const char *refusal(const struct fixture *f)
{
	const struct manifests_refusal *refusals;
	size_t count;

	refusals = manifests_refusals(f->manifests, &count);
	return count ? refusals[0].text : "";
}

static size_t entry_count(const struct fixture *f)
{
	size_t count;

	manifests_entries(f->manifests, &count);
	return count;
}

/* Turns the loop until @name has @want; a wrong end is the check's failure. */
static void await(struct fixture *f, const char *what, const char *name, const char *want)
{
	uint64_t until = clock_now() + DEADLINE;

	while (strcmp(value(f, name), want) != 0 && clock_now() < until)
		turn(f);
	CHECK_STR(what, value(f, name), want);
}

static void await_refusal(struct fixture *f, const char *what, const char *want)
{
	uint64_t until = clock_now() + DEADLINE;

	while (!strstr(refusal(f), want) && clock_now() < until)
		turn(f);
	CHECK_HAS(what, refusal(f), want);
}

/* Turns the loop until everything done so far has been looked at: a scan after a new marker file. */
static void settle(struct fixture *f)
{
	static unsigned marker;
	AUTO_FREE char *name = fs_format("marker-%u", ++marker);
	AUTO_FREE char *file = fs_format("%s.yaml", name);
	AUTO_FREE char *text = fs_format("{apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, "
					 "data: {v: here}}",
		name);

	put(f, file, text);
	await(f, "the marker is seen", name, "here");
	drop(f, file);
	await(f, "the marker goes", name, "(none)");
}

#define MAP(name, v) \
	"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\ndata: {v: " v "}\n"
#define BROKEN(name) "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: " name "}\ndatta: {}\n"

TEST(new_changed_and_removed_files_are_followed)
{
	FIXTURE(f);
	put(&f, "a.yaml", MAP("a", "one"));
	put(&f, ".hidden.yaml", MAP("hidden", "x"));
	put(&f, "a.yaml~", MAP("backup", "x"));
	put(&f, "#a.yaml#", MAP("emacs", "x"));
	start(&f);
	CHECK_STR("there at the start", value(&f, "a"), "one");
	CHECK_EQ("nothing else", entry_count(&f), 1);
	put(&f, "b.yml", MAP("b", "two"));
	await(&f, "new", "b", "two");
	put(&f, "c.json",
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
		"{\"name\":\"c\"},\"data\":{\"v\":\"three\"}}");
	await(&f, "JSON", "c", "three");
	put(&f, "a.yaml", MAP("a", "uno"));
	await(&f, "changed", "a", "uno");
	drop(&f, "a.yaml");
	await(&f, "removed", "a", "(none)");
	CHECK_EQ("the others stay", entry_count(&f), 2);
}

TEST(a_broken_document_keeps_what_it_described)
{
	FIXTURE(f);
	put(&f, "a.yaml", MAP("a", "one") MAP("b", "two"));
	start(&f);
	uint64_t revision = map_entry(&f, "a")->revision;

	put(&f, "a.yaml", BROKEN("a") MAP("b", "zwei"));
	await(&f, "its neighbour is applied", "b", "zwei");
	CHECK_STR("it stays", value(&f, "a"), "one");
	CHECK("marked", map_entry(&f, "a") && map_entry(&f, "a")->kept);
	CHECK_EQ("unchanged", map_entry(&f, "a")->revision, revision);
	CHECK_STR("refused with all that is known", refusal(&f),
		"a.yaml: line 5: datta: unknown field, did you mean \"data\"?");
	put(&f, "a.yaml", MAP("a", "uno") MAP("b", "zwei"));
	await(&f, "valid again", "a", "uno");
	CHECK_STR("no refusal is left", refusal(&f), "");
}

TEST(a_file_that_is_no_yaml_keeps_all_it_described)
{
	FIXTURE(f);
	put(&f, "a.yaml", MAP("a", "one") MAP("b", "two"));
	start(&f);
	put(&f, "a.yaml", "[[[[\n");
	await_refusal(&f, "refused", "not YAML");
	CHECK_STR("a stays", value(&f, "a"), "one");
	CHECK_STR("b stays", value(&f, "b"), "two");
	put(&f, "a.yaml", MAP("b", "two"));
	await(&f, "a was removed from the file", "a", "(none)");
	CHECK_STR("b stays still", value(&f, "b"), "two");
	put(&f, "a.yaml", "- [\n");
	await_refusal(&f, "refused again", "a.yaml: line ");
	drop(&f, "a.yaml");
	await(&f, "the file is removed", "b", "(none)");
}

TEST(an_oversized_file_keeps_what_it_described)
{
	FIXTURE(f);
	AUTO_FREE char *large = calloc(1, 8193);

	memset(large, '#', 8192);
	f.max_bytes = 4096;
	put(&f, "a.yaml", MAP("a", "one"));
	start(&f);
	put(&f, "a.yaml", large);
	await_refusal(&f, "refused", "is larger than 4096 bytes");
	CHECK_STR("kept", value(&f, "a"), "one");
}

TEST(a_broken_document_keeps_its_object_across_a_restart)
{
	FIXTURE(f);
	put(&f, "a.yaml", MAP("a", "one") MAP("b", "two"));
	start(&f);
	put(&f, "a.yaml", BROKEN("a") MAP("b", "two"));
	await_refusal(&f, "refused", "datta");
	restart(&f);
	CHECK_STR("kept", value(&f, "a"), "one");
	CHECK("marked", map_entry(&f, "a") && map_entry(&f, "a")->kept);
	f.manifests = manifests_free(f.manifests);
	drop(&f, "a.yaml");
	start(&f);
	CHECK_EQ("removed while away", entry_count(&f), 0);
	put(&f, "a.yaml", "[");
	restart(&f);
	CHECK_EQ("its records are gone too", entry_count(&f), 0);
}

TEST(a_damaged_record_is_set_aside_and_reported)
{
	FIXTURE(f);
	AUTO_FREE char *record = fs_format("%s/1", f.state), *aside = NULL;
	struct err err;

	put(&f, "a.yaml", MAP("a", "one"));
	start(&f);
	if (!CHECK("there is a record", access(record, F_OK) == 0))
		return;
	f.manifests = manifests_free(f.manifests);
	put(&f, "a.yaml", "[");
	fs_replace(record, "podnet-record 1 manifest 0 3 -\nxyz", 33, 0600, FS_VOLATILE, &err);
	start(&f);
	CHECK_EQ("nothing is known", entry_count(&f), 0);
	CHECK_HAS("reported", refusal(&f), "is damaged: ");
	aside = fs_format("%s.damaged", record);
	CHECK("kept aside", access(aside, F_OK) == 0);
	CHECK("not read again", access(record, F_OK) < 0);
}

TEST(many_objects_are_spread_over_records)
{
	FIXTURE(f);
	AUTO_FREE char *text = NULL, *large = calloc(1, 600001);
	AUTO_FREE char *second = fs_format("%s/2", f.state);
	size_t len;
	FILE *out = open_memstream(&text, &len);

	memset(large, 'x', 600000);
	for (int i = 0; i < 5; i++)
		fprintf(out,
			"---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: m%d}, "
			"data: {v: %s}}\n",
			i, large);
	fclose(out);
	f.max_bytes = 16 << 20;
	put(&f, "a.yaml", text);
	start(&f);
	CHECK_EQ("all", entry_count(&f), 5);
	CHECK("more than one record", access(second, F_OK) == 0);
	f.manifests = manifests_free(f.manifests);
	put(&f, "a.yaml", "[");
	start(&f);
	CHECK_EQ("all are back", entry_count(&f), 5);
	put(&f, "a.yaml", MAP("a", "one"));
	await(&f, "replaced", "a", "one");
	CHECK("records that are not needed are removed", access(second, F_OK) < 0);
}

TEST(the_first_file_wins_a_name_but_the_holder_keeps_it)
{
	FIXTURE(f);
	put(&f, "b.yaml", MAP("x", "from-b"));
	put(&f, "c.yaml", MAP("x", "from-c"));
	start(&f);
	CHECK_STR("the first by name", value(&f, "x"), "from-b");
	CHECK_STR("the other is told where", refusal(&f),
		"c.yaml: line 2: ConfigMap 'default/x' is described already in b.yaml, line 2");
	put(&f, "a.yaml", MAP("x", "from-a"));
	await_refusal(&f, "the new one is refused", "a.yaml: line 2: ConfigMap 'default/x' is");
	CHECK_STR("the holder keeps it", value(&f, "x"), "from-b");
	restart(&f);
	CHECK_STR("across a restart too", value(&f, "x"), "from-b");
	put(&f, "b.yaml", BROKEN("x"));
	await_refusal(&f, "broken", "a.yaml: ");
	settle(&f);
	CHECK_STR("even while it is broken", value(&f, "x"), "from-b");
	drop(&f, "b.yaml");
	await(&f, "then the next one", "x", "from-a");
}

TEST(two_documents_of_one_file_cannot_share_a_name)
{
	FIXTURE(f);
	put(&f, "a.yaml", MAP("x", "one"));
	start(&f);
	put(&f, "a.yaml", MAP("x", "new") MAP("x", "one"));
	await_refusal(&f, "refused",
		"a.yaml: line 2: ConfigMap 'default/x' is described already in "
		"a.yaml, line 7");
	CHECK_STR("what is running stays", value(&f, "x"), "one");
}

TEST(an_object_may_move_to_another_file)
{
	FIXTURE(f);
	AUTO_FREE char *from = path_of(&f, "a.yaml"), *to = path_of(&f, "b.yaml");

	put(&f, "a.yaml", MAP("x", "one"));
	start(&f);
	uint64_t revision = map_entry(&f, "x")->revision;

	if (rename(from, to) < 0)
		BAIL("rename");
	settle(&f);
	CHECK_STR("still there", value(&f, "x"), "one");
	CHECK_EQ("unchanged", map_entry(&f, "x")->revision, revision);
	CHECK_STR("from its new file", map_entry(&f, "x")->file, "b.yaml");
}

TEST(a_file_is_read_when_its_writer_closes_it)
{
	FIXTURE(f);
	AUTO_FREE char *path = path_of(&f, "a.yaml");
	const char *text = MAP("a", "new") MAP("b", "two");

	put(&f, "a.yaml", MAP("a", "one") MAP("b", "two"));
	start(&f);
	AUTO_FILE out = fopen(path, "we");

	settle(&f);
	CHECK_STR("truncated: nothing is removed", value(&f, "b"), "two");
	fwrite(text, 1, strlen(MAP("a", "new")), out);
	fflush(out);
	settle(&f);
	CHECK_STR("half written: nothing is removed", value(&f, "b"), "two");
	CHECK_STR("nor changed", value(&f, "a"), "one");
	fputs(MAP("b", "two"), out);
	fclose(out);
	out = NULL;
	await(&f, "closed", "a", "new");
	CHECK_STR("complete", value(&f, "b"), "two");
}

#define TRIES 20

/* How often there was nothing to do for a millisecond before @name has @want: no matter how busy the
 * machine is, what is due is not waited for. */
static unsigned idle_until(struct fixture *f, const char *name, const char *want)
{
	uint64_t until = clock_now() + DEADLINE;
	unsigned idle = 0;

	while (strcmp(value(f, name), want) != 0 && clock_now() < until)
		idle += sd_event_run(f->loop, USEC_PER_MSEC) == 0;
	CHECK_STR("the new file is read", value(f, name), want);
	return idle;
}

TEST(a_new_file_is_read_without_waiting_for_more)
{
	unsigned idle = 0;

	FIXTURE(f);
	start(&f);
	for (unsigned try = 0; try < TRIES; try++) {
		AUTO_FREE char *name = fs_format("new-%u", try);
		AUTO_FREE char *file = fs_format("%s.yaml", name);
		AUTO_FREE char *text = fs_format(MAP("%s", "one"), name);
		uint64_t began = clock_now();

		while (clock_now() < began + 50 * USEC_PER_MSEC)
			turn(&f); /* the scan before is long ago */
		put(&f, file, text);
		idle += idle_until(&f, name, "one");
	}
	CHECK("at once", idle < 5 * TRIES);
}

TEST(what_is_removed_and_written_again_was_never_gone)
{
	unsigned quick = 0;

	FIXTURE(f);
	put(&f, "a.yaml", MAP("a", "'0'"));
	start(&f);
	for (unsigned try = 0; try < TRIES; try++) {
		AUTO_FREE char *want = fs_format("%u", try + 1);
		AUTO_FREE char *text = fs_format(MAP("a", "'%s'"), want);
		uint64_t began = clock_now();
		bool gone;

		drop(&f, "a.yaml");
		while (sd_event_run(f.loop, USEC_PER_MSEC) > 0)
			;
		gone = !map_entry(&f, "a");
		if (clock_now() - began < 10 * USEC_PER_MSEC) {
			quick++;
			CHECK("it stays while more may come", !gone);
		}
		put(&f, "a.yaml", text);
		await(&f, "it is written again", "a", want);
	}
	CHECK("the editor was quick", quick > 0);
}

TEST(links_are_followed_and_switched)
{
	FIXTURE(f);
	AUTO_FREE char *one = fs_format("%s/one.yaml", f.root), *two = fs_format("%s/two", f.root);
	AUTO_FREE char *link = path_of(&f, "a.yaml"), *temp = path_of(&f, ".a.new");
	struct err err;

	fs_replace(one, MAP("a", "one"), strlen(MAP("a", "one")), 0644, FS_VOLATILE, &err);
	fs_replace(two, MAP("a", "two"), strlen(MAP("a", "two")), 0644, FS_VOLATILE, &err);
	start(&f);
	if (symlink(one, link) < 0)
		BAIL("symlink");
	await(&f, "followed", "a", "one");
	if (symlink(two, temp) < 0 || rename(temp, link) < 0)
		BAIL("symlink");
	await(&f, "switched", "a", "two");
	if (unlink(two) < 0)
		BAIL("unlink");
	settle(&f);
	CHECK_STR("a link to nothing keeps what it described", value(&f, "a"), "two");
	CHECK_HAS("and is refused", refusal(&f), "a.yaml: read: No such file");
	if (unlink(link) < 0)
		BAIL("unlink");
	await(&f, "the link is removed", "a", "(none)");
}

TEST(hard_links_and_renames_are_complete_at_once)
{
	FIXTURE(f);
	AUTO_FREE char *one = fs_format("%s/one", f.root), *a = path_of(&f, "a.yaml");
	AUTO_FREE char *b = path_of(&f, "b.yaml");
	struct err err;

	fs_replace(one, MAP("a", "one"), strlen(MAP("a", "one")), 0644, FS_VOLATILE, &err);
	start(&f);
	if (link(one, a) < 0)
		BAIL("link");
	await(&f, "linked", "a", "one");
	fs_replace(one, MAP("b", "two"), strlen(MAP("b", "two")), 0644, FS_VOLATILE, &err);
	if (rename(one, b) < 0)
		BAIL("rename");
	await(&f, "renamed", "b", "two");
}

TEST(a_directory_may_come_go_and_be_replaced)
{
	FIXTURE(f);
	AUTO_FREE char *other = fs_format("%s/other", f.root), *gone = fs_format("%s/gone", f.root);
	AUTO_FREE char *deep = fs_format("%s/deep", f.root);
	AUTO_FREE char *saved = f.dir;
	struct err err;

	f.dir = fs_format("%s/deep/er/manifests", f.root);
	start(&f);
	CHECK_EQ("a missing directory is empty", entry_count(&f), 0);
	CHECK_STR("and no fault", refusal(&f), "");
	fs_mkdir(f.dir, 0755, &err);
	put(&f, "a.yaml", MAP("a", "one"));
	await(&f, "appeared", "a", "one");
	fs_mkdir(other, 0755, &err);
	AUTO_FREE char *file = fs_format("%s/a.yaml", other);

	fs_replace(file, MAP("a", "two"), strlen(MAP("a", "two")), 0644, FS_VOLATILE, &err);
	if (rename(f.dir, gone) < 0 || rename(other, f.dir) < 0)
		BAIL("rename");
	await(&f, "replaced", "a", "two");
	put(&f, "b.yaml", MAP("b", "here"));
	await(&f, "the new one is watched", "b", "here");
	fs_remove(deep, &err);
	await(&f, "gone", "b", "(none)");
	fs_mkdir(f.dir, 0755, &err);
	put(&f, "a.yaml", MAP("a", "three"));
	await(&f, "here again", "a", "three");
}

TEST(an_unreadable_directory_keeps_everything)
{
	FIXTURE(f);
	AUTO_FREE char *away = fs_format("%s/away", f.root);

	put(&f, "a.yaml", MAP("a", "one"));
	start(&f);
	f.manifests = manifests_free(f.manifests);
	AUTO_FREE char *loop = strdup(f.dir);

	if (rename(f.dir, away) < 0 || symlink(loop, f.dir) < 0)
		BAIL("rename");
	start(&f);
	CHECK_STR("kept", value(&f, "a"), "one");
	CHECK_HAS("and reported", refusal(&f), "Too many levels of symbolic links");
	if (unlink(f.dir) < 0 || rename(away, f.dir) < 0)
		BAIL("rename");
	put(&f, "a.yaml", MAP("a", "two"));
	await(&f, "readable again", "a", "two");
}

TEST(a_refusal_keeps_the_revision_of_its_first_scan)
{
	FIXTURE(f);
	const struct manifests_refusal *refusals;
	size_t count;
	uint64_t first;

	put(&f, "a.yaml", BROKEN("a"));
	start(&f);
	refusals = manifests_refusals(f.manifests, &count);
	if (!CHECK_EQ("refused", count, 1))
		return;
	first = refusals[0].revision;
	CHECK_EQ("now", first, manifests_revision(f.manifests));
	CHECK_STR("whom", refusals[0].name, "a");
	settle(&f);
	refusals = manifests_refusals(f.manifests, &count);
	CHECK("other scans came", manifests_revision(f.manifests) > first);
	CHECK_EQ("still the first", refusals[0].revision, first);
}

TEST(a_full_state_is_reported_and_changes_nothing_else)
{
	FIXTURE(f);
	AUTO_FREE char *moved = fs_format("%s/moved", f.root);
	struct err err;

	start(&f);
	if (rename(f.state, moved) < 0)
		BAIL("rename");
	put(&f, "a.yaml", MAP("a", "one"));
	await(&f, "applied", "a", "one");
	CHECK_HAS("reported", refusal(&f), "create '");
	fs_mkdir(f.state, 0700, &err);
	settle(&f);
	CHECK_STR("written as soon as it can be", refusal(&f), "");
}
