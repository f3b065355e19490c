/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes whose ends set endpoints DOWN: what is registered in the map `inits`, and what its
 * entries that the kernel has deleted tell.  A state other than DOWN that rests on an older decision
 * must not stay: after each store of one, inits_guard looks again.
 */
#pragma once

#include "user/datapath/datapath.h"
#include "user/datapath/state.h"

/* A process whose registration is wanted, and made; when its entry is not there, it has ended. */
struct init_watch {
	struct init entry;
	uint64_t started;
	bool wanted; /* while those that are not are looked for */
};

struct inits {
	int fd;			    /* of the map; borrowed */
	uint32_t pidns;		    /* in which pids are ours */
	struct init_watch *watches; /* ascending tgids */
	size_t count, room;
	bool swept; /* what an earlier podnetd left is deleted */
};

/* @fd is borrowed.  The caller owns *@ret, which starts as {}. */
int inits_open(struct inits *ret, int fd, struct err *err);
/* Accepts {}. */
void inits_clear(struct inits *inits);

/* Forgets what @desired does not ask for any more.  Before its states are looked at. */
void inits_keep(struct inits *inits, const struct dp_desired *desired);

/*
 * Registers what @desired asks for, with the endpoints that it has in @state by now.  One that has
 * ended before counts as ended.
 */
int inits_register(struct inits *inits, const struct state *state, const struct image *image,
	const struct dp_desired *desired, struct err *err);

/*
 * The states that can be: *@ret is @desired->endpoints, or a copy, for the caller to free, in which
 * those are DOWN that one of their processes has left.
 */
int inits_correct(const struct inits *inits, const struct state *state, const struct image *image,
	const struct dp_desired *desired, struct dp_endpoint **ret, struct err *err);

/* Sets DOWN endpoint @id (0: each) that is READY or UNREADY without its processes; true when one was. */
bool inits_guard(
	const struct inits *inits, struct state *state, const struct image *image, uint32_t id);

/* As long as all is well, ours and the kernel's states are the same; true when one went DOWN. */
bool inits_follow(struct state *state, const struct image *image);
