// SPDX-License-Identifier: Apache-2.0
/* Texts that others wrote, on their way into JSON. */
#include "tests/check.h"
#include "user/base/json.h"

TEST(any_text_becomes_a_json_string)
{
	static const struct {
		const char *what, *text, *want;
	} cases[] = {
		{"plain", "probe failed", "probe failed"},
		{"empty", "", ""},
		{"good UTF-8 is kept", "caf\xc3\xa9", "caf\xc3\xa9"},
		{"a character cut in the middle", "caf\xc3", "caf?"},
		{"no UTF-8 at all", "\xff\xfe nein", "?? nein"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON string = json_any_text(cases[i].text);

		CHECK_STR(cases[i].what, json_string_value(string), cases[i].want);
	}
}
