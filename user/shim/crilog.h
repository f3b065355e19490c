/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's log file in CRI form: "2026-11-22T13:05:16.123456789Z stdout F text\n"; P instead of F
 * marks the pieces of a line longer than CRILOG_LINE_MAX but its last.  The file may be rotated by
 * others.  What cannot be written is dropped and counted, and the log says so when it goes on.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define CRILOG_LINE_MAX 16384 /* bytes of text in one line of the file */

struct err;

struct crilog {
	char *path; /* owned */
	int fd;
	int lost_errno;
	uint64_t lost; /* bytes dropped since the last line that was written */
};

struct crilog_stream {
	struct crilog *log;
	const char *name; /* "stdout" or "stderr"; borrowed */
	char *held;	  /* the unfinished line; made when first needed */
	size_t held_len;
};

/* Appends to the file, made with mode 0640 if missing.  A symbolic link is refused with ELOOP. */
int crilog_open(struct crilog *log, const char *path, struct err *err);
/* Opens the path anew, for after a rotation.  On failure the old file stays in use. */
int crilog_reopen(struct crilog *log, struct err *err);
void crilog_close(struct crilog *log);

/* Takes what the container wrote at @now (CLOCK_REALTIME). */
void crilog_feed(
	struct crilog_stream *stream, const char *data, size_t len, const struct timespec *now);
/* The stream's end: writes the unfinished line and frees what is held. */
void crilog_end(struct crilog_stream *stream, const struct timespec *now);
