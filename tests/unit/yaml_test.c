// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/manifest.h"
#include "user/model/yaml.h"
#include "user/model/yaml_write.h"

/* The first document of @text as JSON text, or the reason why there is none. */
static char *convert(const char *text)
{
	size_t nodes = MANIFEST_MAX_NODES, values = MANIFEST_MAX_NODES;
	const struct yaml_node *root;
	struct yaml_reader *reader;
	AUTO_JSON json = NULL;
	struct err err = {0};
	char *result;
	unsigned line;
	int r;

	if (yaml_reader_new(text, strlen(text), 1, &nodes, &reader, &err) < 0)
		BAIL(err.text);
	r = yaml_reader_next(reader, &root, &line, &err);
	if (r > 0)
		r = yaml_to_json(root, &values, &json, &err);
	result = r < 0 ? strdup(err.text) : json ? json_text(json) : strdup("(none)");
	yaml_reader_free(reader);
	return result;
}

static const struct {
	const char *what, *yaml, *want;
} cases[] = {
	{"block map", "a: 1\nb: x\n", "{\"a\":1,\"b\":\"x\"}"},
	{"block list", "- 1\n- x\n-\n", "[1,\"x\",null]"},
	{"flow", "{a: [1, {b: c}], d: }", "{\"a\":[1,{\"b\":\"c\"}],\"d\":null}"},
	{"list at the key's indentation", "a:\n- 1\n- 2\n", "{\"a\":[1,2]}"},
	{"literal", "a: |\n  x\n   y\n", "{\"a\":\"x\\n y\\n\"}"},
	{"literal, stripped", "a: |-\n  x\n", "{\"a\":\"x\"}"},
	{"folded", "a: >\n  x\n  y\n", "{\"a\":\"x y\\n\"}"},
	{"single quotes", "a: 'it''s: 1'\n", "{\"a\":\"it's: 1\"}"},
	{"double quotes", "a: \"\\u00e4\\x41\\n\"\n",
		"{\"a\":\"\xc3\xa4"
		"A\\n\"}"},
	{"JSON's escape of a slash", "{\"a\":\"x\\/y\"}", "{\"a\":\"x/y\"}"},
	{"quoted scalars are strings", "[\"1\", 'yes', \"~\"]", "[\"1\",\"yes\",\"~\"]"},
	{"block scalars are strings", "a: |-\n  1\n", "{\"a\":\"1\"}"},
	{"tag str", "!!str 1", "\"1\""},
	{"tag int", "!!int 1", "1"},
	{"tag int on text", "!!int x", "line 1: tag tag:yaml.org,2002:int does not fit here"},
	{"tag float", "!!float 1", "1"},
	{"tag timestamp", "!!timestamp 2001-01-01", "\"2001-01-01\""},
	{"tag binary", "!!binary aGk=", "line 1: tag tag:yaml.org,2002:binary does not fit here"},
	{"tag map", "!!map {a: 1}", "{\"a\":1}"},
	{"tag set", "!!set {a: }", "line 1: tag tag:yaml.org,2002:set does not fit here"},
	{"keys become strings", "{1: a, 1.5: b, true: c, on: d2}",
		"line 1: duplicate key \"true\""},
	{"numbers as keys", "{1: a, 0x10: b, 1.5: c}", "{\"1\":\"a\",\"16\":\"b\",\"1.5\":\"c\"}"},
	{"an alias is a copy", "a: &x [1]\nb: *x\n", "{\"a\":[1],\"b\":[1]}"},
	{"a merge", "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n",
		"{\"a\":{\"p\":1,\"q\":2},\"b\":{\"q\":3,\"p\":1}}"},
	{"merges of merges", "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n",
		"{\"a\":{\"p\":1},\"b\":{\"q\":2,\"p\":1},\"c\":{\"q\":2,\"p\":1}}"},
	{"a quoted << is a key", "{\"<<\": 1}", "{\"<<\":1}"},
	{"a duplicate key names its line", "a:\n  b: 1\n  c: 2\n  b: 3\n",
		"line 4: duplicate key \"b\""},
	{"a cycle through a merge", "a: &x {<<: *x}",
		"line 1: cyclic YAML: *x stands inside its own anchor"},
	{"nothing", "", "(none)"},
	{"Windows line ends", "a: 1\r\nb: 2\r\n", "{\"a\":1,\"b\":2}"},
	{"a byte order mark",
		"\xef\xbb\xbf"
		"a: 1\n",
		"{\"a\":1}"},
};

TEST(yaml_becomes_the_json_of_kubernetes)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FREE char *got = convert(cases[i].yaml);

		CHECK_STR(cases[i].what, got, cases[i].want);
	}
}

TEST(anchors_have_a_limit)
{
	AUTO_FREE char *text = NULL, *got = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (int i = 0; i <= YAML_MAX_ANCHORS; i++)
		fprintf(out, "- &a%d x\n", i);
	fclose(out);
	got = convert(text);
	CHECK_STR("refused", got, "line 1001: more than 1000 anchors in one document");
}

TEST(nodes_have_a_limit)
{
	size_t budget = 3;
	const struct yaml_node *root;
	struct yaml_reader *reader;
	struct err err;
	unsigned line;

	if (yaml_reader_new("[1, 2, 3]", 9, 1, &budget, &reader, &err) < 0)
		BAIL(err.text);
	CHECK_FAILS("the fourth", yaml_reader_next(reader, &root, &line, &err), EINVAL, &err,
		"values in one file");
	CHECK_EQ("what was read is there", root->count, 3);
	yaml_reader_free(reader);
}

TEST(what_is_written_reads_back)
{
	static const struct {
		const char *what, *json, *yaml;
	} rows[] = {
		{"an object", "{\"a\":{\"b\":[1,true,null]}}",
			"a:\n  b:\n  - 1\n  - true\n  - null\n"},
		{"empty ones", "{\"a\":{},\"b\":[]}", "a: {}\nb: []\n"},
		{"words are plain", "[\"web\",\"apps/v1\",\"a-b.c\"]",
			"- web\n- apps/v1\n- a-b.c\n"},
		{"what would be something else is quoted",
			"[\"yes\",\"1\",\"null\",\"\",\"a: b\",\"#\"]",
			"- \"yes\"\n- \"1\"\n- \"null\"\n- \"\"\n- \"a: b\"\n- \"#\"\n"},
		{"keys, too", "{\"on\":1,\"a b\":2}", "\"on\": 1\n\"a b\": 2\n"},
		{"lines", "[\"a\\nb\\u0001\"]", "- \"a\\nb\\x01\"\n"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON value = json_loads(rows[i].json, 0, NULL);
		AUTO_FREE char *text = NULL, *back = NULL, *same = json_text(value);

		if (!CHECK_EQ(rows[i].what, yaml_write(value, &text), 0))
			continue;
		back = convert(text);
		CHECK_STR(rows[i].what, text, rows[i].yaml);
		CHECK_STR(rows[i].what, back, same);
	}
}
