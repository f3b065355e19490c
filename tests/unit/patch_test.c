// SPDX-License-Identifier: Apache-2.0
/* Patches: the three kinds, on values small enough to read. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/model/kinds.h"
#include "user/model/patch.h"
#include "user/model/schema.h"

/* @want: what comes out; or, when @code says so, a part of the refusal. */
static void check_result(
	const char *what, int r, int code, json_t *got, const struct err *err, const char *want)
{
	AUTO_JSON result = got;
	AUTO_FREE char *got_text = NULL;
	AUTO_FREE char *want_text = NULL;
	AUTO_JSON wanted = NULL;

	if (code) {
		CHECK_FAILS(what, r, code, err, want);
		return;
	}
	if (!CHECK_OK(what, r, err))
		return;
	wanted = json_quoted(want);
	got_text = json_dumps(result, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	want_text = json_dumps(wanted, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	CHECK_STR(what, got_text, want_text);
}

struct row {
	const char *object, *patch;
	int code;
	const char *want;
};

TEST(a_merge_patch_is_rfc_7386)
{
	static const struct row rows[] = {
		{"{'a':'b'}", "{'a':'c'}", 0, "{'a':'c'}"},
		{"{'a':'b'}", "{'b':'c'}", 0, "{'a':'b','b':'c'}"},
		{"{'a':'b','b':'c'}", "{'a':null}", 0, "{'b':'c'}"},
		{"{'a':['b']}", "{'a':'c'}", 0, "{'a':'c'}"},
		{"{'a':'c'}", "{'a':['b']}", 0, "{'a':['b']}"},
		{"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", 0, "{'a':{'b':'d'}}"},
		{"{'a':[{'b':'c'}]}", "{'a':[1]}", 0, "{'a':[1]}"},
		{"{'e':null}", "{'a':1}", 0, "{'e':null,'a':1}"},
		{"{}", "{'a':{'bb':{'ccc':null}}}", 0, "{'a':{'bb':{}}}"},
		{"{'a':1}", "['c']", EINVAL, "must be an object"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON object = json_quoted(rows[i].object);
		AUTO_JSON patch = json_quoted(rows[i].patch);
		struct err err = {0};
		json_t *got = NULL;
		int r = patch_merge(object, patch, &got, &err);

		check_result(rows[i].patch, r, rows[i].code, got, &err, rows[i].want);
	}
}

TEST(a_json_patch_is_rfc_6902)
{
	static const struct row rows[] = {
		{"{'foo':'bar'}", "[{'op':'add','path':'/baz','value':'qux'}]", 0,
			"{'baz':'qux','foo':'bar'}"},
		{"{'foo':['bar','baz']}", "[{'op':'add','path':'/foo/1','value':'qux'}]", 0,
			"{'foo':['bar','qux','baz']}"},
		{"{'foo':['bar']}", "[{'op':'add','path':'/foo/-','value':['abc']}]", 0,
			"{'foo':['bar',['abc']]}"},
		{"{'foo':[1]}", "[{'op':'add','path':'/foo/1','value':2}]", 0, "{'foo':[1,2]}"},
		{"{'foo':[1]}", "[{'op':'add','path':'/foo/2','value':2}]", ENOENT,
			"add operation"},
		{"{'foo':[1]}", "[{'op':'add','path':'/foo/01','value':2}]", ENOENT,
			"add operation"},
		{"{'baz':'qux','foo':'bar'}", "[{'op':'remove','path':'/baz'}]", 0,
			"{'foo':'bar'}"},
		{"{'foo':['a','b']}", "[{'op':'remove','path':'/foo/0'}]", 0, "{'foo':['b']}"},
		{"{'data':{}}", "[{'op':'remove','path':'/data/none/x'}]", ENOENT,
			"remove operation does not apply: doc is missing path: /data/none/x"},
		{"{'a':1}", "[{'op':'replace','path':'/a','value':2}]", 0, "{'a':2}"},
		{"{'a':1}", "[{'op':'replace','path':'/b','value':2}]", ENOENT,
			"replace operation"},
		{"{'a':1}", "[{'op':'replace','path':'','value':{'b':2}}]", 0, "{'b':2}"},
		{"{'foo':{'bar':1},'qux':{}}",
			"[{'op':'move','from':'/foo/bar','path':'/qux/thud'}]", 0,
			"{'foo':{},'qux':{'thud':1}}"},
		{"{'foo':['all','grass','cows','eat']}",
			"[{'op':'move','from':'/foo/1','path':'/foo/3'}]", 0,
			"{'foo':['all','cows','eat','grass']}"},
		{"{'a':{'b':{}}}", "[{'op':'move','from':'/a','path':'/a/b'}]", EINVAL, "move"},
		{"{'a':{'b':1}}", "[{'op':'copy','from':'/a','path':'/a/c'}]", 0,
			"{'a':{'b':1,'c':{'b':1}}}"},
		{"{'a':1}", "[{'op':'copy','from':'/x','path':'/y'}]", ENOENT, "copy operation"},
		{"{'y':'2'}",
			"[{'op':'test','path':'/y','value':'2'},"
			"{'op':'replace','path':'/y','value':'3'}]",
			0, "{'y':'3'}"},
		{"{'y':'2'}", "[{'op':'test','path':'/y','value':'nope'}]", ENOENT,
			"testing value /y failed: test failed"},
		{"{'/':9,'~1':10}", "[{'op':'test','path':'/~01','value':10}]", 0,
			"{'/':9,'~1':10}"},
		{"{'a/b':1}", "[{'op':'remove','path':'/a~1b'}]", 0, "{}"},
		{"{}", "[{'op':'jump','path':'/a'}]", EINVAL, "unexpected kind of operation: jump"},
		{"{}", "[{'op':'add','path':'/a'}]", EINVAL, "needs a value"},
		{"{}", "[{'op':'add','value':1}]", EINVAL, "needs a path"},
		{"{}", "{}", EINVAL, "cannot unmarshal object"},
		{"{'a':1}", "[{'op':'add','path':'a','value':1}]", ENOENT, "add operation"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON object = json_quoted(rows[i].object);
		AUTO_JSON patch = json_quoted(rows[i].patch);
		struct err err = {0};
		json_t *got = NULL;
		int r = patch_json(object, patch, &got, &err);

		check_result(rows[i].patch, r, rows[i].code, got, &err, rows[i].want);
	}
}

TEST(copies_of_a_json_patch_are_bounded)
{
	static const char text[] = "[{'op':'copy','from':'/a','path':'/a/-'}]";
	AUTO_JSON object = json_quoted("{'a':['x']}");
	AUTO_JSON one = json_quoted(text);
	AUTO_JSON patch = json_array();
	json_t *got = NULL;
	struct err err = {0};

	/* Each copy doubles the list. */
	for (int i = 0; i < 20; i++)
		json_array_extend(patch, one);
	CHECK_FAILS(
		"doubling", patch_json(object, patch, &got, &err), ENOENT, &err, "copies too much");
}

TEST(a_strategic_merge_of_long_lists_is_bounded)
{
	static const struct {
		const char *what;
		int count, code;
	} rows[] = {{"a thousand items", 1000, 0}, {"two thousand that all differ", 2000, ENOENT}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_JSON object = json_quoted("{'spec':{'containers':[]}}");
		AUTO_JSON patch = json_quoted("{'spec':{'containers':[]}}");
		json_t *list = json_object_get(json_object_get(patch, "spec"), "containers");
		AUTO_JSON got = NULL;
		struct err err = {0};
		int r;

		for (int k = 0; k < rows[i].count; k++)
			json_array_append_new(
				list, json_pack("{s:o}", "name", json_sprintf("c%d", k)));
		r = patch_strategic(object, patch, &schema_pod, &got, &err);
		CHECK_EQ(rows[i].what, r, -rows[i].code);
		CHECK_STR(rows[i].what, err.text,
			rows[i].code ? "the lists of the patch are too long" : "");
	}
}

#define POD(list)   "{'spec':{'containers':[" list "]}}"
#define PORTS(list) "{'spec':{'ports':[" list "]}}"

static const struct {
	const char *what;
	const struct schema_message *message;
	const char *object, *patch;
	int code;
	const char *want;
} strategic[] = {
	{"an item is merged by its key, a new one stands before what only the object has",
		&schema_pod, POD("{'name':'c','image':'nginx'}"),
		POD("{'name':'c','env':[{'name':'A','value':'1'}]},{'name':'c2','image':'b'}"), 0,
		POD("{'name':'c','image':'nginx','env':[{'name':'A','value':'1'}]},"
		    "{'name':'c2','image':'b'}")},
	{"new items of a patch come first", &schema_pod, POD("{'name':'a'}"), POD("{'name':'b'}"),
		0, POD("{'name':'b'},{'name':'a'}")},
	{"an item is deleted", &schema_pod, POD("{'name':'c'},{'name':'c2'}"),
		"{'spec':{'$setElementOrder/containers':[{'name':'c'}],'containers':[{'name':'c2',"
		"'$patch':'delete'}]}}",
		0, POD("{'name':'c'}")},
	{"ports are ordered as the patch says", &schema_service,
		PORTS("{'port':80,'targetPort':8080}"),
		"{'spec':{'$setElementOrder/ports':[{'port':81},{'port':80}],'ports':[{'port':81,"
		"'name':'x'},{'port':80,'name':'y'}]}}",
		0, PORTS("{'port':81,'name':'x'},{'port':80,'targetPort':8080,'name':'y'}")},
	{"an order alone moves items", &schema_pod, POD("{'name':'a'},{'name':'b'}"),
		"{'spec':{'$setElementOrder/containers':[{'name':'b'},{'name':'a'}]}}", 0,
		POD("{'name':'b'},{'name':'a'}")},
	{"what only the server has keeps its place", &schema_pod,
		POD("{'name':'s'},{'name':'a'},{'name':'t'},{'name':'b'}"),
		"{'spec':{'$setElementOrder/containers':[{'name':'a'},{'name':'b'}]}}", 0,
		POD("{'name':'s'},{'name':'a'},{'name':'t'},{'name':'b'}")},
	{"keys that are not retained go", &schema_deployment,
		"{'spec':{'strategy':{'type':'RollingUpdate','rollingUpdate':{'maxSurge':1}}}}",
		"{'spec':{'strategy':{'$retainKeys':['type'],'type':'Recreate'}}}", 0,
		"{'spec':{'strategy':{'type':'Recreate'}}}"},
	{"a volume changes its source", &schema_pod,
		"{'spec':{'volumes':[{'name':'v','emptyDir':{}}]}}",
		"{'spec':{'volumes':[{'$retainKeys':['name','hostPath'],'name':'v','hostPath':{"
		"'path':'/x'}}]}}",
		0, "{'spec':{'volumes':[{'name':'v','hostPath':{'path':'/x'}}]}}"},
	{"taints are one value", &schema_node, "{'spec':{'taints':[{'key':'a'}]}}",
		"{'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]}}", 0,
		"{'spec':{'taints':[{'key':'k','effect':'NoSchedule'}]}}"},
	{"null deletes", &schema_node, "{'spec':{'taints':[{'key':'a'}],'unschedulable':true}}",
		"{'spec':{'taints':null}}", 0, "{'spec':{'unschedulable':true}}"},
	{"a command is one value", &schema_pod, POD("{'name':'c','command':['a','b']}"),
		POD("{'name':'c','command':['x']}"), 0, POD("{'name':'c','command':['x']}")},
	{"labels are merged", &schema_pod, "{'metadata':{'labels':{'a':'1','b':'2'}}}",
		"{'metadata':{'labels':{'a':null,'c':'3'}}}", 0,
		"{'metadata':{'labels':{'b':'2','c':'3'}}}"},
	{"finalizers are a set", &schema_pod, "{'metadata':{'finalizers':['a','b']}}",
		"{'metadata':{'finalizers':['b','c']}}", 0,
		"{'metadata':{'finalizers':['a','b','c']}}"},
	{"and lose what is named", &schema_pod, "{'metadata':{'finalizers':['a','b']}}",
		"{'metadata':{'$deleteFromPrimitiveList/finalizers':['a']}}", 0,
		"{'metadata':{'finalizers':['b']}}"},
	{"a whole list is replaced", &schema_pod, POD("{'name':'a'},{'name':'b'}"),
		POD("{'$patch':'replace'},{'name':'c'}"), 0, POD("{'name':'c'}")},
	{"a whole object is replaced", &schema_pod, "{'metadata':{'labels':{'a':'1'}}}",
		"{'metadata':{'labels':{'$patch':'replace','b':'2'}}}", 0,
		"{'metadata':{'labels':{'b':'2'}}}"},
	{"conditions of a status", &schema_node,
		"{'status':{'conditions':[{'type':'Ready','status':'True'}]}}",
		"{'status':{'$setElementOrder/"
		"conditions':[{'type':'MemoryPressure'},{'type':'Ready'"
		"}],'conditions':[{'type':'MemoryPressure','status':'False'},{'type':'Ready',"
		"'reason':'r'}]}}",
		0,
		"{'status':{'conditions':[{'type':'MemoryPressure','status':'False'},{'type':"
		"'Ready','status':'True','reason':'r'}]}}"},
	{"an item without its key", &schema_pod, POD("{'name':'a'}"), POD("{'image':'x'}"), EINVAL,
		"does not contain declared merge key: name"},
	{"a directive that is none", &schema_pod, "{}", "{'spec':{'$patch':'jump'}}", EINVAL,
		"Unknown patch type jump"},
};

TEST(a_strategic_merge_follows_the_schema)
{
	for (size_t i = 0; i < COUNT(strategic); i++) {
		AUTO_JSON object = json_quoted(strategic[i].object);
		AUTO_JSON before = json_deep_copy(object);
		AUTO_JSON patch = json_quoted(strategic[i].patch);
		struct err err = {0};
		json_t *got = NULL;
		int r = patch_strategic(object, patch, strategic[i].message, &got, &err);

		CHECK("the object stays as it is", json_equal(object, before));
		check_result(strategic[i].what, r, strategic[i].code, got, &err, strategic[i].want);
	}
}

TEST(a_strategic_merge_twice_is_as_once)
{
	for (size_t i = 0; i < COUNT(strategic); i++) {
		AUTO_JSON object = json_quoted(strategic[i].object);
		AUTO_JSON patch = json_quoted(strategic[i].patch);
		AUTO_JSON once = NULL;
		AUTO_JSON twice = NULL;
		struct err err = {0};

		if (strategic[i].code)
			continue;
		CHECK_OK("once", patch_strategic(object, patch, strategic[i].message, &once, &err),
			&err);
		CHECK_OK("twice", patch_strategic(once, patch, strategic[i].message, &twice, &err),
			&err);
		CHECK(strategic[i].what, json_equal(once, twice));
	}
}
