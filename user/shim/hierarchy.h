/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups as the shim needs them: the same path below the mount of every hierarchy (v1, v2 or both).
 * Paths are absolute below the mounts: "/kubepods/podUID".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HIERARCHIES_MAX 24
#define HIERARCHY_PATH	512 /* of a cgroup below its mount, NUL included */

struct err;

enum hierarchy_kind {
	HIERARCHY_OTHER,
	HIERARCHY_V2,
	HIERARCHY_MEMORY,
	HIERARCHY_CPUSET,
	HIERARCHY_FREEZER,
};

struct hierarchies {
	size_t count;
	struct hierarchy {
		enum hierarchy_kind kind; /* of v1, the controller the shim knows how to use */
		char *mount;		  /* owned */
	} list[HIERARCHIES_MAX];
};

/* Finds what is mounted now. */
int hierarchies_open(struct hierarchies *ret, struct err *err);

/* Makes the cgroup with its parents in each; a v1 cpuset gets its parent's CPUs and nodes. */
int hierarchies_make(const struct hierarchies *all, const char *path, struct err *err);
/* The same, but only where the parent of @path is there: for a child of a container's cgroup. */
int hierarchies_make_child(const struct hierarchies *all, const char *path, struct err *err);
/* Moves the calling process into it, wherever it exists.  Allocates nothing: safe after fork. */
int hierarchies_join(const struct hierarchies *all, const char *path, struct err *err);

/* SIGKILLs every process in it and below.  They die asynchronously: repeat until it can be removed. */
void hierarchies_kill(const struct hierarchies *all, const char *path);
/* Moves the processes left in it to its parent. */
void hierarchies_move_up(const struct hierarchies *all, const char *path);
/* Removes it and what is below.  False: something still lives in it. */
bool hierarchies_remove(const struct hierarchies *all, const char *path);

/* The cgroup of @pid in the hierarchy that counts memory.  -ENOENT when there is none. */
int hierarchies_path_of(
	const struct hierarchies *all, pid_t pid, char ret[HIERARCHY_PATH], struct err *err);
/* Whether the kernel's OOM killer has killed in it. */
bool hierarchies_oom_killed(const struct hierarchies *all, const char *path);

/* Whether cgroup2 holds the controller. */
bool hierarchies_v2_has(const struct hierarchies *all, const char *controller);

/* Removes the cgroup tree @name below the directory @dir_fd; true when it is gone. */
bool cgroup_remove_tree(int dir_fd, const char *name);
