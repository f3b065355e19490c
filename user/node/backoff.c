// SPDX-License-Identifier: Apache-2.0
#include "user/node/backoff.h"

static uint32_t backoff_double(unsigned steps)
{
	uint32_t delay = BACKOFF_FIRST;

	while (steps-- && delay < BACKOFF_MAX)
		delay *= 2;
	return delay < BACKOFF_MAX ? delay : BACKOFF_MAX;
}

uint32_t backoff_delay(unsigned restarts, uint64_t ran)
{
	if (restarts == 0 || ran >= BACKOFF_FORGIVE)
		return 0;
	return backoff_double(restarts - 1);
}

unsigned backoff_count(unsigned restarts, uint64_t ran)
{
	return ran >= BACKOFF_FORGIVE ? 1 : restarts + 1;
}

uint32_t backoff_retry(unsigned failures)
{
	return backoff_double(failures ? failures - 1 : 0);
}
