// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/datapath/maglev.h"

#define NAMES	 50
#define ROW_MOST 16381

static char texts[NAMES][24];
static const char *names[NAMES];

__attribute__((constructor)) static void name_backends(void)
{
	for (int i = 0; i < NAMES; i++) {
		snprintf(texts[i], sizeof(texts[i]), "10.244.0.%d:8080", i + 2);
		names[i] = texts[i];
	}
}

TEST(a_row_is_the_smallest_that_has_100_elements_a_backend)
{
	static const struct {
		const char *what;
		size_t backends;
		uint32_t want;
	} cases[] = {
		{"one backend", 1, 251},
		{"two", 2, 251},
		{"three", 3, 1021},
		{"ten", 10, 1021},
		{"eleven", 11, 4093},
		{"forty", 40, 4093},
		{"163", 163, 16381},
		{"more than fit", 5000, 16381},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(cases[i].what, maglev_length(cases[i].backends), cases[i].want);
	CHECK_EQ("none", maglev_length(0), 61);
}

TEST(the_order_of_names_does_not_matter)
{
	uint32_t row[1021], turned_row[1021];
	const char *turned[10];
	bool same = true;

	for (int i = 0; i < 10; i++)
		turned[i] = names[9 - i];
	CHECK_EQ("build", maglev_build(names, 10, row, 1021), 0);
	CHECK_EQ("build turned", maglev_build(turned, 10, turned_row, 1021), 0);
	for (int i = 0; i < 1021; i++)
		same = same && names[row[i]] == turned[turned_row[i]];
	CHECK("both rows name the same backends", same);
}

TEST(a_row_never_changes_between_versions)
{
	/* Other nodes and pinned maps hold rows that were built by other versions. */
	uint32_t row[61];
	uint64_t sum = 0;

	CHECK_EQ("build", maglev_build(names, 3, row, 61), 0);
	for (int i = 0; i < 61; i++)
		sum = sum * 31 + row[i];
	CHECK("the row's fingerprint", sum == UINT64_C(17980399667675008188));
}

TEST(shares_are_even)
{
	static uint32_t row[ROW_MOST];
	uint32_t shares[NAMES] = {}, least = UINT32_MAX, most = 0;

	CHECK_EQ("build", maglev_build(names, NAMES, row, ROW_MOST), 0);
	for (int i = 0; i < ROW_MOST; i++)
		shares[row[i]]++;
	for (int i = 0; i < NAMES; i++) {
		least = shares[i] < least ? shares[i] : least;
		most = shares[i] > most ? shares[i] : most;
	}
	CHECK("most and least differ by one at most", most - least <= 1);
}

TEST(few_elements_move_when_a_backend_leaves)
{
	static uint32_t before[ROW_MOST], after[ROW_MOST];
	uint32_t left = 0, moved = 0;

	CHECK_EQ("build with 20", maglev_build(names, 20, before, 4093), 0);
	CHECK_EQ("build with 19", maglev_build(names, 19, after, 4093), 0);
	for (int i = 0; i < 4093; i++) {
		left += before[i] == 19;
		moved += before[i] != 19 && before[i] != after[i];
	}
	CHECK("the backend had its share", left > 4093 / 25);
	CHECK("under 5 % of the others' elements moved", moved < 4093 / 20);
}
