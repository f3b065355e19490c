/* SPDX-License-Identifier: Apache-2.0 */
/* A terminal for a process of a container. */
#pragma once

#include <sys/types.h>

struct err;

/*
 * Makes one among those of the container whose init is @pid, so that its processes find it at /dev/pts.  ENODEV: it has
 * none there.  *@ret_master is non-blocking; the caller owns both.
 */
int terminal_open(pid_t pid, int *ret_master, int *ret_slave, struct err *err);
