/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When probers have their turn.  They share one timer of the loop: those who are due together are called together,
 * for a wake-up, and a turn of the loop for each of them, cost more than what they do.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct err;
struct turns;

/* The caller owns *@ret and frees it with turns_free after the last of its turns, before the loop. */
int turns_new(sd_event *loop, struct turns **ret, struct err *err);
/* Accepts NULL; returns NULL. */
struct turns *turns_free(struct turns *turns);
/* Borrowed. */
sd_event *turns_loop(const struct turns *turns);

/* One who waits for a turn.  Lives in its owner; the fields are for turns.c. */
struct turn {
	struct turns *turns;
	void (*fn)(void *userdata);
	void *userdata;
	uint64_t at;
	size_t place; /* in the heap, from 1; 0: it does not wait */
};

/* Makes a turn that does not wait.  -ENOMEM; else the owner ends it with turn_clear. */
int turn_init(struct turn *turn, struct turns *turns, void (*fn)(void *userdata), void *userdata);
/* Accepts one that is all zeros.  May be called from a turn. */
void turn_clear(struct turn *turn);

/* Calls fn once from the loop, at @at (clock_now() microseconds; the past is at once) or soon after; USEC_NEVER: not
 * at all.  An earlier time counts no more. */
void turn_at(struct turn *turn, uint64_t at);
