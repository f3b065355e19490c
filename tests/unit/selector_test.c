// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/service.h"

TEST(a_selector_matches_when_all_its_pairs_are_there)
{
	static const struct {
		const char *what, *selector, *labels;
		bool want;
	} cases[] = {
		{"one pair", "{\"a\":\"1\"}", "{\"a\":\"1\",\"b\":\"2\"}", true},
		{"all pairs", "{\"a\":\"1\",\"b\":\"2\"}", "{\"b\":\"2\",\"a\":\"1\"}", true},
		{"another value", "{\"a\":\"1\"}", "{\"a\":\"2\"}", false},
		{"one is missing", "{\"a\":\"1\",\"b\":\"2\"}", "{\"a\":\"1\"}", false},
		{"no labels", "{\"a\":\"1\"}", "{}", false},
		{"an empty selector matches nothing", "{}", "{\"a\":\"1\"}", false},
		{"an empty value is a value", "{\"a\":\"\"}", "{\"b\":\"\"}", false},
		{"prefix of a value", "{\"a\":\"1\"}", "{\"a\":\"12\"}", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON selector = json_loads(cases[i].selector, 0, NULL);
		AUTO_JSON labels = json_loads(cases[i].labels, 0, NULL);

		CHECK_EQ(cases[i].what, selector_matches(selector, labels), cases[i].want);
	}
	CHECK("no selector matches nothing", !selector_matches(NULL, NULL));
}
