// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "user/base/fs.h"
#include "user/node/payload.h"

static struct object object;
static char dir[32];

static const struct object *source_get(
	void *userdata, enum object_kind kind, const char *namespace, const char *name)
{
	(void)userdata;
	(void)namespace;
	return kind == object.kind && strcmp(name, "settings") == 0 ? &object : NULL;
}

static const char *token;

static const char *token_get(
	void *userdata, const struct pod *pod, const struct projection *projection, struct err *err)
{
	(void)userdata;
	(void)pod;
	(void)projection;
	if (!token)
		err_refuse(err, ENOENT, "there is no token");
	return token;
}

static const struct object_source source = {.get = source_get, .token = token_get};

/* Takes @data over. */
static void object_is(enum object_kind kind, json_t *data)
{
	object = (struct object){.kind = kind,
		.meta = {.name = "settings", .namespace = "shop"},
		.json = json_pack("{s:o}", "data", data)};
}

static void begin(void)
{
	snprintf(dir, sizeof(dir), "/tmp/podnet-volume.XXXXXX");
	if (!mkdtemp(dir))
		BAIL("mkdtemp");
}

static void end(void)
{
	struct err err = {0};

	json_decref(object.json);
	object = (struct object){0};
	CHECK_OK("cleaned", fs_remove(dir, &err), &err);
}

static struct container containers[] = {{.name = "web", .resources = {100, -1, -1, -1}}};

/* Shows a volume of these sources. */
static int show_all(const struct projection *from, size_t count, struct err *err)
{
	struct projection copies[4];
	const struct volume volume = {.name = "v",
		.kind = VOLUME_PROJECTED,
		.mode = 0644,
		.projections = copies,
		.projection_count = count};
	AUTO_JSON labels = json_pack("{s:s, s:s}", "b", "two \"2\"", "a", "one");
	const struct pod pod = {.meta = {.name = "web-1", .namespace = "shop", .labels = labels},
		.containers = containers,
		.container_count = 1};
	const struct downward about = {.pod = &pod, .node_cpu = 2000};
	struct payload payload = {0};
	int r;

	memcpy(copies, from, count * sizeof(*from));
	r = payload_make(&volume, &about, &source, &payload, err);

	if (r == 0)
		r = payload_write(&payload, dir, err);
	payload_clear(&payload);
	return r;
}

static void file_is(const char *what, const char *name, const char *want)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	AUTO_FREE char *got = NULL;

	fs_read(path, 1000, &got, NULL, NULL);
	CHECK_STR(what, got, want);
}

static unsigned entries(void)
{
	AUTO_DIR list = opendir(dir);
	unsigned count = 0;

	while (list && readdir(list))
		count++;
	return count - 2;
}

static void data_link(char *ret, size_t size)
{
	AUTO_FREE char *path = fs_format("%s/..data", dir);
	ssize_t len = readlink(path, ret, size - 1);

	ret[len < 0 ? 0 : len] = '\0';
}

static int show(const struct projection *from, struct err *err)
{
	return show_all(from, 1, err);
}

TEST(all_keys_are_files_behind_one_link)
{
	const struct projection from = {.kind = PROJECTION_CONFIG_MAP, .object = "settings"};
	AUTO_FREE char *path = NULL;
	char target[64] = "", link[64] = "";
	struct err err = {0};
	struct stat st;

	begin();
	object_is(KIND_CONFIG_MAP, json_pack("{s:s, s:s}", "color", "red", "a.conf", ""));
	CHECK_OK("shown", show(&from, &err), &err);
	file_is("a key", "color", "red");
	file_is("an empty one", "a.conf", "");
	CHECK_EQ("two links, ..data and its target", entries(), 4);
	path = fs_format("%s/color", dir);
	CHECK_EQ("a key is a link", readlink(path, link, sizeof(link) - 1), strlen("..data/color"));
	CHECK_STR("through ..data", link, "..data/color");
	CHECK("with the mode asked for", stat(path, &st) == 0 && (st.st_mode & 07777) == 0644);
	data_link(target, sizeof(target));
	CHECK("to a directory of its time", strncmp(target, "..20", 4) == 0);
	end();
}

TEST(an_update_changes_all_files_in_one_step)
{
	const struct projection from = {.kind = PROJECTION_CONFIG_MAP, .object = "settings"};
	char first[64], second[64], third[64];
	struct err err = {0};

	begin();
	object_is(KIND_CONFIG_MAP, json_pack("{s:s, s:s}", "color", "red", "gone", "soon"));
	CHECK_OK("first", show(&from, &err), &err);
	data_link(first, sizeof(first));
	CHECK_OK("the same again", show(&from, &err), &err);
	data_link(second, sizeof(second));
	CHECK_STR("changes nothing", second, first);
	json_decref(object.json);
	object_is(KIND_CONFIG_MAP, json_pack("{s:s, s:s}", "color", "blue", "new", "x"));
	CHECK_OK("changed", show(&from, &err), &err);
	data_link(third, sizeof(third));
	CHECK("a new directory", strcmp(third, first) != 0);
	file_is("the new value", "color", "blue");
	file_is("a new key", "new", "x");
	file_is("a key that went", "gone", NULL);
	CHECK_EQ("nothing old is left", entries(), 4);
	end();
}

