/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cure for hybrid hosts, where crun refuses to run while cgroup2 holds a controller: that
 * controller is claimed for v1.  A v1 hierarchy lives while it is mounted or holds a cgroup; so it is
 * mounted in a short-lived mount namespace to make the Pod's cgroup in it, and again to remove that.
 */
#pragma once

struct err;

/* @dir: where to mount, made if missing; its last component names the controller.  @cgroup: to make. */
int claim_hold(const char *dir, const char *cgroup, struct err *err);
/* Removes the cgroup, and its parents when they are empty.  -EBUSY: something lives in it. */
int claim_release(const char *dir, const char *cgroup, struct err *err);
