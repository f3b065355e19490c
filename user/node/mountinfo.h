/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's list of mounts, and the removal of all that is mounted below a directory of ours. */
#pragma once

#include <stdbool.h>

struct err;

/* One line of mountinfo, unescaped; valid during the call. */
struct mount_entry {
	const char *device;  /* "MAJOR:MINOR" of the file system */
	const char *point;   /* absolute */
	const char *type;    /* "overlay", "cgroup2", ... */
	const char *options; /* of the super block: "rw,cpu,cpuacct" */
};

/* Calls @fn for each mount, in mount order, until it returns non-zero; returns that. */
typedef int (*mount_fn)(const struct mount_entry *entry, void *userdata);
/* @text: the content of a mountinfo file; it is cut up in place. */
int mountinfo_parse(char *text, mount_fn fn, void *userdata);
/* Reads the list of this process.  The caller frees *@ret. */
int mountinfo_read(char **ret, struct err *err);

/* Unmounts (lazily) @path and all mounts below it, the newest first.  A missing @path is success. */
int mounts_detach(const char *path, struct err *err);
/* True when something is mounted at the directory or file @path. */
bool mount_is_point(const char *path);
