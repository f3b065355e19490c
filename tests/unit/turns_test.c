// SPDX-License-Identifier: Apache-2.0
#include "user/probe/turns.h"

#include <string.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/err.h"

#define MANY 200

struct one {
	struct turn turn;
	unsigned calls;
	uint64_t at; /* that it was called */
	struct one *ends, *again;
};

static unsigned order[MANY], called;
static struct one *ones;

static void one_called(void *userdata)
{
	struct one *one = userdata;

	one->calls++;
	one->at = clock_now();
	if (called < MANY)
		order[called] = (unsigned)(one - ones);
	called++;
	if (one->ends)
		turn_clear(&one->ends->turn);
	if (one->again)
		turn_at(&one->again->turn, 1);
	one->again = NULL;
}

struct world {
	sd_event *loop;
	struct turns *turns;
	struct one ones[MANY];
};

static void world_make(struct world *world, size_t count)
{
	struct err err;

	*world = (struct world){0};
	called = 0;
	ones = world->ones;
	if (sd_event_new(&world->loop) < 0 || turns_new(world->loop, &world->turns, &err) < 0)
		BAIL("no loop");
	for (size_t i = 0; i < count; i++)
		if (turn_init(&world->ones[i].turn, world->turns, one_called, &world->ones[i]) < 0)
			BAIL("no memory");
}

static void world_end(struct world *world)
{
	for (size_t i = 0; i < MANY; i++)
		turn_clear(&world->ones[i].turn);
	turns_free(world->turns);
	sd_event_unref(world->loop);
}

/* How many turns of the loop were taken until nothing is left to do now. */
static unsigned loop_drain(struct world *world)
{
	unsigned turns = 0;

	while (sd_event_run(world->loop, 0) > 0)
		turns++;
	return turns;
}

TEST(who_is_due_is_called_in_the_order_of_times)
{
	struct world world;
	uint64_t now = clock_now();
	bool ordered = true;

	world_make(&world, MANY);
	for (unsigned i = 0; i < MANY; i++) /* 7 and MANY have no common divisor */
		turn_at(&world.ones[i * 7 % MANY].turn, now - MANY + i * 7 % MANY);
	loop_drain(&world);
	for (unsigned i = 0; i < MANY; i++)
		ordered = ordered && order[i] == i;
	CHECK_EQ("all are called", called, MANY);
	CHECK("the longest due first", ordered);
	world_end(&world);
}

TEST(those_due_together_share_a_turn_of_the_loop)
{
	struct world world;

	world_make(&world, 30);
	for (int i = 0; i < 30; i++)
		turn_at(&world.ones[i].turn, 1);
	CHECK_EQ("turns of the loop", loop_drain(&world), 1);
	CHECK_EQ("calls", called, 30);
	world_end(&world);
}

TEST(nobody_is_called_before_the_time)
{
	struct world world;
	uint64_t due = clock_now() + 20 * USEC_PER_MSEC;

	world_make(&world, 2);
	turn_at(&world.ones[0].turn, due);
	turn_at(&world.ones[1].turn, due + 3600 * USEC_PER_SEC);
	while (called == 0 && sd_event_run(world.loop, USEC_PER_SEC) >= 0)
		;
	CHECK("not before", world.ones[0].at >= due);
	CHECK_EQ("the other not at all", world.ones[1].calls, 0);
	world_end(&world);
}

TEST(the_last_word_counts)
{
	struct world world;

	world_make(&world, 3);
	turn_at(&world.ones[0].turn, 1);
	turn_at(&world.ones[0].turn, USEC_NEVER);
	turn_at(&world.ones[1].turn, clock_now() + 3600 * USEC_PER_SEC);
	turn_at(&world.ones[1].turn, 1);
	turn_at(&world.ones[2].turn, 1);
	turn_at(&world.ones[2].turn, 2);
	loop_drain(&world);
	CHECK_EQ("taken back", world.ones[0].calls, 0);
	CHECK_EQ("moved to now", world.ones[1].calls, 1);
	CHECK_EQ("once only", world.ones[2].calls, 1);
	world_end(&world);
}

TEST(a_turn_may_end_others_and_ask_for_more)
{
	struct world world;

	world_make(&world, 3);
	world.ones[0].ends = &world.ones[1];
	world.ones[0].again = &world.ones[2];
	turn_at(&world.ones[0].turn, 1);
	turn_at(&world.ones[1].turn, 2);
	loop_drain(&world);
	CHECK_EQ("who was ended is not called", world.ones[1].calls, 0);
	CHECK_EQ("who was asked for is", world.ones[2].calls, 1);
	world.ones[2].ends = &world.ones[2]; /* itself */
	turn_at(&world.ones[2].turn, 1);
	loop_drain(&world);
	CHECK_EQ("who ends itself was called", world.ones[2].calls, 2);
	world_end(&world);
}
