// SPDX-License-Identifier: Apache-2.0
#include "user/probe/verdict.h"

#include "user/base/clock.h"

/* A prober error is tried so many times in all, then thrown away until the next period. */
#define VERDICT_TRIES 3

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void verdict_init(struct verdict *verdict, enum probe_kind kind, const struct probe_spec *spec,
	uint64_t now, uint64_t started_at, bool ok, uint64_t spread)
{
	*verdict = (struct verdict){
		.kind = kind,
		.started_at = started_at,
		.initial_delay = spec->initial_delay * USEC_PER_SEC,
		.period = spec->period * USEC_PER_SEC,
		.success_threshold = spec->success_threshold,
		.failure_threshold = spec->failure_threshold,
		.last = PROBE_UNKNOWN,
		.ok = ok,
	};
	verdict->due = later(now + spread, started_at + verdict->initial_delay);
}

uint64_t verdict_due(const struct verdict *verdict)
{
	return verdict->hold ? USEC_NEVER : verdict->due;
}

/* The next boundary of the period that is still ahead: those that a stall ran over are dropped.  A period is a
 * multiple of the tick, so that only the first boundary moves, once. */
static void verdict_next_period(struct verdict *verdict, uint64_t now)
{
	uint64_t missed = now > verdict->due ? (now - verdict->due) / verdict->period : 0;
	uint64_t due = verdict->due + (missed + 1) * verdict->period;

	verdict->due = (due + VERDICT_TICK - 1) / VERDICT_TICK * VERDICT_TICK;
}

static void verdict_count(struct verdict *verdict, enum probe_result result)
{
	if (verdict->last != result) {
		verdict->last = result;
		verdict->run = 0;
	}
	verdict->run++;
}

static bool verdict_decide(struct verdict *verdict)
{
	bool ok = verdict->last == PROBE_SUCCESS;
	bool changed = verdict->ok != ok;

	if (verdict->run < (ok ? verdict->success_threshold : verdict->failure_threshold))
		return false;
	verdict->ok = ok;
	if (verdict->kind == PROBE_READINESS || ok)
		return changed;
	/* Reported even when adopted as failed: whoever had to kill the container did not get to it. */
	verdict->hold = true;
	verdict->run = 0;
	return true;
}

bool verdict_feed(struct verdict *verdict, enum probe_result result, uint64_t now)
{
	if (verdict->hold)
		return false;
	if (result == PROBE_UNKNOWN && ++verdict->unknown < VERDICT_TRIES)
		return false;
	verdict->unknown = 0;
	verdict_next_period(verdict, now);
	if (result == PROBE_UNKNOWN)
		return false;
	verdict_count(verdict, result);
	return verdict_decide(verdict);
}
