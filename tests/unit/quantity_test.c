// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/model/quantity.h"

static const struct {
	const char *text, *canonical;
	int64_t milli, units;
} cases[] = {
	{"0", "0", 0, 0},
	{"1", "1", 1000, 1},
	{"+1", "1", 1000, 1},
	{"100m", "100m", 100, 1},
	{"0.5", "500m", 500, 1},
	{".5", "500m", 500, 1},
	{"1.", "1", 1000, 1},
	{"1000m", "1", 1000, 1},
	{"1500m", "1500m", 1500, 2},
	{"100u", "100u", 1, 1},
	{"1n", "1n", 1, 1},
	{"0.0000000001", "1n", 1, 1},
	{"1000", "1k", 1000000, 1000},
	{"1k", "1k", 1000000, 1000},
	{"2M", "2M", 2000000000, 2000000},
	{"1.5G", "1500M", 1500000000000, 1500000000},
	{"1Ki", "1Ki", 1024000, 1024},
	{"1024Mi", "1Gi", 1073741824000, 1073741824},
	{"1.5Gi", "1536Mi", 1610612736000, 1610612736},
	{"0.5Ki", "512", 512000, 512},
	{"62.5Ki", "64k", 64000000, 64000},
	{"0.1Ki", "102400m", 102400, 103},
	{"1e3", "1e3", 1000000, 1000},
	{"1E3", "1e3", 1000000, 1000},
	{"12e-1", "1200e-3", 1200, 2},
	{"1500e0", "1500", 1500000, 1500},
	{"1E", "1E", 0, 1000000000000000000},
	{"-1500m", "-1500m", -1500, -1},
	{"9223372036854775807", "9223372036854775807", 0, INT64_MAX},
	{"0.1", "100m", 100, 1},
};

TEST(quantities_are_read_exactly_and_printed_canonically)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct quantity quantity;
		char text[QUANTITY_TEXT_LEN];
		int64_t value;

		if (!CHECK_EQ(cases[i].text, quantity_parse(cases[i].text, &quantity), 0))
			continue;
		quantity_text(&quantity, text);
		CHECK_STR(cases[i].text, text, cases[i].canonical);
		if (quantity_milli(&quantity, &value) == 0)
			CHECK_EQ(cases[i].text, value, cases[i].milli);
		CHECK_EQ(cases[i].text, quantity_units(&quantity, &value), 0);
		CHECK_EQ(cases[i].text, value, cases[i].units);
	}
}

TEST(canonical_texts_read_back_as_the_same)
{
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct quantity first, second;
		char text[QUANTITY_TEXT_LEN], again[QUANTITY_TEXT_LEN];

		quantity_parse(cases[i].text, &first);
		quantity_text(&first, text);
		if (!CHECK_EQ(text, quantity_parse(text, &second), 0))
			continue;
		CHECK(text, first.nano == second.nano);
		quantity_text(&second, again);
		CHECK_STR(cases[i].text, again, text);
	}
}

TEST(what_is_no_quantity_is_refused)
{
	static const char *const texts[] = {"", "-", ".", "m", "1 ", " 1", "1mm", "1ki", "1KI",
		"1K", "1e", "1e+", "1e 3", "1e3m", "1.2.3", "0x10", "1,5", "--1", "1Gi ", "inf",
		"1e--3"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct quantity quantity;

		CHECK_EQ(texts[i], quantity_parse(texts[i], &quantity), -EINVAL);
	}
}

TEST(what_is_too_large_is_refused)
{
	static const char *const texts[] = {"9223372036854775808", "8Ei", "10E", "1e19", "1e99999",
		"99999999999999999999999999", "123456789012345678901234567890Ki"};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct quantity quantity;

		CHECK_EQ(texts[i], quantity_parse(texts[i], &quantity), -ERANGE);
	}
}

TEST(absurd_lengths_end)
{
	char text[3002];
	struct quantity quantity;

	memset(text, '9', sizeof(text));
	text[1] = '.';
	text[sizeof(text) - 1] = '\0';
	CHECK_EQ("3000 digits", quantity_parse(text, &quantity), -EINVAL);
	text[900] = '\0';
	CHECK_EQ("900 digits", quantity_parse(text, &quantity), 0);
	CHECK("rounded up", quantity.nano == 10 * (__int128)1000000000);
}

TEST(thousandths_that_do_not_fit_are_an_error)
{
	struct quantity quantity;
	int64_t milli;

	CHECK_EQ("parse", quantity_parse("9223372036854775807", &quantity), 0);
	CHECK_EQ("milli", quantity_milli(&quantity, &milli), -ERANGE);
}
