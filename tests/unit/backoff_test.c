// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/node/backoff.h"

TEST(restart_back_off_follows_kubernetes)
{
	static const struct {
		const char *what;
		unsigned restarts, ran, want;
	} cases[] = {
		{"first restart is immediate", 0, 1, 0},
		{"the second waits 10s", 1, 1, 10},
		{"delay doubles", 2, 1, 20},
		{"and doubles again", 3, 1, 40},
		{"the sixth waits 160s", 5, 1, 160},
		{"delay is capped at 5 min", 6, 1, 300},
		{"and stays there", 9, 1, 300},
		{"a huge count does not overflow", 4000000000u, 1, 300},
		{"just under 10 minutes forgives nothing", 9, 599, 300},
		{"10 good minutes forgive the past", 9, 600, 0},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		CHECK_EQ(cases[i].what, backoff_delay(cases[i].restarts, cases[i].ran),
			cases[i].want);
}

TEST(a_good_run_starts_the_count_anew)
{
	CHECK_EQ("crashes add up", backoff_count(3, 5), 4);
	CHECK_EQ("after a good run the next wait is the first",
		backoff_delay(backoff_count(7, 700), 1), 10);
}

TEST(failed_actions_are_retried_after_10s_doubling_to_300s)
{
	static const unsigned want[] = {10, 20, 40, 80, 160, 300, 300};

	for (unsigned i = 0; i < COUNT(want); i++)
		CHECK_EQ("retry", backoff_retry(i + 1), want[i]);
	CHECK_EQ("no failure yet counts as one", backoff_retry(0), 10);
}
