// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "user/base/pollset.h"

#define MANY	 160
#define TURNS	 10 /* at most, to serve them all */
#define AT_ONCE	 0  /* how long a turn may wait: what is ready is ready */
#define ALL_DONE 0

struct end {
	struct pollset_entry entry;
	int fd, other;
	unsigned told;
	uint32_t events;
	struct end *removes; /* when it is told */
};

struct crowd {
	sd_event *loop;
	struct pollset *set;
	struct end ends[MANY];
};

static void end_told(uint32_t events, void *userdata)
{
	struct end *end = userdata;

	end->told++;
	end->events = events;
	if (end->removes)
		pollset_remove(&end->removes->entry);
	else
		pollset_remove(&end->entry);
}

static void crowd_open(struct crowd *crowd)
{
	struct err err;

	*crowd = (struct crowd){0};
	if (sd_event_new(&crowd->loop) < 0 || pollset_new(crowd->loop, &crowd->set, &err) < 0)
		BAIL("set up");
	for (size_t i = 0; i < MANY; i++) {
		int fds[2];

		if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
			BAIL("pipe2");
		crowd->ends[i].fd = fds[0];
		crowd->ends[i].other = fds[1];
		if (pollset_add(crowd->set, &crowd->ends[i].entry, fds[0], EPOLLIN, end_told,
			    &crowd->ends[i]) < 0)
			BAIL("pollset_add");
	}
}

static void crowd_hang_up(struct crowd *crowd)
{
	for (size_t i = 0; i < MANY; i++)
		close_fd(&crowd->ends[i].other);
}

static void crowd_close(struct crowd *crowd)
{
	crowd_hang_up(crowd);
	for (size_t i = 0; i < MANY; i++) {
		pollset_remove(&crowd->ends[i].entry);
		close(crowd->ends[i].fd);
	}
	pollset_free(crowd->set);
	sd_event_unref(crowd->loop);
}

static unsigned crowd_turns(struct crowd *crowd)
{
	unsigned turns = 0;

	while (sd_event_run(crowd->loop, AT_ONCE) > ALL_DONE)
		turns++;
	return turns;
}

TEST(many_that_hang_up_at_once_take_few_turns)
{
	struct crowd crowd;
	unsigned turns, told = 0;

	crowd_open(&crowd);
	CHECK_EQ("nobody is told before", crowd_turns(&crowd), 0);
	crowd_hang_up(&crowd);
	turns = crowd_turns(&crowd);
	for (size_t i = 0; i < MANY; i++)
		told += crowd.ends[i].told == 1 && crowd.ends[i].events & EPOLLHUP;
	CHECK_EQ("each is told of its end, once", told, MANY);
	CHECK("sixteen in a turn", turns <= TURNS);
	crowd_close(&crowd);
}

TEST(others_have_their_turn_between)
{
	struct crowd crowd;

	crowd_open(&crowd);
	crowd_hang_up(&crowd);
	CHECK("one turn", sd_event_run(crowd.loop, AT_ONCE) > ALL_DONE);
	CHECK("does not serve them all", crowd_turns(&crowd) >= TURNS - 1);
	crowd_close(&crowd);
}

/* As of two connections of which the first one's end ends the second. */
TEST(what_was_removed_is_told_nothing)
{
	struct crowd crowd;
	unsigned told = 0;

	crowd_open(&crowd);
	for (size_t i = 0; i + 1 < MANY; i += 2) {
		crowd.ends[i].removes = &crowd.ends[i + 1];
		crowd.ends[i + 1].removes = &crowd.ends[i];
	}
	crowd_hang_up(&crowd);
	CHECK("one turn", sd_event_run(crowd.loop, AT_ONCE) > ALL_DONE);
	for (size_t i = 0; i + 1 < MANY; i += 2)
		told += crowd.ends[i].told && crowd.ends[i + 1].told;
	CHECK_EQ("none after its removal", told, 0);
	crowd_close(&crowd);
}

TEST(what_is_waited_for_can_change)
{
	struct crowd crowd;
	struct end *first = &crowd.ends[0];

	crowd_open(&crowd);
	CHECK_EQ("a byte arrives", write(first->other, "x", 1), 1);
	CHECK_EQ("nothing is waited for", pollset_watch(&first->entry, 0), 0);
	CHECK_EQ("nothing is told", crowd_turns(&crowd), 0);
	CHECK_EQ("it is waited for again", pollset_watch(&first->entry, EPOLLIN), 0);
	CHECK_EQ("one turn", crowd_turns(&crowd), 1);
	CHECK_EQ("it is told", first->told, 1);
	CHECK_EQ("who has left waits for nothing", pollset_watch(&first->entry, EPOLLIN), -ENOENT);
	crowd_close(&crowd);
}
