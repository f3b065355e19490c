/* SPDX-License-Identifier: Apache-2.0 */
/* The hierarchies of this host, for the files that make, fill and remove cgroups in them. */
#pragma once

#include <stddef.h>

#include "user/node/cgroup.h"

struct hierarchy {
	char *mount;	   /* where it is mounted */
	char *controllers; /* v1: options of the super block, ",rw,cpu,cpuacct,"; v2: "" */
	char *device;	   /* "MAJOR:MINOR": the same hierarchy may be mounted twice */
	bool v2;
};

struct cgroups {
	struct hierarchy *list;
	size_t count;
	enum cgroup_mode mode;
	char *base;  /* "" or "/PATH": where podnet begins in each hierarchy */
	char *root2; /* directory of --cgroup-root, "" without cgroup2 */
	char *left_over;
};

/* The same as cgroups_open, from the text of a mountinfo file (cut up in place). */
int cgroups_read(char *mountinfo, const char *cgroup_root, struct cgroups **ret, struct err *err);

/* True when the v1 hierarchy has controller @name (or is named so: "name=systemd"). */
bool hierarchy_has(const struct hierarchy *hierarchy, const char *name);

/* Directories below BASE that hold Pods, "" first: "/kubepods", "/kubepods/burstable", ... */
#define CGROUP_PARENTS 3
extern const char *const cgroup_parents[CGROUP_PARENTS]; /* indexed by enum qos_class */

/* Gives the Burstable class the sum of its Pods' shares.  A missing parent is success. */
int cgroups_weigh_burstable(const struct cgroups *cgroups, struct err *err);
