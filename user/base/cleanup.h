/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local resources are born empty with an AUTO_ type and released when they go out of scope;
 * ownership moves out only through take_*().  close(2) is never retried: Linux has released the
 * descriptor even when it answers EINTR.
 */
#pragma once

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(array)	       (sizeof(array) / sizeof((array)[0]))
#define AUTO_CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

#define AUTO_FD	  AUTO_CLEANUP(cleanup_fd) int
#define AUTO_FREE AUTO_CLEANUP(cleanup_free)
#define AUTO_FILE AUTO_CLEANUP(cleanup_file) FILE *
#define AUTO_DIR  AUTO_CLEANUP(cleanup_dir) DIR *

/* Moves the descriptor out of *@fd: the caller owns it, *@fd becomes -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes *@fd if it is open and marks it closed. */
static inline void close_fd(int *fd)
{
	cleanup_fd(fd);
	*fd = -1;
}

/* Moves a pointer out of its variable: the caller owns it, the variable becomes NULL. */
#define take_ptr(variable)                                \
	({                                                \
		__typeof__(variable) taken_ = (variable); \
		(variable) = NULL;                        \
		taken_;                                   \
	})
