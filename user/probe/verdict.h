/* SPDX-License-Identifier: Apache-2.0 */
/* The probe algorithm of Kubernetes as a pure state machine: results and a clock in, verdict and next due time out. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/clock.h"
#include "user/model/pod.h"

/* All probes but a container's first are due at a multiple of this: to wake an idle CPU up costs more than a
 * probe does, so those of many containers share it. */
#define VERDICT_TICK (200 * USEC_PER_MSEC)

enum probe_kind { PROBE_LIVENESS, PROBE_READINESS };

enum probe_result {
	PROBE_SUCCESS,
	PROBE_FAILURE,
	PROBE_UNKNOWN, /* the prober itself failed: no verdict, the state stays */
};

struct verdict {
	enum probe_kind kind;
	uint64_t started_at, due; /* clock_now() microseconds */
	uint64_t initial_delay, period;
	uint32_t success_threshold, failure_threshold;
	enum probe_result last; /* of the running count */
	uint32_t run;		/* equal results in a row */
	uint32_t unknown;	/* immediate retries of a prober error so far */
	bool ok;		/* the verdict */
	bool hold;		/* liveness failed: silent until the container is a new one */
};

/* @spread in [0, period) is the caller's chance: the first probe of an adopted container waits that long. */
void verdict_init(struct verdict *verdict, enum probe_kind kind, const struct probe_spec *spec,
	uint64_t now, uint64_t started_at, bool ok, uint64_t spread);

/* When the next probe is due; USEC_NEVER while on hold. */
uint64_t verdict_due(const struct verdict *verdict);

/* Takes in the result of the probe that was due.  Returns true when the verdict changed. */
bool verdict_feed(struct verdict *verdict, enum probe_result result, uint64_t now);
