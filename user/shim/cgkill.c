// SPDX-License-Identifier: Apache-2.0
/* Emptying and removing cgroups. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/shim/hierarchy.h"

/* A second pass finds the children of forks that were under way when the first began. */
#define KILL_PASSES 3

static int cgroup_open(const struct hierarchy *one, const char *path)
{
	char full[PATH_MAX];

	if (snprintf(full, sizeof(full), "%s%s", one->mount, path) >= (int)sizeof(full))
		return -1;
	return open(full, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static bool cgroup_write(int dir_fd, const char *file, const char *text)
{
	AUTO_FD fd = openat(dir_fd, file, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) >= 0;
}

/* Calls @fn for each child directory of @dir_fd; true when each call answered true. */
static bool cgroup_each_child(int dir_fd, bool (*fn)(int dir_fd, const char *name))
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool all = true;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
			strcmp(entry->d_name, "..") != 0)
			all &= fn(dir_fd, entry->d_name);
	return all;
}

/* Calls @fn for each process directly in the cgroup.  Processes of other pid namespaces show as 0. */
static void cgroup_each_process(int dir_fd, void (*fn)(int dir_fd, pid_t pid))
{
	int fd = openat(dir_fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	AUTO_FILE file = fd < 0 ? NULL : fdopen(fd, "re");
	char line[16];

	if (!file) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		long pid = strtol(line, NULL, 10);

		if (pid > 0)
			fn(dir_fd, (pid_t)pid);
	}
}

static void process_kill(int dir_fd, pid_t pid)
{
	(void)dir_fd;
	kill(pid, SIGKILL);
}

static bool cgroup_kill_tree(int dir_fd, const char *name)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	cgroup_each_process(fd, process_kill);
	return cgroup_each_child(fd, cgroup_kill_tree);
}

/* Frozen processes cannot fork away from the passes; a signal is delivered when they thaw. */
static void cgroup_kill(int dir_fd, enum hierarchy_kind kind)
{
	bool v2 = kind == HIERARCHY_V2;
	const char *freezer = v2 ? "cgroup.freeze" : "freezer.state";

	if (v2 && cgroup_write(dir_fd, "cgroup.kill", "1"))
		return;
	cgroup_write(dir_fd, freezer, v2 ? "1" : "FROZEN");
	for (int pass = 0; pass < KILL_PASSES; pass++)
		cgroup_kill_tree(dir_fd, ".");
	cgroup_write(dir_fd, freezer, v2 ? "0" : "THAWED");
}

void hierarchies_kill(const struct hierarchies *all, const char *path)
{
	for (size_t i = 0; i < all->count; i++) {
		AUTO_FD fd = cgroup_open(&all->list[i], path);

		if (fd >= 0)
			cgroup_kill(fd, all->list[i].kind);
	}
}

static void process_move_up(int dir_fd, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", pid);
	cgroup_write(dir_fd, "../cgroup.procs", text);
}

void hierarchies_move_up(const struct hierarchies *all, const char *path)
{
	for (size_t i = 0; i < all->count; i++) {
		AUTO_FD fd = cgroup_open(&all->list[i], path);

		if (fd >= 0)
			cgroup_each_process(fd, process_move_up);
	}
}

bool cgroup_remove_tree(int dir_fd, const char *name)
{
	AUTO_FD fd = -1;

	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return true;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || !cgroup_each_child(fd, cgroup_remove_tree))
		return fd < 0 && errno == ENOENT;
	return unlinkat(dir_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool hierarchies_remove(const struct hierarchies *all, const char *path)
{
	bool gone = true;

	for (size_t i = 0; i < all->count; i++) {
		AUTO_FD fd = cgroup_open(&all->list[i], "");

		gone &= fd >= 0 && cgroup_remove_tree(fd, path + 1);
	}
	return gone;
}
