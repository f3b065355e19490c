// SPDX-License-Identifier: Apache-2.0
/* Selectors of lists and watches: what they select, and the words for those that cannot be read. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/model/kinds.h"
#include "user/model/selector.h"

static void cleanup_labels(struct label_selector **selector)
{
	label_selector_free(*selector);
}

static void cleanup_fields(struct field_selector **selector)
{
	field_selector_free(*selector);
}

#define AUTO_LABELS AUTO_CLEANUP(cleanup_labels) struct label_selector *
#define AUTO_FIELDS AUTO_CLEANUP(cleanup_fields) struct field_selector *

TEST(labels_are_selected_by_text)
{
	static const struct {
		const char *selector, *labels;
		bool want;
	} rows[] = {
		{"", "{}", true},
		{"a=b", "{'a':'b'}", true},
		{"a=b", "{'a':'c'}", false},
		{"a=b", "{}", false},
		{"a==b", "{'a':'b'}", true},
		{"a!=b", "{'a':'b'}", false},
		{"a!=b", "{}", true},
		{"a=", "{'a':''}", true},
		{"a=,b=c", "{'a':'','b':'c'}", true},
		{"a", "{'a':'x'}", true},
		{"!a", "{'a':'x'}", false},
		{"! a", "{}", true},
		{"a in (x, y)", "{'a':'y'}", true},
		{"a in (x,y)", "{'a':'z'}", false},
		{"a notin (x,y)", "{}", true},
		{"a notin (x,y)", "{'a':'x'}", false},
		{"a in (,x)", "{'a':''}", true},
		{"in in (in)", "{'in':'in'}", true},
		{"example.com/n>3", "{'example.com/n':'4'}", true},
		{"n<3", "{'n':'x'}", false},
		{"a=b, c!=d ,e in (f),!g", "{'a':'b','e':'f'}", true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_LABELS selector = NULL;
		AUTO_JSON labels = json_quoted(rows[i].labels);
		AUTO_FREE char *text = json_text(labels);
		struct err err = {0};

		if (!CHECK_OK(rows[i].selector,
			    label_selector_parse(rows[i].selector, &selector, &err), &err))
			continue;
		CHECK_EQ(rows[i].selector, label_selector_matches(selector, labels), rows[i].want);
		CHECK("what is selected may match, by its text",
			!rows[i].want || label_selector_may_match(selector, text, strlen(text)));
	}
}

TEST(what_is_no_label_selector_is_refused)
{
	static const struct {
		const char *selector, *want;
	} rows[] = {
		{"a b c",
			"unable to parse requirement: found 'b', expected: '=', '!=', '==', 'in', "
			"notin'"},
		{"a in x", "unable to parse requirement: found 'x', expected: '('"},
		{"a in (x", "unable to parse requirement: found '', expected: ',' or ')'"},
		{"a in ()", "values set can't be empty"},
		{"=b", "found '=', expected: identifier"},
		{"a=b,", "expected: identifier after ','"},
		{"a,,b", "expected: identifier after ','"},
		{"a=b c", "found 'c', expected: ',' or 'end of string'"},
		{"-a=b", "key: Invalid value: \"-a\""},
		{"a=-b", "values[0][a]: Invalid value: \"-b\""},
		{"a>b", "the value must be an integer"},
		{"a!b", "found '!'"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_LABELS selector = NULL;
		struct err err = {0};

		CHECK_FAILS(rows[i].selector,
			label_selector_parse(rows[i].selector, &selector, &err), EINVAL, &err,
			rows[i].want);
	}
}

TEST(labels_are_selected_by_objects)
{
	static const struct {
		const char *selector, *labels;
		bool want;
		const char *text;
	} rows[] = {
		{"null", "{'a':'b'}", false, ""},
		{"{}", "{}", true, ""},
		{"{'matchLabels':{'a':'b'}}", "{'a':'b','c':'d'}", true, "a=b"},
		{"{'matchLabels':{'a':'b'},'matchExpressions':[{'key':'c','operator':'NotIn',"
		 "'values':['d','e']},{'key':'f','operator':'Exists'},{'key':'g','operator':"
		 "'DoesNotExist'}]}",
			"{'a':'b','f':''}", true, "a=b,c notin (d,e),f,!g"},
	};
	AUTO_LABELS bad = NULL;
	AUTO_JSON wrong = json_quoted("{'matchExpressions':[{'key':'a','operator':'Like'}]}");
	struct err err = {0};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_LABELS selector = NULL;
		AUTO_JSON object = json_quoted(rows[i].selector);
		AUTO_JSON labels = json_quoted(rows[i].labels);

		if (!CHECK_OK(rows[i].selector, label_selector_read(object, &selector, &err), &err))
			continue;
		AUTO_FREE char *text = label_selector_text(selector);

		CHECK_EQ(rows[i].selector, label_selector_matches(selector, labels), rows[i].want);
		CHECK_STR("text", text, rows[i].text);
	}
	CHECK_FAILS("an operator that is none", label_selector_read(wrong, &bad, &err), EINVAL,
		&err, "is not a valid label selector operator");
}

TEST(fields_are_selected_as_the_kind_allows)
{
	static const char pod[] = "{'metadata':{'name':'p','namespace':'n'},'spec':{'nodeName':"
				  "'k8snode1'},'status':{'phase':'Running'}}";
	static const struct {
		const char *selector;
		bool want;
	} rows[] = {
		{"", true},
		{"metadata.name=p", true},
		{"metadata.name==q", false},
		{"metadata.name!=q", true},
		{"spec.nodeName=k8snode1,status.phase!=Succeeded,status.phase!=Failed", true},
		{"status.podIP=", true},
		{"spec.hostNetwork=false", true},
		{"spec.hostNetwork=true", false},
		{"metadata.name=p,,", true},
		{"metadata.name=a\\,b", false},
	};
	const struct kind *pods = kind_by_resource("", "v1", "pods");
	AUTO_JSON object = json_quoted(pod);
	AUTO_FREE char *text = json_text(object);

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_FIELDS selector = NULL;
		struct err err = {0};

		if (!CHECK_OK(rows[i].selector,
			    field_selector_parse(rows[i].selector, pods, &selector, &err), &err))
			continue;
		CHECK_EQ(rows[i].selector, field_selector_matches(selector, object), rows[i].want);
		CHECK("what is selected may match, by its text",
			!rows[i].want || field_selector_may_match(selector, text, strlen(text)));
	}
}

TEST(what_lacks_a_word_of_a_selector_need_not_be_read)
{
	static const char text[] =
		"{\"metadata\":{\"labels\":{\"a\":\"b\"}},\"spec\":{\"nodeName\":\"n1\"}}";
	static const struct {
		const char *labels, *fields;
		bool want;
	} rows[] = {
		{"a=b", "spec.nodeName=n1", true}, {"a=c", "", false}, {"c", "", false},
		{"a in (x,y)", "", true}, /* any of several: it is read */
		{"c!=d,!e", "", true}, {"", "spec.nodeName=n2", false},
		{"", "spec.nodeName!=n2", true}, {"", "spec.hostNetwork=false", true},
		{"", "metadata.name=a\\\\b", true}, /* which JSON escapes */
	};
	const struct kind *pods = kind_by_resource("", "v1", "pods");

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_LABELS labels = NULL;
		AUTO_FIELDS fields = NULL;
		struct err err = {0};

		if (CHECK_OK("labels", label_selector_parse(rows[i].labels, &labels, &err), &err) &&
			CHECK_OK("fields",
				field_selector_parse(rows[i].fields, pods, &fields, &err), &err))
			CHECK_EQ(rows[i].labels,
				label_selector_may_match(labels, text, strlen(text)) &&
					field_selector_may_match(fields, text, strlen(text)),
				rows[i].want);
	}
}

