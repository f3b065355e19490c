// SPDX-License-Identifier: Apache-2.0
#include "user/shim/hierarchy.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define CPUSET_VALUE_MAX 4096

/* One word of a list separated by any of ", \n". */
static bool list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; (at = strstr(at, word)); at += len)
		if ((at == list || strchr(", \n", at[-1])) && strchr(", \n", at[len]))
			return true;
	return false;
}

static enum hierarchy_kind hierarchy_kind(const char *fstype, const char *options)
{
	if (strcmp(fstype, "cgroup2") == 0)
		return HIERARCHY_V2;
	if (list_has(options, "memory"))
		return HIERARCHY_MEMORY;
	if (list_has(options, "cpuset"))
		return HIERARCHY_CPUSET;
	if (list_has(options, "freezer"))
		return HIERARCHY_FREEZER;
	return HIERARCHY_OTHER;
}

static int hierarchy_add(struct hierarchies *all, const char *fstype, const char *mount,
	const char *options, struct err *err)
{
	struct hierarchy *one = &all->list[all->count];

	if (all->count == HIERARCHIES_MAX)
		return err_refuse(
			err, E2BIG, "more than %d cgroup hierarchies are mounted", HIERARCHIES_MAX);
	one->kind = hierarchy_kind(fstype, options);
	one->mount = strdup(mount);
	if (!one->mount)
		return err_set(err, ENOMEM, "list the cgroup hierarchies");
	all->count++;
	return 0;
}

/*
 * "31 23 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu\n": a hierarchy mounted
 * twice counts once; a bind mount of a part of one does not count.
 */
static int mountinfo_line(struct hierarchies *all, char *line, char seen[][24], struct err *err)
{
	char *tail = strstr(line, " - cgroup"), *save = NULL, *field[5] = {NULL};
	const char *fstype, *options;
	size_t before = all->count;
	int r;

	if (!tail)
		return 0;
	*tail = '\0';
	for (size_t i = 0; i < COUNT(field); i++)
		field[i] = strtok_r(i ? NULL : line, " ", &save);
	fstype = strtok_r(tail + strlen(" - "), " ", &save);
	strtok_r(NULL, " ", &save);
	options = strtok_r(NULL, " \n", &save);
	if (!field[4] || !options || strlen(field[2]) >= sizeof(seen[0]) ||
		strcmp(field[3], "/") != 0)
		return 0;
	for (size_t i = 0; i < before; i++)
		if (strcmp(seen[i], field[2]) == 0)
			return 0;
	r = hierarchy_add(all, fstype, field[4], options, err);
	if (r == 0)
		strcpy(seen[before], field[2]);
	return r;
}

int hierarchies_open(struct hierarchies *ret, struct err *err)
{
	AUTO_FILE file = fopen("/proc/self/mountinfo", "re");
	char seen[HIERARCHIES_MAX][24];
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	int r = 0;

	if (!file)
		return err_set(err, errno, "open '/proc/self/mountinfo'");
	while (r == 0 && getline(&line, &size, file) > 0)
		r = mountinfo_line(ret, line, seen, err);
	if (r == 0 && ret->count == 0)
		r = err_refuse(err, ENOENT, "no cgroup hierarchy is mounted");
	return r;
}

static int cgroup_path(
	char ret[PATH_MAX], const struct hierarchy *one, const char *path, const char *file)
{
	int n = snprintf(ret, PATH_MAX, "%s%s%s%s", one->mount, path, file[0] ? "/" : "", file);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* A new v1 cpuset is empty and takes no process: fills "cpus" or "mems" from its parent. */
static int cpuset_fill(int dir_fd, const char *file)
{
	char up[32], value[CPUSET_VALUE_MAX];
	AUTO_FD own = openat(dir_fd, file, O_RDWR | O_CLOEXEC);
	AUTO_FD parent = -1;
	ssize_t n;

	snprintf(up, sizeof(up), "../%s", file);
	parent = openat(dir_fd, up, O_RDONLY | O_CLOEXEC);
	if (own < 0 || parent < 0)
		return -errno;
	n = read(own, value, sizeof(value));
	if (n > 1)
		return 0;
	n = read(parent, value, sizeof(value));
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	return write(own, value, (size_t)n) < 0 ? -errno : 0;
}

static int cgroup_make(const struct hierarchy *one, const char *path, struct err *err)
{
	AUTO_FD fd = -1;
	int r = 0;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_set(err, errno, "make cgroup '%s'", path);
	if (one->kind != HIERARCHY_CPUSET)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 ? -errno : cpuset_fill(fd, "cpuset.cpus");
	if (r == 0)
		r = cpuset_fill(fd, "cpuset.mems");
	return r < 0 ? err_set(err, -r, "fill cpuset '%s'", path) : 0;
}

static int cgroup_make_all(const struct hierarchy *one, const char *path, struct err *err)
{
	char full[PATH_MAX];
	size_t skip = strlen(one->mount);
	int r = cgroup_path(full, one, path, "");

	if (r < 0)
		return err_set(err, -r, "make cgroup '%s'", path);
	for (char *p = full + skip + 1; r == 0; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		r = cgroup_make(one, full, err);
		*p = was;
		if (was == '\0')
			break;
	}
	return r;
}

int hierarchies_make(const struct hierarchies *all, const char *path, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->count; i++)
		r = cgroup_make_all(&all->list[i], path, err);
	return r;
}

