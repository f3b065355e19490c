/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting until no BPF program runs that was running before. */
#pragma once

struct err;

struct grace {
	int outer_fd, inner_fd;
};

#define GRACE_CLOSED ((struct grace){-1, -1})

/* Makes the pair of maps whose update waits.  The caller owns *@ret, which starts as GRACE_CLOSED. */
int grace_open(struct grace *ret, struct err *err);
/* Accepts GRACE_CLOSED. */
void grace_close(struct grace *grace);

/* Blocks for about 8 ms.  From any thread. */
int grace_wait(const struct grace *grace, struct err *err);