TEST(a_field_selector_gives_the_value_to_look_up)
{
	const struct kind *pods = kind_by_resource("", "v1", "pods");
	AUTO_FIELDS selector = NULL;
	struct err err = {0};
	int r = field_selector_parse(
		"status.phase!=Failed,spec.nodeName=a\\=b", pods, &selector, &err);

	if (!CHECK_OK("read", r, &err))
		return;
	CHECK_STR("equal", field_selector_value(selector, "spec.nodeName"), "a=b");
	CHECK("not unequal", !field_selector_value(selector, "status.phase"));
}

TEST(what_is_no_field_selector_is_refused)
{
	static const struct {
		const char *plural, *selector, *want;
	} rows[] = {
		{"configmaps", "data.k=v",
			"\"data.k\" is not a known field selector: only \"metadata.name\", "
			"\"metadata.namespace\""},
		{"pods", "spec.foo=v", "field label not supported: spec.foo"},
		{"pods", "metadata.name", "invalid selector: 'metadata.name'"},
		{"pods", "metadata.name=a=b", "unescaped = in value"},
		{"pods", "metadata.name=a\\b", "invalid escape sequence"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_FIELDS selector = NULL;
		struct err err = {0};

		CHECK_FAILS(rows[i].selector,
			field_selector_parse(rows[i].selector,
				kind_by_resource("", "v1", rows[i].plural), &selector, &err),
			EINVAL, &err, rows[i].want);
	}
}

TEST(an_events_source_is_its_component)
{
	AUTO_JSON event =
		json_quoted("{'source':{'component':'kubelet'},'involvedObject':{'kind':'Pod'}}");
	AUTO_FIELDS selector = NULL;
	struct err err = {0};
	int r = field_selector_parse("source=kubelet,involvedObject.kind=Pod,"
				     "involvedObject.namespace=",
		kind_by_resource("", "v1", "events"), &selector, &err);

	if (CHECK_OK("read", r, &err))
		CHECK("selected", field_selector_matches(selector, event));
}
