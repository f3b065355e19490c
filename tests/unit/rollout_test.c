// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"
#include "user/base/json.h"
#include "user/control/rollout.h"

/* A deployment's spec, as JSON. */
static struct rollout limits(const char *text)
{
	AUTO_JSON json = NULL;
	struct rollout rollout = {0};
	struct err err;

	if (json_parse(text, strlen(text), "deployment", &json, &err) < 0)
		BAIL(err.text);
	rollout_limits(json, &rollout);
	return rollout;
}

TEST(percents_are_rounded_so_that_a_rollout_moves)
{
	static const struct {
		const char *what, *spec;
		long long surge, unavailable;
	} rows[] = {
		{"a quarter of 4",
			"'replicas':4,'strategy':{'rollingUpdate':{'maxSurge':'25%','"
			"maxUnavailable':'25%'}}",
			1, 1},
		{"surge goes up, unavailable down",
			"'replicas':5,'strategy':{'rollingUpdate':{'maxSurge':'25%','"
			"maxUnavailable':'25%'}}",
			2, 1},
		{"a quarter of 1",
			"'replicas':1,'strategy':{'rollingUpdate':{'maxSurge':'25%','"
			"maxUnavailable':'25%'}}",
			1, 0},
		{"numbers",
			"'replicas':9,'strategy':{'rollingUpdate':{'maxSurge':3,'maxUnavailable':0}"
			"}",
			3, 0},
		{"both zero would stand still",
			"'replicas':9,'strategy':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':0}"
			"}",
			0, 1},
		{"a share that no number holds",
			"'replicas':2147483647,'strategy':{'rollingUpdate':{'maxSurge':"
			"'99999999999999999999%','maxUnavailable':'100%'}}",
			0, 2147483647},
		{"not more than 32 bits in all",
			"'replicas':2147483000,'strategy':{'rollingUpdate':{'maxSurge':'200%','"
			"maxUnavailable':0}}",
			647, 0},
		{"not more than there are",
			"'replicas':2,'strategy':{'rollingUpdate':{'maxSurge':0,'maxUnavailable':7}"
			"}",
			0, 2},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		struct rollout got;

		snprintf(text, sizeof(text), "{'spec':{%s}}", rows[i].spec);
		for (char *at = text; *at; at++)
			*at = *at == '\'' ? '"' : *at;
		got = limits(text);
		CHECK_EQ(rows[i].what, got.surge, rows[i].surge);
		CHECK_EQ(rows[i].what, got.unavailable, rows[i].unavailable);
	}
}

