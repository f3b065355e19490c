// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/manifest.h"
#include "user/model/object.h"

static void cleanup_manifest(struct manifest **manifest)
{
	manifest_free(*manifest);
}

#define AUTO_MANIFEST AUTO_CLEANUP(cleanup_manifest) struct manifest *

/* A copy without a byte behind it, so that ASan sees any step too far. */
static struct manifest *read_exactly(const char *text, size_t len)
{
	AUTO_FREE char *copy = malloc(len ? len : 1);
	struct manifest *manifest = NULL;
	struct err err;

	if (!copy)
		BAIL("no memory");
	memcpy(copy, text, len);
	if (manifest_read(copy, len, &manifest, &err) < 0)
		BAIL(err.text);
	return manifest;
}

static struct manifest *read_text(const char *text)
{
	return read_exactly(text, strlen(text));
}

#define POD(name)                                             \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: " name \
	"\nspec:\n  containers:\n  - name: c\n    image: nginx:1\n"

TEST(each_document_stands_for_itself)
{
	AUTO_MANIFEST m = read_text(POD("a") "---\nkind: [\n---\n" POD("b"));

	if (!CHECK_EQ("three documents", m->count, 3))
		return;
	CHECK_STR("the first is read", m->documents[0].object->meta.name, "a");
	CHECK("the second is refused", !m->documents[1].object);
	CHECK_HAS("with its line", m->documents[1].err.text, "line 11: not YAML");
	CHECK_STR("the third is read", m->documents[2].object->meta.name, "b");
	CHECK_EQ("it begins on line 12", m->documents[2].line, 12);
	CHECK_EQ("index", m->documents[2].index, 2);
}

TEST(empty_documents_are_none)
{
	static const char *const texts[] = {"", "\n", "---\n---\n---\n", "# only a comment\n",
		"~\n", "%YAML 1.1\n---\n", "---\n...\n"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		AUTO_MANIFEST m = read_text(texts[i]);

		CHECK_EQ(texts[i], m->count, 0);
	}
}

TEST(comments_and_directives_before_a_document_belong_to_it)
{
	AUTO_MANIFEST m = read_text("# web\n%YAML 1.1\n---\n" POD("a") "...\n" POD("b"));

	CHECK_EQ("two documents", m->count, 2);
	CHECK_STR("the first is good", m->documents[0].err.text, "");
	CHECK_STR("the second is good", m->documents[1].err.text, "");
}

TEST(json_is_read_with_lines)
{
	AUTO_MANIFEST m = read_text("{\"apiVersion\": \"v1\",\n\t\"kind\": \"Pod\",\n"
				    "\t\"metadata\": {\"name\": \"a\", \"annotations\": "
				    "{\"x\": \"\\ud83d\\ude00 \\\\ud83d\"}},\n"
				    "\t\"spec\": {\"containers\": [\n\t\t{\"name\": \"c\"}]}}\n");

	CHECK_EQ("one document", m->count, 1);
	CHECK_STR("refused with line and path", m->documents[0].err.text,
		"line 5: spec.containers[0].image: required");
}

TEST(json_surrogates_become_one_character)
{
	AUTO_MANIFEST m =
		read_text("{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":"
			  "{\"name\":\"a\"},\"data\":{\"x\":\"\\ud83d\\ude00\\\\ud83d\"}}");

	if (!CHECK("read", m->count == 1 && m->documents[0].object))
		return;
	CHECK_STR("the character",
		json_string_at(json_object_get(m->documents[0].object->json, "data"), "x", ""),
		"\xf0\x9f\x98\x80\\ud83d");
}

TEST(a_list_is_its_items)
{
	AUTO_MANIFEST m = read_text("apiVersion: v1\nkind: List\nitems:\n"
				    "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: a}\n"
				    "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: B}\n"
				    "- apiVersion: v1\n  kind: ConfigMap\n  metadata: {name: c}\n");

	if (!CHECK_EQ("three", m->count, 3))
		return;
	CHECK("first", m->documents[0].object != NULL);
	CHECK_HAS("second", m->documents[1].err.text,
		"line 9: items[1].metadata.name: must be a DNS");
	CHECK_EQ("line of the item", m->documents[1].line, 7);
	CHECK_STR("who it was about", m->documents[1].name, "B");
	CHECK("third", m->documents[2].object != NULL);
}

