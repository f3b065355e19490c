/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Glue for sd-event.  Timers are exact (accuracy 1 us: sd-event's 0 means 250 ms) and monotonic.
 * A pidfd of a process that is not our child is a plain readable descriptor.
 */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "user/base/clock.h"

struct err;
struct timer;

typedef void (*timer_fn)(void *userdata);

/* Makes a disarmed timer.  The caller owns *@ret and frees it with timer_free before the loop. */
int timer_new(sd_event *loop, timer_fn fn, void *userdata, struct timer **ret, struct err *err);

/* Fires once at @at (clock_now() microseconds; the past fires at once; USEC_NEVER disarms). */
void timer_arm(struct timer *timer, uint64_t at);

/* Accepts NULL.  Returns NULL.  May be called from the timer's own function. */
struct timer *timer_free(struct timer *timer);

/* Accepts NULL.  Disables and releases an event source; returns NULL. */
sd_event_source *source_free(sd_event_source *source);
