// SPDX-License-Identifier: Apache-2.0
#include "user/probe/deadline.h"

#include "user/base/clock.h"

#define LOOKS	      4			  /* a stall shorter than timeout / LOOKS may go unseen */
#define LAG_TOLERATED (5 * USEC_PER_MSEC) /* ordinary scheduling */

static uint64_t deadline_next(struct deadline *deadline, uint64_t now)
{
	deadline->look = now + deadline->step;
	if (deadline->look > deadline->end)
		deadline->look = deadline->end;
	return deadline->look;
}

uint64_t deadline_start(struct deadline *deadline, uint64_t now, uint64_t timeout)
{
	deadline->end = now + timeout;
	deadline->step = timeout / LOOKS;
	return deadline_next(deadline, now);
}

uint64_t deadline_look(struct deadline *deadline, uint64_t now)
{
	uint64_t lag = now > deadline->look ? now - deadline->look : 0;

	if (lag > LAG_TOLERATED) {
		deadline->end += lag;
		/* What came during the stall still waits in the socket: one more look at least. */
		if (deadline->end < now + deadline->step)
			deadline->end = now + deadline->step;
	}
	return now >= deadline->end ? 0 : deadline_next(deadline, now);
}