TEST(one_step_keeps_within_surge_and_unavailable)
{
	static const struct {
		const char *what;
		long long replicas, surge, unavailable;
		struct rollout_set current, old;
		long long want_current, want_old;
	} rows[] = {
		{"the new ones begin with the surge", 4, 1, 0, {0, 0, 0, 0, 0}, {4, 4, 4, 0, 0}, 1,
			4},
		{"nothing goes before the new one works", 4, 1, 0, {1, 0, 1, 0, 0}, {4, 4, 4, 0, 0},
			1, 4},
		{"then an old one goes", 4, 1, 0, {1, 1, 1, 0, 0}, {4, 4, 4, 0, 0}, 1, 3},
		{"and a new one comes", 4, 1, 0, {1, 1, 1, 0, 0}, {3, 3, 3, 0, 0}, 2, 3},
		{"one may be missing", 4, 0, 1, {0, 0, 0, 0, 0}, {4, 4, 4, 0, 0}, 0, 3},
		{"broken old ones go first", 4, 1, 1, {2, 0, 2, 0, 0}, {3, 1, 3, 0, 0}, 2, 3},
		{"broken old ones are missed by nobody", 4, 1, 1, {2, 2, 2, 0, 0}, {3, 1, 3, 0, 0},
			2, 1},
		{"scaled down at once", 2, 1, 0, {4, 4, 4, 0, 0}, {0, 0, 0, 0, 0}, 2, 0},
		{"scaled up at once", 6, 1, 1, {4, 4, 4, 0, 0}, {0, 0, 0, 0, 0}, 6, 0},
		{"complete: nothing moves", 4, 1, 1, {4, 4, 4, 0, 0}, {0, 0, 0, 0, 0}, 4, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rollout_set current = rows[i].current, old = rows[i].old;
		struct rollout rollout = {.replicas = rows[i].replicas,
			.surge = rows[i].surge,
			.unavailable = rows[i].unavailable,
			.current = &current,
			.old = &old,
			.old_count = 1};
		bool moved = rollout_step(&rollout);

		CHECK_EQ(rows[i].what, current.wanted, rows[i].want_current);
		CHECK_EQ(rows[i].what, old.wanted, rows[i].want_old);
		CHECK_EQ(rows[i].what, moved,
			current.wanted != rows[i].current.wanted ||
				old.wanted != rows[i].old.wanted);
	}
}

/* Whatever comes available when: never fewer work than may be missing, never more are there than may be. */
TEST(any_rollout_ends_and_stays_within_its_limits)
{
	unsigned seed = 1;

	for (unsigned round = 0; round < 500; round++) {
		struct rollout_set current = {0}, old[2];
		struct rollout rollout = {.current = &current, .old = old, .old_count = 2};
		long long replicas = 1 + rand_r(&seed) % 12;
		unsigned step;

		old[0] = (struct rollout_set){replicas, replicas, replicas, 0, 0};
		old[1] = (struct rollout_set){0};
		rollout.replicas = replicas;
		rollout.surge = rand_r(&seed) % (replicas + 1);
		rollout.unavailable = rand_r(&seed) % (replicas + 1);
		if (!rollout.surge && !rollout.unavailable)
			rollout.unavailable = 1;
		for (step = 0; step < 200; step++) {
			long long working, there;

			if (!rollout_step(&rollout) && current.available == replicas)
				break;
			if (old[0].available > old[0].wanted)
				old[0].available = old[0].wanted;
			if (current.available < current.wanted && rand_r(&seed) % 2)
				current.available++;
			working = current.available + old[0].available;
			there = current.wanted + old[0].wanted + old[1].wanted;
			if (working < replicas - rollout.unavailable ||
				there > replicas + rollout.surge) {
				CHECK_EQ("enough work", working, replicas - rollout.unavailable);
				CHECK_EQ("not too many", there, replicas + rollout.surge);
				return;
			}
		}
		if (!CHECK_EQ("it ends with the new ones", current.available, replicas) ||
			!CHECK_EQ("and without the old ones", old[0].wanted, 0))
			return;
	}
}

TEST(recreate_has_nothing_of_both)
{
	struct rollout_set current = {0, 0, 0, 0, 0}, old = {3, 3, 3, 0, 0};
	struct rollout rollout = {
		.replicas = 3, .recreate = true, .current = &current, .old = &old, .old_count = 1};

	CHECK("no set comes beside the old one", rollout_waits(&rollout));
	CHECK("the old ones go", rollout_step(&rollout) && old.wanted == 0);
	CHECK_EQ("nothing new yet", current.wanted, 0);
	CHECK("as long as one is there", !rollout_step(&rollout) && rollout_waits(&rollout));
	CHECK_EQ("still nothing", current.wanted, 0);
	old.running = 0;
	CHECK("nobody is waited for", !rollout_waits(&rollout));
	CHECK("then the new ones come", rollout_step(&rollout));
	CHECK_EQ("all at once", current.wanted, 3);
}

TEST(other_replicas_are_shared_by_all_sets)
{
	static const struct {
		const char *what;
		long long replicas, surge;
		struct rollout_set current, old;
		bool scaled;
		long long want_current, want_old;
	} rows[] = {
		{"nobody has changed them", 10, 3, {.wanted = 5, .was_of = 10, .was_most = 13},
			{.wanted = 8, .was_of = 10, .was_most = 13}, false, 5, 8},
		{"upstream's example: from 10 to 15", 15, 3,
			{.wanted = 5, .was_of = 10, .was_most = 13},
			{.wanted = 8, .was_of = 10, .was_most = 13}, true, 7, 11},
		{"down to 5", 5, 3, {.wanted = 5, .was_of = 10, .was_most = 13},
			{.wanted = 8, .was_of = 10, .was_most = 13}, true, 3, 5},
		{"to none", 0, 3, {.wanted = 5, .was_of = 10, .was_most = 13},
			{.wanted = 8, .was_of = 10, .was_most = 13}, true, 0, 0},
		{"one alone gets all", 4, 1, {.wanted = 2, .was_of = 2, .was_most = 3}, {0}, true,
			4, 0},
		{"the old one alone, too", 4, 1, {0}, {.wanted = 2, .was_of = 2, .was_most = 3},
			true, 0, 4},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct rollout_set current = rows[i].current, old = rows[i].old;
		struct rollout rollout = {.replicas = rows[i].replicas,
			.surge = rows[i].surge,
			.current = &current,
			.old = &old,
			.old_count = 1};

		CHECK_EQ(rows[i].what, rollout_is_scaled(&rollout), rows[i].scaled);
		rollout_scale(&rollout);
		CHECK_EQ(rows[i].what, current.wanted, rows[i].want_current);
		CHECK_EQ(rows[i].what, old.wanted, rows[i].want_old);
	}
}
