/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe's one deadline, fair to a loop that was late: time in which the loop could not look does not
 * count.  The loop looks several times before the end, and measures how late each look is.
 */
#pragma once

#include <stdint.h>

struct deadline {
	uint64_t end, look, step; /* clock_now() microseconds */
};

/* Begins at @now.  Returns when to look first. */
uint64_t deadline_start(struct deadline *deadline, uint64_t now, uint64_t timeout);

/* Looks at @now.  Returns when to look again, or 0 when the time is over. */
uint64_t deadline_look(struct deadline *deadline, uint64_t now);