TEST(a_broken_document_still_says_who_it_is)
{
	AUTO_MANIFEST m = read_text("kind: Pod\nmetadata:\n  name: web\n  namespace: x\nspec: [\n"
				    "---\nkind: Service\nmetadata:\n  name: web\nspec: {}\n");

	if (!CHECK_EQ("two", m->count, 2))
		return;
	CHECK_STR("kind", m->documents[0].kind, "Pod");
	CHECK_STR("namespace", m->documents[0].namespace, "x");
	CHECK_STR("name", m->documents[0].name, "web");
	CHECK_STR("default namespace", m->documents[1].namespace, "default");
}

static const struct {
	const char *what, *text, *want;
} refusals[] = {
	{"a workload is refused with a hint", "apiVersion: apps/v1\nkind: Deployment\n",
		"line 2: kind: a Deployment needs podnet-control: kubectl apply -f FILE"},
	{"another kind", "apiVersion: v1\nkind: Endpoints\n",
		"line 2: kind: kind Endpoints is not supported"},
	{"no kind", "apiVersion: v1\n", "line 1: kind: required"},
	{"no version", "kind: Pod\n", "line 1: apiVersion: required"},
	{"a wrong version", "apiVersion: v2\nkind: Pod\n",
		"line 1: apiVersion: a Pod has v1, not \"v2\""},
	{"a scalar document", "hello\n", "line 1: must be an object"},
	{"a list document", "- a\n", "line 1: must be an object"},
	{"a duplicate key", "apiVersion: v1\nkind: Pod\nkind: Pod\n",
		"line 3: duplicate key \"kind\""},
	{"a cycle", "a: &x\n  b: *x\n", "line 2: cyclic YAML: *x stands inside its own anchor"},
	{"an alias to nothing", "a: *x\n", "line 1: alias *x has no anchor"},
	{"a tab in the indentation", "a:\n\tb: 1\n", "line 2: not YAML: "},
	{"not UTF-8", "a: \xff\xfe\n", "not YAML"},
	{"infinity", "apiVersion: .inf\n", "line 1: JSON has no number '.inf'"},
	{"a complex key", "? [a]\n: b\n", "line 1: a key must be a simple scalar"},
	{"a null key", "~: b\n", "line 1: a key must not be null"},
	{"a foreign tag", "a: !foo b\n", "line 1: tag !foo does not fit here"},
	{"a NUL", "a: \"\\0\"\n", "line 1: a NUL character is not allowed"},
	{"a merge of a scalar", "<<: a\n", "line 1: << needs a map or a list of maps"},
};

TEST(broken_documents_are_refused_with_line_and_reason)
{
	for (size_t i = 0; i < COUNT(refusals); i++) {
		AUTO_MANIFEST m = read_text(refusals[i].text);

		if (!CHECK_EQ(refusals[i].what, m->count, 1))
			continue;
		CHECK(refusals[i].what, !m->documents[0].object);
		CHECK_HAS(refusals[i].what, m->documents[0].err.text, refusals[i].want);
	}
}

