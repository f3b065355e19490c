/* SPDX-License-Identifier: Apache-2.0 */
/* The Pod's pause process: owner of its network, IPC and UTS namespaces. */
#pragma once

#include <sys/types.h>

struct err;
struct hierarchies;

struct sandbox_spec {
	const struct hierarchies *hierarchies;
	const char *pause;  /* program */
	const char *cgroup; /* the Pod's; pause goes to its child "pause" */
	const char *hostname;
};

/* Makes it, with the loopback interface up. */
int sandbox_make(const struct sandbox_spec *spec, pid_t *ret, struct err *err);
