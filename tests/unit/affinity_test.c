// SPDX-License-Identifier: Apache-2.0
/* Keys of a Pod's own labels in its affinity terms, and what a server makes of them. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/base/cleanup.h"
#include "user/model/affinity.h"

#define POD(sort, how, term)                                                                       \
	"{'metadata':{'labels':{'app':'web','version':'2'}},'spec':{'affinity':{'" sort "':{'" how \
	"':[" term "]}}}}"
#define REQUIRED  "requiredDuringSchedulingIgnoredDuringExecution"
#define PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

TEST(label_keys_are_written_into_selectors)
{
	static const struct {
		const char *what, *sort, *term, *want;
	} rows[] = {
		{"one that shall be the same", "podAffinity",
			"{'labelSelector':{},'matchLabelKeys':['version']}",
			"{'matchExpressions':[{'key':'version','operator':'In','values':['2']}]}"},
		{"one that shall differ", "podAntiAffinity",
			"{'labelSelector':{'matchExpressions':[{'key':'app','operator':'Exists'}]},"
			"'mismatchLabelKeys':['app']}",
			"{'matchExpressions':[{'key':'app','operator':'Exists'},{'key':'app',"
			"'operator':'NotIn','values':['web']}]}"},
		{"both", "podAntiAffinity",
			"{'labelSelector':{'matchLabels':{'a':'b'}},'matchLabelKeys':['app'],"
			"'mismatchLabelKeys':['version']}",
			"{'matchExpressions':[{'key':'app','operator':'In','values':['web']},"
			"{'key':'version','operator':'NotIn','values':['2']}],"
			"'matchLabels':{'a':'b'}}"},
		{"one that the Pod has not", "podAffinity",
			"{'labelSelector':{},'matchLabelKeys':['none']}", "{}"},
		{"none without a selector", "podAffinity", "{'matchLabelKeys':['version']}",
			"null"},
		{"no keys", "podAffinity", "{'labelSelector':{'matchLabels':{'a':'b'}}}",
			"{'matchLabels':{'a':'b'}}"},
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		for (int wish = 0; wish < 2; wish++) {
			char text[1024];
			AUTO_JSON pod = NULL;
			AUTO_JSON want = NULL;
			const json_t *term;

			snprintf(text, sizeof(text),
				wish ? POD("%s", PREFERRED, "{'podAffinityTerm':%s}")
				     : POD("%s", REQUIRED, "%s"),
				rows[i].sort, rows[i].term);
			pod = json_quoted(text);
			want = json_quoted(rows[i].want);
			CHECK_EQ(rows[i].what, affinity_merge_keys(pod), 0);
			term = json_object_get(json_object_get(pod, "spec"), "affinity");
			term = json_object_get(term, rows[i].sort);
			term = json_array_get(
				json_object_get(term, wish ? PREFERRED : REQUIRED), 0);
			if (wish)
				term = json_object_get(term, "podAffinityTerm");
			CHECK(rows[i].what,
				json_is_null(want)
					? !json_object_get(term, "labelSelector")
					: json_equal(json_object_get(term, "labelSelector"), want));
		}
}

TEST(a_pod_without_terms_is_left_alone)
{
	AUTO_JSON pod = json_quoted("{'metadata':{},'spec':{}}");
	AUTO_JSON same = json_deep_copy(pod);

	CHECK_EQ("merge", affinity_merge_keys(pod), 0);
	CHECK("nothing is added", json_equal(pod, same));
}
