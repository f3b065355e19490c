/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends what runs in a Pod's cgroups and removes them.  The worker thread does it; between two tries the
 * loop gives those that were killed the time to leave.
 */
#pragma once

#include <systemd/sd-event.h>

struct cgroups;
struct err;
struct reap;
struct worker;

/* @result 0: they are gone.  -EBUSY: not within 2 s. */
typedef void (*reap_fn)(void *userdata, int result, const char *reason);

/* @uid: borrowed until @done was called.  *@ret is the caller's until then. */
int reap_start(sd_event *loop, struct worker *worker, const struct cgroups *cgroups,
	const char *uid, reap_fn done, void *userdata, struct reap **ret, struct err *err);

/* For the time after the worker was freed: no callback follows.  Accepts NULL; returns NULL. */
struct reap *reap_free(struct reap *reap);
