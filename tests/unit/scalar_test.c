// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/scalar.h"

/* The value as JSON text: what Kubernetes makes of the plain scalar. */
static const struct {
	const char *text, *want;
} values[] = {
	{"", "null"},
	{"~", "null"},
	{"null", "null"},
	{"NULL", "null"},
	{"nULL", "\"nULL\""},
	{"y", "true"},
	{"Y", "true"},
	{"yes", "true"},
	{"Yes", "true"},
	{"YES", "true"},
	{"on", "true"},
	{"On", "true"},
	{"ON", "true"},
	{"true", "true"},
	{"True", "true"},
	{"TRUE", "true"},
	{"TRue", "\"TRue\""},
	{"n", "false"},
	{"N", "false"},
	{"no", "false"},
	{"No", "false"},
	{"NO", "false"},
	{"off", "false"},
	{"Off", "false"},
	{"OFF", "false"},
	{"false", "false"},
	{"yES", "\"yES\""},
	{"yess", "\"yess\""},
	{"0", "0"},
	{"12", "12"},
	{"-12", "-12"},
	{"+12", "12"},
	{"1_000", "1000"},
	{"0644", "420"},
	{"0o644", "420"},
	{"-0644", "-420"},
	{"0x1f", "31"},
	{"0X1F", "31"},
	{"0b101", "5"},
	{"-0b1", "-1"},
	{"089", "89"},
	{"00", "0"},
	{"9223372036854775807", "9223372036854775807"},
	{"-9223372036854775808", "-9223372036854775808"},
	{"9223372036854775808", "9.2233720368547758e18"},
	{"1.5", "1.5"},
	{".5", "0.5"},
	{"1.", "1"},
	{"1e3", "1000"},
	{"-1.5e-3", "-0.0015"},
	{"1e400", "\"1e400\""},
	{"1_0.5", "10.5"},
	{"._5", "\"._5\""},
	{"0x", "\"0x\""},
	{"0b2", "\"0b2\""},
	{"-", "\"-\""},
	{"+", "\"+\""},
	{".", "\".\""},
	{"1.2.3", "\"1.2.3\""},
	{"1e", "\"1e\""},
	{"12a", "\"12a\""},
	{"--1", "\"--1\""},
	{"0x-1", "\"0x-1\""},
	{"1:30", "\"1:30\""},
	{"190:20:30", "\"190:20:30\""},
	{"2001-01-01", "\"2001-01-01\""},
	{"2001-12-14T21:59:43Z", "\"2001-12-14T21:59:43Z\""},
	{"_1", "\"_1\""},
	{"10.0.0.1", "\"10.0.0.1\""},
	{"100m", "\"100m\""},
	{"1Gi", "\"1Gi\""},
	{"web", "\"web\""},
	{"=", "\"=\""},
};

TEST(plain_scalars_mean_what_they_mean_to_kubernetes)
{
	for (size_t i = 0; i < COUNT(values); i++) {
		AUTO_FREE char *got = NULL;
		AUTO_JSON json = NULL;

		if (!CHECK_EQ(values[i].text,
			    scalar_resolve(values[i].text, strlen(values[i].text), &json), 0))
			continue;
		got = json_text(json);
		CHECK_STR(values[i].text, got, values[i].want);
	}
}

TEST(numbers_that_json_has_not_are_refused)
{
	static const char *const texts[] = {".inf", "-.inf", "+.Inf", ".nan", ".NAN"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		json_t *json;

		CHECK_EQ(texts[i], scalar_resolve(texts[i], strlen(texts[i]), &json), -EDOM);
	}
}

TEST(bytes_that_are_no_utf8_are_refused)
{
	json_t *json;

	CHECK_EQ("lone continuation", scalar_resolve("\x80", 1, &json), -EILSEQ);
}

TEST(the_length_counts_not_the_terminator)
{
	AUTO_JSON json = NULL;

	CHECK_EQ("cut", scalar_resolve("123456", 3, &json), 0);
	CHECK_EQ("value", json_integer_value(json), 123);
}

TEST(number_texts_are_the_shortest)
{
	static const struct {
		double value;
		const char *want;
	} cases[] = {{0.1, "0.1"}, {0.5, "0.5"}, {1e21, "1e+21"}, {1.0 / 3, "0.3333333333333333"}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON json = scalar_number(cases[i].value);
		char text[SCALAR_NUMBER_LEN];

		scalar_number_text(json, text);
		CHECK_STR("text", text, cases[i].want);
	}
}
