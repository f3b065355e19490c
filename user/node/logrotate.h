/* SPDX-License-Identifier: Apache-2.0 */
/* Rotation of containers' logs as the kubelet does it: 10 MiB a file, five files. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#define LOGROTATE_SIZE	   (10 << 20)	       /* bytes */
#define LOGROTATE_FILES	   5		       /* the one being written included */
#define LOGROTATE_INTERVAL (10 * USEC_PER_SEC) /* between two looks */

struct err;

/*
 * Rotates @path (N.log becomes N.log.YYYYMMDD-HHMMSS, of @wall_usec in UTC) when it is larger than
 * @max_size and removes the oldest rotated ones beyond @files.  1: rotated, the writer has to open it
 * anew; 0: small enough or not there.
 */
int logrotate(const char *path, off_t max_size, size_t files, unsigned long long wall_usec,
	struct err *err);

/* Removes all but the @keep newest rotated files of @path; not @path itself. */
int logrotate_trim(const char *path, size_t keep, struct err *err);
