// SPDX-License-Identifier: Apache-2.0
/* Sets of fields, and values under them.  What apply makes of them: e2e/apply. */
#include "tests/check.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/json.h"
#include "user/model/fields.h"
#include "user/model/managed.h"
#include "user/model/schema.h"

static json_t *json(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	if (!value)
		BAIL(text);
	return value;
}

static void check_json(const char *what, const json_t *got, const char *want)
{
	AUTO_JSON wanted = json(want);
	AUTO_FREE char *text = json_text(got);

	if (!json_equal(got, wanted))
		CHECK_STR(what, text ? text : "", want);
	else
		CHECK("as wanted", true);
}

#define POD(spec) "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"uid\":\"u\"},\"spec\":" spec "}"

TEST(a_value_is_owned_as_its_schema_says)
{
	static const struct {
		const char *object, *set;
	} cases[] = {
		{POD("{}"), "{\"f:spec\":{}}"},
		{POD("{\"nodeName\":\"n\",\"tolerations\":[{\"key\":\"a\"}]}"),
			"{\"f:spec\":{\"f:nodeName\":{},\"f:tolerations\":{}}}"},
		{POD("{\"nodeSelector\":{}}"), "{\"f:spec\":{\"f:nodeSelector\":{}}}"},
		{POD("{\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}]}"),
			"{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},"
			"\"f:name\":{},"
			"\"f:ports\":{\"k:{\\\"containerPort\\\":80,\\\"protocol\\\":\\\"TCP\\\"}"
			"\":"
			"{\".\":{},\"f:containerPort\":{}}}}}}}"},
		{"{\"metadata\":{\"labels\":{\"a\":\"b\"},\"finalizers\":[\"x\"]}}",
			"{\"f:metadata\":{\"f:labels\":{\"f:a\":{}},\"f:finalizers\":{\"v:"
			"\\\"x\\\"\":{}}}}"},
		{"{\"metadata\":{\"ownerReferences\":[{\"uid\":\"u\",\"name\":\"n\"}]}}",
			"{\"f:metadata\":{\"f:ownerReferences\":{\"k:{\\\"uid\\\":\\\"u\\\"}\":{}}}"
			"}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON object = json(cases[i].object);
		AUTO_JSON set = fields_of(object, &schema_pod);

		check_json(cases[i].object, set, cases[i].set);
	}
}

#define CONTAINER(fields)                                                                      \
	"{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"c\\\"}\":{\".\":{},\"f:name\":{" \
	"}" fields "}}}}"

TEST(who_writes_owns_what_go_does_not_write_by_itself)
{
	static const struct {
		const char *what, *object, *set;
	} cases[] = {
		{"structs and lists that are always there are nobody's", POD("{\"containers\":[]}"),
			"{\"f:spec\":{\"f:containers\":{}}}"},
		{"nor is what is zero",
			POD("{\"nodeName\":\"\",\"hostNetwork\":false,"
			    "\"priority\":0}"),
			"{\"f:spec\":{\"f:priority\":{}}}"},
		{"an empty status", "{\"metadata\":{},\"spec\":{},\"status\":{}}", "{}"},
		{"a map may be missing", "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}",
			"{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:a\":{}}}}"},
		{"so may a list of an item",
			POD("{\"containers\":[{\"name\":\"c\",\"ports\":[{\"containerPort\":80}]}]"
			    "}"),
			CONTAINER(",\"f:ports\":{\".\":{},\"k:{\\\"containerPort\\\":80,"
				  "\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:containerPort\":{}"
				  "}}")},
		{"and everything in a new item, empty or not",
			POD("{\"containers\":[{\"name\":\"c\",\"resources\":{}}]}"),
			CONTAINER(",\"f:resources\":{}")},
		{"pointers to structs",
			POD("{\"containers\":[{\"name\":\"c\",\"readinessProbe\":{\"tcpSocket\":"
			    "{\"port\":1}}}]}"),
			CONTAINER(",\"f:readinessProbe\":{\".\":{},\"f:tcpSocket\":{\".\":{},"
				  "\"f:port\":{}}}")},
		{"a name that is made of another", "{\"metadata\":{\"generateName\":\"a-\"}}",
			"{\"f:metadata\":{\"f:generateName\":{}}}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON object = json(cases[i].object);
		AUTO_JSON set = fields_written(object, &schema_pod);

		check_json(cases[i].what, set, cases[i].set);
	}
}

static json_t *owners(const json_t *object)
{
	return json_object_get(json_object_get(object, "metadata"), "managedFields");
}

TEST(writers_are_kept_from_the_first_on)
{
	static const struct managed_by one = {.manager = "one",
		.api_version = "v1",
		.subresource = "",
		.now = "2026-01-01T00:00:00Z"};
	static const struct managed_by two = {.manager = "two",
		.api_version = "v1",
		.subresource = "status",
		.now = "2026-01-02T00:00:00Z"};
	AUTO_JSON pod = json("{\"metadata\":{},\"spec\":{\"nodeName\":\"n\"},\"status\":{\"phase\":"
			     "\"Pending\"}}");
	AUTO_JSON running = NULL;

	CHECK_EQ("made", managed_create(pod, &one, &schema_pod, true), 0);
	check_json("but for its status, it is his who makes it", owners(pod),
		"[{\"manager\":\"one\",\"operation\":\"Update\",\"apiVersion\":\"v1\",\"time\":"
		"\"2026-01-01T00:00:00Z\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:spec\":{"
		"\"f:nodeName\":{}}}}]");
	running = json_deep_copy(pod);
	json_object_set_new(json_object_get(running, "status"), "phase", json_string("Running"));
	CHECK_EQ("changed", managed_update(running, pod, &two, &schema_pod), 0);
	CHECK_EQ("two own it", json_array_size(owners(running)), 2);
	CHECK_STR("the other the status",
		json_string_at(json_array_get(owners(running), 1), "subresource", ""), "status");
	json_object_del(json_object_get(running, "metadata"), "managedFields");
	CHECK_EQ("changed", managed_update(pod, running, &two, &schema_pod), 0);
	CHECK("what nobody owned stays so", !owners(pod));
}

TEST(who_writes_nothing_owns_nothing)
{
	static const struct managed_by by = {.manager = "one",
		.api_version = "v1",
		.subresource = "",
		.now = "2026-01-01T00:00:00Z"};
	AUTO_JSON map = json("{\"metadata\":{\"name\":\"m\"}}");

	CHECK_EQ("made", managed_create(map, &by, &schema_config_map, false), 0);
	CHECK("without owners", !owners(map));
}

/* Of three levels with few names, so that two have much in common. */
static json_t *random_set(unsigned *seed, int levels)
{
	json_t *set = json_object();

	for (char name[] = "f:a"; levels && name[2] < 'd'; name[2]++)
		if ((*seed = *seed * 1103515245 + 12345) >> 16 & 1)
			json_object_set_new(set, name, random_set(seed, levels - 1));
	if (json_object_size(set) && (*seed >> 20 & 3) == 0 && levels < 3)
		json_object_set_new(set, ".", json_object());
	return set;
}

TEST(sets_are_sets)
{
	unsigned seed = 1, wrong = 0;

	for (int i = 0; i < 20000; i++) {
		AUTO_JSON a = random_set(&seed, 3);
		AUTO_JSON b = random_set(&seed, 3);
		AUTO_JSON both = fields_union(a, b);
		AUTO_JSON back = fields_union(b, a);
		AUTO_JSON only_a = fields_without(a, b);
		AUTO_JSON common = fields_common(a, b);
		AUTO_JSON again = fields_union(only_a, common);
		AUTO_JSON none = fields_without(a, both);
		AUTO_JSON apart = fields_common(only_a, b);

		wrong += !json_equal(both, back) || !json_equal(again, a);
		wrong += json_object_size(none) != 0 || json_object_size(apart) != 0;
	}
	CHECK_EQ("laws that do not hold", wrong, 0);
}

TEST(lists_keep_the_order_that_is_applied)
{
	static const struct {
		const char *live, *applied, *merged;
	} cases[] = {
		{"abc", "b", "abc"},
		{"abc", "cb", "acb"},
		{"", "ab", "ab"},
		{"abcd", "xda", "xdabc"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON live = json(POD("{\"containers\":[]}"));
		AUTO_JSON applied = json(POD("{\"containers\":[]}"));
		AUTO_JSON merged = NULL;
		char text[16] = "";
		json_t *item;
		size_t at;

		for (const char *c = cases[i].live; *c; c++)
			json_array_append_new(
				json_object_get(json_object_get(live, "spec"), "containers"),
				json_pack("{s:s%}", "name", c, (size_t)1));
		for (const char *c = cases[i].applied; *c; c++)
			json_array_append_new(
				json_object_get(json_object_get(applied, "spec"), "containers"),
				json_pack("{s:s%}", "name", c, (size_t)1));
		merged = fields_merge(live, applied, &schema_pod);
		json_array_foreach (
			json_object_get(json_object_get(merged, "spec"), "containers"), at, item)
			strcat(text, json_string_at(item, "name", ""));
		CHECK_STR(cases[i].applied, text, cases[i].merged);
	}
}

TEST(what_is_removed_leaves_what_others_have)
{
	static const struct {
		const char *set, *kept, *spec;
	} cases[] = {
		{"{\"f:spec\":{\"f:nodeName\":{}}}", "{}",
			"{\"containers\":[{\"name\":\"a\",\"image\":\"i\"},{\"name\":\"b\"}]}"},
		{"{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:"
		 "name\":{},\"f:image\":{}}}}}",
			"{}", "{\"nodeName\":\"n\",\"containers\":[{\"name\":\"b\"}]}"},
		{"{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\".\":{},\"f:"
		 "image\":{}}}}}",
			"{\"f:spec\":{\"f:containers\":{\"k:{\\\"name\\\":\\\"a\\\"}\":{\"f:name\":"
			"{}}}}}",
			"{\"nodeName\":\"n\",\"containers\":[{\"name\":\"a\"},{\"name\":\"b\"}]}"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON pod = json(POD("{\"nodeName\":\"n\",\"containers\":[{\"name\":\"a\","
					 "\"image\":\"i\"},{\"name\":\"b\"}]}"));
		AUTO_JSON before = json_deep_copy(pod);
		AUTO_JSON copy = json_copy(pod);
		AUTO_JSON set = json(cases[i].set);
		AUTO_JSON kept = json(cases[i].kept);

		CHECK_EQ("removed", fields_remove(copy, set, kept, &schema_pod), 0);
		check_json(cases[i].set, json_object_get(copy, "spec"), cases[i].spec);
		CHECK("who shares it sees nothing", json_equal(pod, before));
	}
}

TEST(paths_are_written_as_people_read_them)
{
	AUTO_JSON set = json("{\"f:data\":{\"f:a\":{}},\"f:spec\":{\"f:containers\":{\"k:{"
			     "\\\"name\\\":\\\"c\\\"}\":"
			     "{\".\":{},\"f:image\":{}}},\"f:x\":{\"v:\\\"y\\\"\":{}}}}");
	AUTO_JSON paths = json_array();

	CHECK_EQ("listed", fields_paths(set, paths), 0);
	check_json("paths", paths,
		"[\".data.a\",\".spec.containers[name=\\\"c\\\"]\",\".spec.containers[name="
		"\\\"c\\\"].image\","
		"\".spec.x[=\\\"y\\\"]\"]");
}