TEST(what_a_crash_left_is_swept)
{
	const struct projection from = {.kind = PROJECTION_CONFIG_MAP, .object = "settings"};
	AUTO_FREE char *half = NULL, *temp = NULL;
	struct err err = {0};

	begin();
	object_is(KIND_CONFIG_MAP, json_pack("{s:s}", "color", "red"));
	half = fs_format("%s/..2026_01_01_00_00_00.abcdef/sub", dir);
	temp = fs_format("%s/..data_tmp", dir);
	if (fs_mkdir(half, 0755, &err) < 0 || symlink("..2026_01_01_00_00_00.abcdef", temp) < 0)
		BAIL("make a half-written volume");
	CHECK_OK("shown", show(&from, &err), &err);
	file_is("whole", "color", "red");
	CHECK_EQ("one link, ..data, its target", entries(), 3);
	end();
}

TEST(items_choose_keys_paths_and_modes)
{
	struct volume_item items[] = {
		{.key = "color", .path = "deep/down/c", .mode = 0400},
		{.key = "size", .path = "s", .mode = -1},
	};
	const struct projection from = {
		.kind = PROJECTION_SECRET, .object = "settings", .items = items, .item_count = 2};
	AUTO_FREE char *deep = NULL, *flat = NULL;
	struct err err = {0};
	struct stat st = {0};

	begin();
	object_is(KIND_SECRET,
		json_pack("{s:s, s:s, s:s}", "color", "cmVk", "size", "eGw=", "other", ""));
	CHECK_OK("shown", show(&from, &err), &err);
	file_is("decoded, in a directory", "deep/down/c", "red");
	file_is("at the top", "s", "xl");
	file_is("the others are not there", "other", NULL);
	deep = fs_format("%s/deep/down/c", dir);
	flat = fs_format("%s/s", dir);
	CHECK("its own mode", stat(deep, &st) == 0 && (st.st_mode & 07777) == 0400);
	CHECK("the volume's mode", stat(flat, &st) == 0 && (st.st_mode & 07777) == 0644);
	end();
}

TEST(missing_objects_and_keys_are_named_unless_optional)
{
	struct volume_item items[] = {{.key = "absent", .path = "p", .mode = -1}};
	struct projection object_gone = {.kind = PROJECTION_SECRET, .object = "gone"};
	struct projection key_gone = {.kind = PROJECTION_CONFIG_MAP,
		.object = "settings",
		.items = items,
		.item_count = 1};
	struct err err = {0};

	begin();
	object_is(KIND_CONFIG_MAP, json_pack("{s:s}", "color", "red"));
	CHECK_FAILS("object", show(&object_gone, &err), ENOENT, &err,
		"volume v: secret \"gone\" not found");
	CHECK_FAILS("key", show(&key_gone, &err), ENOENT, &err,
		"couldn't find key absent in ConfigMap shop/settings");
	object_gone.optional = key_gone.optional = true;
	CHECK_OK("an optional object", show(&object_gone, &err), &err);
	CHECK_OK("an optional key", show(&key_gone, &err), &err);
	CHECK_EQ("..data and an empty directory", entries(), 2);
	end();
}

TEST(paths_that_lead_elsewhere_are_refused)
{
	static const char *const paths[] = {
		"../x", "a/../../x", "/abs", "a//b", "", "..data", ".", "a/", "..hidden/x"};

	for (size_t i = 0; i < COUNT(paths); i++) {
		struct volume_item items[] = {{.key = "color", .path = paths[i], .mode = -1}};
		const struct projection from = {.kind = PROJECTION_CONFIG_MAP,
			.object = "settings",
			.items = items,
			.item_count = 1};
		struct err err = {0};

		begin();
		object_is(KIND_CONFIG_MAP, json_pack("{s:s}", "color", "red"));
		CHECK_FAILS(paths[i], show(&from, &err), EINVAL, &err, "leads elsewhere");
		CHECK_EQ("nothing is written", entries(), 0);
		end();
	}
}

TEST(several_sources_make_one_volume)
{
	struct volume_item items[] = {
		{.key = "metadata.namespace", .path = "namespace", .mode = -1},
		{.key = "metadata.labels", .path = "labels", .mode = -1},
		{.key = "limits.cpu", .path = "cpu", .mode = 0400, .container = "web"},
	};
	const struct projection from[] = {
		{.kind = PROJECTION_CONFIG_MAP, .object = "settings"},
		{.kind = PROJECTION_TOKEN, .path = "token", .audience = ""},
		{.kind = PROJECTION_DOWNWARD, .items = items, .item_count = COUNT(items)},
		{.kind = PROJECTION_TOKEN, .path = "color", .audience = ""},
	};
	char first[64], second[64];
	struct err err = {0};

	begin();
	object_is(KIND_CONFIG_MAP, json_pack("{s:s, s:s}", "color", "red", "size", "xl"));
	token = "eyJ1";
	CHECK_OK("shown", show_all(from, COUNT(from), &err), &err);
	data_link(first, sizeof(first));
	file_is("a ConfigMap's", "size", "xl");
	file_is("a token", "token", "eyJ1");
	file_is("a field", "namespace", "shop");
	file_is("labels, sorted and quoted", "labels", "a=\"one\"\nb=\"two \\\"2\\\"\"");
	file_is("a resource", "cpu", "2");
	file_is("the later of two", "color", "eyJ1");
	token = "eyJ2";
	CHECK_OK("a new token", show_all(from, COUNT(from), &err), &err);
	data_link(second, sizeof(second));
	file_is("is shown", "token", "eyJ2");
	CHECK("in one step with all", strcmp(first, second) != 0);
	token = NULL;
	CHECK_FAILS("without one", show_all(from, COUNT(from), &err), ENOENT, &err,
		"volume v: there is no token");
	file_is("the last one stays", "token", "eyJ2");
	end();
}
