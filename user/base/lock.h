/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One daemon per directory: a record lock on a file in it.  Unlike flock(2)'s, no child that was being started
 * when the daemon was killed still holds it, and others can ask who does.
 */
#pragma once

#include <sys/types.h>

struct err;

/* "lock" in @dir.  -EBUSY: another @program has it.  Held until the caller closes *@ret_fd or ends. */
int lock_take(const char *dir, const char *program, int *ret_fd, struct err *err);

/* Who holds the lock of @dir; 0: nobody, or there is no such directory. */
int lock_holder(const char *dir, pid_t *ret, struct err *err);
