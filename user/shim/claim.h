/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cure for hybrid hosts, where crun refuses to run while cgroup2 holds a controller: that
 * controller is claimed for v1.  A v1 hierarchy lives while it is mounted or holds a cgroup; so it is
 * mounted in a short-lived mount namespace to make the Pod's cgroup in it, and again to remove that.
 */
#pragma once

#include <stdbool.h>

struct err;
struct hierarchies;

/* @dir: where to mount, made if missing; its last component names the controller.  @cgroup: to make. */
int claim_hold(const char *dir, const char *cgroup, struct err *err);
/*
 * Removes the cgroup, and its parents when they are empty.  -EBUSY: something lives in it.  -EAGAIN: it was
 * the last one; the controller goes back to cgroup2 a little later, or, when the kernel was still about to
 * free the cgroup, after another call.
 */
int claim_release(const char *dir, const char *cgroup, struct err *err);
/* Whether cgroup2 has the controller again. */
bool claim_is_released(const struct hierarchies *all, const char *dir);
