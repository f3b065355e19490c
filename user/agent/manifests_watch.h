/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watches the manifest directory, and the way to it while it is missing.  Inotify queues an event
 * before the call that caused it returns, so draining after a read tells whether the read can be
 * trusted; a file that is being written is left alone until its writer closes it.
 */
#pragma once

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "user/base/json.h"

struct err;

struct manifests_watch {
	char *dir;
	int fd;
	sd_event_source *source;
	int dir_wd, way_wd; /* -1: not watched */
	char *way_next;	    /* the name that matters in the directory on the way */
	json_t *touched;    /* file name -> true while it is being written, else false */
	bool beyond;	    /* not only the touched have changed; the reader resets it */
	void (*fn)(void *userdata);
	void *userdata;
};

/* Calls @fn on the loop when something happened that a scan could see. */
int manifests_watch_start(struct manifests_watch *watch, sd_event *loop, const char *dir,
	void (*fn)(void *userdata), void *userdata, struct err *err);
void manifests_watch_stop(struct manifests_watch *watch);

/* Watches what is there now; call before each listing. */
int manifests_watch_arm(struct manifests_watch *watch, struct err *err);

/* Takes in the events so far.  Returns true when one of them matters. */
bool manifests_watch_drain(struct manifests_watch *watch);

/* Whether @file is a manifest by its name. */
bool manifests_is_file(const char *file);
