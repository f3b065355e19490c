// SPDX-License-Identifier: Apache-2.0
#include "user/base/loop.h"

#include <stdlib.h>
#include <time.h>

#include "user/base/err.h"

#define TIMER_ACCURACY 1 /* microsecond */

struct timer {
	sd_event_source *source;
	timer_fn fn;
	void *userdata;
};

static int timer_fire(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct timer *timer = userdata;

	(void)source;
	(void)usec;
	timer->fn(timer->userdata);
	return 0;
}

int timer_new(sd_event *loop, timer_fn fn, void *userdata, struct timer **ret, struct err *err)
{
	struct timer *timer = calloc(1, sizeof(*timer));
	int r;

	if (!timer)
		return err_set(err, ENOMEM, "make a timer");
	timer->fn = fn;
	timer->userdata = userdata;
	r = sd_event_add_time(loop, &timer->source, CLOCK_MONOTONIC, USEC_NEVER, TIMER_ACCURACY,
		timer_fire, timer);
	if (r >= 0)
		r = sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
	if (r < 0) {
		timer_free(timer);
		return err_set(err, -r, "make a timer");
	}
	*ret = timer;
	return 0;
}

void timer_arm(struct timer *timer, uint64_t at)
{
	if (at == USEC_NEVER) {
		sd_event_source_set_enabled(timer->source, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(timer->source, at);
	sd_event_source_set_enabled(timer->source, SD_EVENT_ONESHOT);
}

struct timer *timer_free(struct timer *timer)
{
	if (timer) {
		source_free(timer->source);
		free(timer);
	}
	return NULL;
}

sd_event_source *source_free(sd_event_source *source)
{
	return sd_event_source_disable_unref(source);
}