int hierarchies_make_child(const struct hierarchies *all, const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX], full[PATH_MAX];
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->count; i++) {
		r = cgroup_path(full, &all->list[i], path, "");
		if (r < 0)
			return err_set(err, -r, "make cgroup '%s'", path);
		snprintf(parent, sizeof(parent), "%s%.*s", all->list[i].mount, (int)(slash - path),
			path);
		if (access(parent, F_OK) == 0)
			r = cgroup_make(&all->list[i], full, err);
	}
	return r;
}

int hierarchies_join(const struct hierarchies *all, const char *path, struct err *err)
{
	char file[PATH_MAX];

	for (size_t i = 0; i < all->count; i++) {
		AUTO_FD fd = -1;
		int r = cgroup_path(file, &all->list[i], path, "cgroup.procs");

		if (r < 0)
			return err_set(err, -r, "join cgroup '%s'", path);
		fd = open(file, O_WRONLY | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0 || write(fd, "0", 1) < 0)
			return err_set(err, errno, "join cgroup '%s'", file);
	}
	return 0;
}

int hierarchies_path_of(
	const struct hierarchies *all, pid_t pid, char ret[HIERARCHY_PATH], struct err *err)
{
	char name[32], found[HIERARCHY_PATH] = "";
	bool v1 = false;
	AUTO_FREE char *text = NULL;
	char *save = NULL;
	int r;

	for (size_t i = 0; i < all->count; i++)
		v1 |= all->list[i].kind == HIERARCHY_MEMORY;
	snprintf(name, sizeof(name), "/proc/%d/cgroup", pid);
	r = fs_read(name, 64 * 1024, &text, NULL, err);
	if (r < 0)
		return r;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path || strlen(path + 1) >= sizeof(found))
			continue;
		*path++ = '\0';
		if (v1 ? list_has(list + 1, "memory") : list[1] == '\0')
			strcpy(found, path);
	}
	if (found[0] != '/' || found[1] == '\0')
		return err_refuse(err, ENOENT, "process %d is in no cgroup of its own", pid);
	strcpy(ret, found);
	return 0;
}

bool hierarchies_oom_killed(const struct hierarchies *all, const char *path)
{
	unsigned long long count = 0;

	for (size_t i = 0; i < all->count; i++) {
		enum hierarchy_kind kind = all->list[i].kind;
		AUTO_FREE char *text = NULL;
		char file[PATH_MAX];
		char *at;

		if (kind != HIERARCHY_V2 && kind != HIERARCHY_MEMORY)
			continue;
		if (cgroup_path(file, &all->list[i], path,
			    kind == HIERARCHY_V2 ? "memory.events" : "memory.oom_control") < 0 ||
			fs_read(file, 4096, &text, NULL, NULL) < 0)
			continue;
		at = strstr(text, "oom_kill ");
		if (at)
			count += strtoull(at + strlen("oom_kill "), NULL, 10);
	}
	return count > 0;
}

bool hierarchies_v2_has(const struct hierarchies *all, const char *controller)
{
	for (size_t i = 0; i < all->count; i++) {
		AUTO_FREE char *text = NULL;
		char file[PATH_MAX];

		if (all->list[i].kind == HIERARCHY_V2 &&
			cgroup_path(file, &all->list[i], "", "cgroup.controllers") == 0 &&
			fs_read(file, 4096, &text, NULL, NULL) == 0)
			return list_has(text, controller);
	}
	return false;
}
