// SPDX-License-Identifier: Apache-2.0
/* Finding and killing what runs in Pods' cgroups, and removing them. */
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/cgroup_tree.h"

#define PROCS_MAX (16u << 20)
#define DEPTH_MAX 8 /* Pod, container, exec, and what a container makes for itself */

struct member {
	pid_t pid;
	char container[NAME_MAX + 1];
};

struct members {
	struct member *list;
	size_t count;
};

static void members_free(struct members *members)
{
	free(members->list);
}

static int members_add(struct members *members, pid_t pid, const char *container)
{
	struct member *grown =
		reallocarray(members->list, members->count + 1, sizeof(*members->list));

	if (!grown)
		return -ENOMEM;
	members->list = grown;
	grown[members->count].pid = pid;
	snprintf(grown[members->count].container, sizeof(grown->container), "%s", container);
	members->count++;
	return 0;
}

static int members_read(struct members *members, const char *dir, const char *container)
{
	AUTO_FREE char *path = fs_format("%s/cgroup.procs", dir);
	AUTO_FREE char *text = NULL;
	int r = path ? fs_read(path, PROCS_MAX, &text, NULL, NULL) : -ENOMEM;

	if (r < 0)
		return r == -ENOENT || r == -ENODEV ? 0 : r;
	for (char *p = text, *end; r == 0; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p)
			break;
		/* 0 is a process of another pid namespace: not ours to touch. */
		if (pid > 0)
			r = members_add(members, (pid_t)pid, container);
	}
	return r;
}

/* Calls @fn for each cgroup right below @dir; a missing @dir is success. */
static int children_each(
	const char *dir, int (*fn)(const char *path, const char *name, void *data), void *data)
{
	AUTO_DIR list = opendir(dir);
	struct dirent *entry;
	int r = 0;

	if (!list)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (entry = readdir(list))) {
		AUTO_FREE char *path = NULL;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		path = fs_format("%s/%s", dir, entry->d_name);
		r = path ? fn(path, entry->d_name, data) : -ENOMEM;
	}
	return r;
}

struct walk {
	struct members *members;
	const char *container; /* NULL: the next step down is a container */
	unsigned depth;
};

static int walk_step(const char *path, const char *name, void *data)
{
	const struct walk *up = data;
	struct walk walk = {.members = up->members,
		.container = up->container ? up->container : name,
		.depth = up->depth + 1};
	int r;

	if (walk.depth > DEPTH_MAX)
		return -ELOOP;
	r = members_read(walk.members, path, walk.container);
	return r < 0 ? r : children_each(path, walk_step, &walk);
}

static char *pod_dir(const struct cgroups *cgroups, const struct hierarchy *hierarchy, size_t qos,
	const char *uid)
{
	return fs_format("%s%s%s/pod%s", hierarchy->mount, cgroups->base, cgroup_parents[qos], uid);
}

static int members_of_pod(const struct cgroups *cgroups, const char *uid, struct members *members)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < cgroups->count * CGROUP_PARENTS; i++) {
		AUTO_FREE char *dir = pod_dir(
			cgroups, &cgroups->list[i / CGROUP_PARENTS], i % CGROUP_PARENTS, uid);
		struct walk walk = {.members = members};

		r = dir ? members_read(members, dir, "") : -ENOMEM;
		if (r == 0)
			r = children_each(dir, walk_step, &walk);
	}
	return r;
}

static int member_compare(const void *a, const void *b)
{
	const struct member *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

int cgroups_pod_each(const struct cgroups *cgroups, const char *uid,
	void (*fn)(pid_t pid, const char *container, void *userdata), void *userdata)
{
	AUTO_CLEANUP(members_free) struct members members = {0};
	int r = members_of_pod(cgroups, uid, &members);

	if (r < 0)
		return r;
	if (members.count)
		qsort(members.list, members.count, sizeof(*members.list), member_compare);
	for (size_t i = 0; i < members.count; i++)
		if (i == 0 || members.list[i].pid != members.list[i - 1].pid)
			fn(members.list[i].pid, members.list[i].container, userdata);
	return 0;
}

/* On v1 SIGKILL waits until the freezer lets go. */
static void pod_thaw(const struct cgroups *cgroups, const char *uid)
{
	for (size_t i = 0; i < cgroups->count * CGROUP_PARENTS; i++) {
		const struct hierarchy *one = &cgroups->list[i / CGROUP_PARENTS];
		AUTO_FREE char *dir = pod_dir(cgroups, one, i % CGROUP_PARENTS, uid);
		AUTO_FREE char *path = dir ? fs_format("%s/freezer.state", dir) : NULL;

		if (path && hierarchy_has(one, "freezer"))
			fs_write(path, "THAWED", NULL); /* not there: nothing is frozen */
	}
}

/* The pidfd keeps a number that is used anew from being hit. */
static void members_kill(const struct members *members)
{
	for (size_t i = 0; i < members->count; i++) {
		pid_t pid = members->list[i].pid;
		AUTO_FD fd = pid == getpid() ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);

		if (fd >= 0)
			syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
	}
}

static int tree_remove(const char *path, const char *name, void *data)
{
	int r = children_each(path, tree_remove, data);

	(void)name;
	if (r < 0)
		return r;
	return rmdir(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int pod_remove_dirs(const struct cgroups *cgroups, const char *uid)
{
	int first = 0;

	for (size_t i = 0; i < cgroups->count * CGROUP_PARENTS; i++) {
		AUTO_FREE char *dir = pod_dir(
			cgroups, &cgroups->list[i / CGROUP_PARENTS], i % CGROUP_PARENTS, uid);
		int r = dir ? tree_remove(dir, NULL, NULL) : -ENOMEM;

		if (r < 0 && first == 0)
			first = r;
	}
	return first;
}

static int parent_remove(
	const struct cgroups *cgroups, const struct hierarchy *hierarchy, const char *path)
{
	AUTO_FREE char *dir = fs_format("%s%s%s", hierarchy->mount, cgroups->base, path);

	if (!dir)
		return -ENOMEM;
	return rmdir(dir) < 0 && errno != ENOENT ? -errno : 0;
}

/* A Pod's cgroup is made before its shim starts: without Pods no shim is about to come. */
void cgroups_prune(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->count; i++) {
		const struct hierarchy *one = &cgroups->list[i];

		parent_remove(cgroups, one, cgroup_parents[QOS_BURSTABLE]);
		parent_remove(cgroups, one, cgroup_parents[QOS_BEST_EFFORT]);
		if (parent_remove(cgroups, one, cgroup_parents[QOS_GUARANTEED]) == 0)
			parent_remove(cgroups, one, "/podnet-shims");
	}
}

int cgroups_pod_remove(const struct cgroups *cgroups, const char *uid, struct err *err)
{
	AUTO_CLEANUP(members_free) struct members members = {0};
	int r = members_of_pod(cgroups, uid, &members);

	if (r < 0)
		return err_set(err, -r, "list the processes of Pod %s", uid);
	if (members.count)
		pod_thaw(cgroups, uid);
	members_kill(&members);
	r = pod_remove_dirs(cgroups, uid);
	if (r < 0)
		return err_set(err, -r, "remove the cgroups of Pod %s", uid);
	cgroups_prune(cgroups);
	return cgroups_weigh_burstable(cgroups, err);
}