TEST(billion_laughs_end_at_the_limit)
{
	char text[4096];
	size_t len = (size_t)snprintf(text, sizeof(text), "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");

	for (int i = 1; i < 12; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	AUTO_MANIFEST m = read_text(text);

	if (!CHECK_EQ("one refusal", m->count, 1))
		return;
	CHECK_HAS("limit", m->documents[0].err.text, "more than 2000000 values in one file");
}

TEST(merge_bombs_end_at_the_limit)
{
	char text[8192];
	size_t len = (size_t)snprintf(text, sizeof(text), "a0: &a0 {x: 1}\n");

	for (int i = 1; i < 60; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
			"a%d: &a%d {<<: [*a%d, *a%d]}\n", i, i, i - 1, i - 1);
	snprintf(text + len, sizeof(text) - len, "<<: *a59\n");
	AUTO_MANIFEST m = read_text(text);

	if (CHECK_EQ("one refusal", m->count, 1))
		CHECK_HAS("limit", m->documents[0].err.text, "in one file");
}

TEST(deep_nesting_is_refused)
{
	char text[2001];

	memset(text, '[', 2000);
	text[2000] = '\0';
	AUTO_MANIFEST m = read_text(text);

	if (CHECK_EQ("one refusal", m->count, 1))
		CHECK_HAS("limit", m->documents[0].err.text, "nested deeper than 100 levels");
}

TEST(too_many_documents_are_refused_once)
{
	size_t count = MANIFEST_MAX_DOCUMENTS + 5, step = strlen("---\na\n");
	AUTO_FREE char *text = malloc(count * step + 1);

	for (size_t i = 0; i < count; i++)
		memcpy(text + i * step, "---\na\n", step + 1);
	AUTO_MANIFEST m = read_text(text);

	if (CHECK_EQ("limit and one", m->count, MANIFEST_MAX_DOCUMENTS + 1))
		CHECK_HAS("reason", m->documents[m->count - 1].err.text,
			"the file has more than 10000 documents");
}

TEST(an_oversized_text_is_refused)
{
	size_t len = MANIFEST_MAX_BYTES + 1;
	AUTO_FREE char *text = malloc(len);

	memset(text, '#', len);
	AUTO_MANIFEST m = read_exactly(text, len);

	if (CHECK_EQ("one refusal", m->count, 1))
		CHECK_HAS("limit", m->documents[0].err.text, "more than 16777216 bytes");
}

TEST(merge_keys_give_way_to_what_is_written)
{
	AUTO_MANIFEST m = read_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
				    "  <<: [{a: first, b: merged}, {a: second, c: last}]\n"
				    "  b: written\n");
	const json_t *data;

	if (!CHECK("read", m->count == 1 && m->documents[0].object))
		return;
	data = json_object_get(m->documents[0].object->json, "data");
	CHECK_STR("the first merge wins", json_string_at(data, "a", ""), "first");
	CHECK_STR("what is written wins", json_string_at(data, "b", ""), "written");
	CHECK_STR("all are merged", json_string_at(data, "c", ""), "last");
}

TEST(anchors_may_be_given_again)
{
	AUTO_MANIFEST m = read_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: &n a}\n"
				    "data: {x: *n, y: &n b, z: *n}\n");

	if (!CHECK("read", m->count == 1 && m->documents[0].object))
		return;
	CHECK_STR("the last counts",
		json_string_at(json_object_get(m->documents[0].object->json, "data"), "z", ""),
		"b");
}

static const char sample[] =
	"# a sample with most of what YAML has\n"
	"apiVersion: v1\n"
	"kind: Pod\n"
	"metadata: {name: web, labels: {app: &app web, 'app.kubernetes.io/name': *app}}\n"
	"spec:\n"
	"  volumes:\n"
	"  - {name: data, emptyDir: {sizeLimit: 1.5Gi}}\n"
	"  containers:\n"
	"  - &c\n"
	"    name: web\n"
	"    image: \"nginx:1.25\"\n"
	"    command: [sh, -c, |\n"
	"      echo \"hi\"\n"
	"      ]\n"
	"    ports: [{name: http, containerPort: 80}]\n"
	"    readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}\n"
	"    resources: {limits: {cpu: 0.5, memory: 64Mi}}\n"
	"    volumeMounts: [{name: data, mountPath: /data}]\n"
	"  - <<: *c\n"
	"    name: side\n"
	"---\n"
	"{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"metadata\": {\"name\": \"s\"},\n"
	" \"data\": {\"k\": \"aGk=\"}, \"stringData\": {\"t\": \"\\u00e4\\n\"}}\n";

/* Nothing that can be in a file may crash the reader: ASan and UBSan watch. */
TEST(no_prefix_of_a_sample_crashes)
{
	for (size_t len = 0; len <= strlen(sample); len++) {
		AUTO_MANIFEST m = read_exactly(sample, len);

		for (size_t i = 0; i < m->count; i++)
			CHECK("an object or a reason",
				m->documents[i].object || m->documents[i].err.text[0]);
	}
}

TEST(no_mutation_of_a_sample_crashes)
{
	static const char bytes[] = "\0\n\t -:[]{}&*!|>'\"%@`#,?<\\~\xff\xc3"
				    "a0";
	uint32_t random = 12345;

	for (int round = 0; round < 4000; round++) {
		char text[sizeof(sample)];

		memcpy(text, sample, sizeof(sample));
		for (int i = 0; i < 1 + round % 4; i++) {
			random = random * 1664525 + 1013904223;
			text[(random >> 8) % (sizeof(sample) - 1)] =
				bytes[(random >> 3) % (sizeof(bytes) - 1)];
		}
		AUTO_MANIFEST m = read_exactly(text, sizeof(sample) - 1);

		for (size_t i = 0; i < m->count; i++)
			CHECK("an object or a reason",
				m->documents[i].object || m->documents[i].err.text[0]);
	}
}
