// SPDX-License-Identifier: Apache-2.0
#include "user/probe/turns.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "user/base/err.h"
#include "user/base/loop.h"

#define TURNS_AT_ONCE 64 /* then others on the loop have theirs */

struct turns {
	sd_event *loop;
	struct timer *timer;
	struct turn **heap; /* the first to be due is [1] */
	size_t count, room; /* room for all turns that there are */
	size_t turns;
	bool running; /* the timer is set when that is over */
};

static void heap_set(struct turns *turns, size_t place, struct turn *turn)
{
	turns->heap[place] = turn;
	turn->place = place;
}

static void heap_up(struct turns *turns, size_t place)
{
	struct turn *turn = turns->heap[place];

	for (; place > 1 && turn->at < turns->heap[place / 2]->at; place /= 2)
		heap_set(turns, place, turns->heap[place / 2]);
	heap_set(turns, place, turn);
}

static void heap_down(struct turns *turns, size_t place)
{
	struct turn *turn = turns->heap[place];
	size_t child;

	while ((child = 2 * place) <= turns->count) {
		if (child < turns->count && turns->heap[child + 1]->at < turns->heap[child]->at)
			child++;
		if (turn->at <= turns->heap[child]->at)
			break;
		heap_set(turns, place, turns->heap[child]);
		place = child;
	}
	heap_set(turns, place, turn);
}

static void heap_remove(struct turns *turns, struct turn *turn)
{
	size_t place = turn->place;
	struct turn *last = turns->heap[turns->count--];

	turn->place = 0;
	if (last == turn)
		return;
	heap_set(turns, place, last);
	heap_up(turns, place);
	heap_down(turns, last->place);
}

static void turns_arm(struct turns *turns)
{
	if (!turns->running)
		timer_arm(turns->timer, turns->count ? turns->heap[1]->at : USEC_NEVER);
}

static void turns_fire(void *userdata)
{
	struct turns *turns = userdata;
	uint64_t now = clock_now();

	turns->running = true;
	for (int i = 0; i < TURNS_AT_ONCE && turns->count && turns->heap[1]->at <= now; i++) {
		struct turn *turn = turns->heap[1];

		heap_remove(turns, turn);
		turn->fn(turn->userdata);
	}
	turns->running = false;
	turns_arm(turns);
}

int turns_new(sd_event *loop, struct turns **ret, struct err *err)
{
	struct turns *turns = calloc(1, sizeof(*turns));
	int r;

	if (!turns)
		return err_set(err, ENOMEM, "make turns for probes");
	turns->loop = loop;
	r = timer_new(loop, turns_fire, turns, &turns->timer, err);
	if (r < 0) {
		free(turns);
		return r;
	}
	*ret = turns;
	return 0;
}

struct turns *turns_free(struct turns *turns)
{
	if (turns) {
		timer_free(turns->timer);
		free(turns->heap);
		free(turns);
	}
	return NULL;
}

sd_event *turns_loop(const struct turns *turns)
{
	return turns->loop;
}

/* A turn that is there has its room: to wait cannot fail. */
static int turns_reserve(struct turns *turns)
{
	size_t room = turns->room ? 2 * turns->room : 16;
	void *grown;

	if (turns->turns + 2 <= turns->room) /* [0] is not used */
		return 0;
	grown = reallocarray(turns->heap, room, sizeof(turns->heap[0]));
	if (!grown)
		return -ENOMEM;
	turns->heap = grown;
	turns->room = room;
	return 0;
}

int turn_init(struct turn *turn, struct turns *turns, void (*fn)(void *userdata), void *userdata)
{
	if (turns_reserve(turns) < 0)
		return -ENOMEM;
	turns->turns++;
	*turn = (struct turn){.turns = turns, .fn = fn, .userdata = userdata};
	return 0;
}

void turn_clear(struct turn *turn)
{
	if (!turn->turns)
		return;
	turn_at(turn, USEC_NEVER);
	turn->turns->turns--;
	turn->turns = NULL;
}

void turn_at(struct turn *turn, uint64_t at)
{
	struct turns *turns = turn->turns;

	if (turn->place)
		heap_remove(turns, turn);
	if (at != USEC_NEVER) {
		turn->at = at;
		turns->heap[++turns->count] = turn;
		heap_up(turns, turns->count);
	}
	turns_arm(turns);
}
