/* SPDX-License-Identifier: Apache-2.0 */
/* What every child does between fork and exec. */
#pragma once

/* Makes the three descriptors 0, 1 and 2 (each -1: /dev/null).  0 or -errno. */
int child_stdio(int in_fd, int out_fd, int err_fd);

/* No signal blocked, none ignored. */
void child_reset_signals(void);

/* A pipe of which the shim keeps one end: that end does not block.  @keep: 0 the reading, 1 the writing end. */
int child_pipe(int ret_fds[2], int keep);
