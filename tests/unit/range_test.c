// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/api/range.h"

TEST(a_range_is_read_whole)
{
	static const struct {
		const char *text, *first, *last;
	} rows[] = {
		{"10.96.0.0/16", "10.96.0.1", "10.96.255.254"},
		{"192.168.7.128/25", "192.168.7.129", "192.168.7.254"},
		{"10.0.0.0/8", "10.0.0.1", "10.255.255.254"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address_range range;
		char first[RANGE_ADDRESS_LEN], last[RANGE_ADDRESS_LEN];
		struct err err;

		CHECK_OK(rows[i].text, range_parse(rows[i].text, &range, &err), &err);
		range_write_address(range.first, first);
		range_write_address(range.last, last);
		CHECK_STR(rows[i].text, first, rows[i].first);
		CHECK_STR(rows[i].text, last, rows[i].last);
		CHECK_STR("said as it was", range.text, rows[i].text);
		CHECK("its ends are in it",
			range_has(&range, range.first) && range_has(&range, range.last));
		CHECK("what is around is not",
			!range_has(&range, range.first - 1) && !range_has(&range, range.last + 1));
	}
}

TEST(what_is_no_range_is_refused)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"10.96.0.0", "no IPv4 range"},
		{"10.96.0.0/", "no IPv4 range"},
		{"10.96.0.0/x", "no IPv4 range"},
		{"10.96.0.0/016", "no IPv4 range"},
		{"10.96.0.0/16 ", "no IPv4 range"},
		{"10.96.0/16", "no IPv4 range"},
		{"fd00::/108", "no IPv4 range"},
		{"1010101010101010.0.0.0/8", "no IPv4 range"},
		{"10.96.0.0/28", "not from /8 to /27"},
		{"10.96.0.0/7", "not from /8 to /27"},
		{"10.96.1.0/16", "bits behind its prefix"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct address_range range;
		struct err err;

		CHECK_FAILS(rows[i].text, range_parse(rows[i].text, &range, &err), EINVAL, &err,
			rows[i].want);
	}
}
