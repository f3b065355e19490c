/* SPDX-License-Identifier: Apache-2.0 */
/* The one worker thread beside the loop: for calls that block in the kernel (grace periods, fsync). */
#pragma once

#include <systemd/sd-event.h>

struct err;
struct worker;

/* Starts the thread.  The caller owns *@ret; worker_free waits for the work in hand. */
int worker_new(sd_event *loop, struct worker **ret, struct err *err);

/*
 * Runs work(arg) in the thread, in the order of posting, then done(arg) on the loop.  When the worker is
 * freed before that, drop(arg) is called instead of done (NULL: nothing to release).
 * Returns -ENOMEM when it cannot be queued; @arg is then still the caller's.
 */
int worker_post(struct worker *worker, void (*work)(void *arg), void (*done)(void *arg),
	void (*drop)(void *arg), void *arg);

/* Finishes the work that is queued and drops it.  Accepts NULL; returns NULL. */
struct worker *worker_free(struct worker *worker);
