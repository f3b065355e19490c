// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/http/target.h"

TEST(targets_are_taken_apart_and_decoded)
{
	static const struct {
		const char *what, *text;
		int result;
		const char *segments; /* joined by '|' */
		const char *query;    /* joined "name=value|" */
	} cases[] = {
		{"root", "/", 0, "", ""},
		{"segments", "/api/v1/pods", 0, "api|v1|pods|", ""},
		{"a slash at the end adds none", "/a/", 0, "a|", ""},
		{"an escaped slash separates nothing", "/a/b%2Fc", 0, "a|b/c|", ""},
		{"plus is a space in the query only", "/a+b?c+d=e+f", 0, "a+b|", "c d=e f|"},
		{"repeated parameters in order", "/x?c=a&c=b&d", 0, "x|", "c=a|c=b|d=|"},
		{"empty pairs are dropped", "/x?&&a=1&", 0, "x|", "a=1|"},
		{"an escaped ampersand", "/x?c=a%26b%3Dc", 0, "x|", "c=a&b=c|"},
		{"a broken escape", "/%2", -EINVAL, NULL, NULL},
		{"no hex", "/%zz", -EINVAL, NULL, NULL},
		{"an escaped NUL", "/a%00b", -EINVAL, NULL, NULL},
		{"a broken escape in the query", "/a?b=%f", -EINVAL, NULL, NULL},
		{"no path", "*", -EINVAL, NULL, NULL},
		{"absolute form", "http://x/y", -EINVAL, NULL, NULL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_target target;
		char segments[100] = "", query[100] = "";

		if (!CHECK_EQ(cases[i].what, http_target_parse(cases[i].text, &target),
			    cases[i].result) ||
			cases[i].result < 0)
			continue;
		for (size_t j = 0; j < target.segment_count; j++)
			sprintf(segments + strlen(segments), "%s|", target.segments[j]);
		for (size_t j = 0; j < target.query_count; j++)
			sprintf(query + strlen(query), "%s=%s|", target.names[j], target.values[j]);
		CHECK_STR(cases[i].what, segments, cases[i].segments);
		CHECK_STR(cases[i].what, query, cases[i].query);
		http_target_clear(&target);
	}
}

TEST(escaping_is_undone_by_parsing)
{
	AUTO_FREE char *escaped = http_escape("a b/c?d&e=%+\xc3\xa9");
	AUTO_FREE char *text = NULL;
	struct http_target target;

	CHECK_STR("escaped", escaped, "a%20b%2Fc%3Fd%26e%3D%25%2B%C3%A9");
	if (asprintf(&text, "/%s?x=%s", escaped, escaped) < 0)
		BAIL("memory");
	CHECK_EQ("parse", http_target_parse(text, &target), 0);
	CHECK_STR("segment", target.segments[0], "a b/c?d&e=%+\xc3\xa9");
	CHECK_STR("value", http_target_query(&target, "x", 0), "a b/c?d&e=%+\xc3\xa9");
	CHECK("no second", !http_target_query(&target, "x", 1));
	http_target_clear(&target);
}
