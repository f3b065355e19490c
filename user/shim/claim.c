// SPDX-License-Identifier: Apache-2.0
#include "user/shim/claim.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/shim/hierarchy.h"

#define CLAIM_RACES 8 /* another shim may remove a parent that is still empty */

static const char *claim_controller(const char *dir)
{
	const char *slash = strrchr(dir, '/');

	return slash ? slash + 1 : dir;
}

/* In a child: mounts the controller where nobody else sees it. */
static int claim_mount(const char *dir, struct err *err)
{
	if (unshare(CLONE_NEWNS) < 0)
		return err_set(err, errno, "make a mount namespace");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_set(err, errno, "make the mounts private");
	if (mount("cgroup", dir, "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    claim_controller(dir)) < 0)
		return err_set(err, errno, "mount a cgroup v1 hierarchy at '%s'", dir);
	return 0;
}

static int claim_make(const char *dir, const char *cgroup, struct err *err)
{
	char path[PATH_MAX];
	int r = -ENOENT;

	if (snprintf(path, sizeof(path), "%s%s", dir, cgroup) >= (int)sizeof(path))
		return err_set(err, ENAMETOOLONG, "make cgroup '%s'", cgroup);
	for (int i = 0; r == -ENOENT && i < CLAIM_RACES; i++)
		r = fs_mkdir(path, 0755, err);
	return r;
}

static int claim_remove(const char *dir, const char *cgroup, struct err *err)
{
	AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char path[PATH_MAX];
	struct stat root;

	if (fd < 0)
		return err_set(err, errno, "open '%s'", dir);
	snprintf(path, sizeof(path), "%s", cgroup + 1);
	if (!cgroup_remove_tree(fd, path))
		return err_set(err, EBUSY, "remove cgroup '%s'", cgroup);
	for (char *slash; (slash = strrchr(path, '/'));) {
		*slash = '\0';
		if (unlinkat(fd, path, AT_REMOVEDIR) < 0)
			break; /* in use by other Pods */
	}
	/* "." and ".." are links too; each cgroup adds one by its "..". */
	if (fstat(fd, &root) < 0 || root.st_nlink > 2)
		return 0;
	return err_refuse(err, EAGAIN, "'%s' is not back in cgroup2", claim_controller(dir));
}

/* Runs @fn in a child that has the controller mounted, and fetches its error through a pipe. */
static int claim_run(const char *dir, const char *cgroup,
	int (*fn)(const char *, const char *, struct err *), struct err *err)
{
	struct err child = {0};
	AUTO_FD in = -1, out = -1;
	int fds[2], status, r;
	pid_t pid;

	r = fs_mkdir(dir, 0700, err);
	if (r < 0)
		return r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_set(err, errno, "make a pipe");
	in = fds[0];
	out = fds[1];
	pid = fork();
	if (pid < 0)
		return err_set(err, errno, "fork");
	if (pid == 0) {
		r = claim_mount(dir, &child);
		if (r == 0)
			r = fn(dir, cgroup, &child);
		if (r < 0 && write(out, &child, sizeof(child)) < 0)
			_exit(2);
		_exit(r < 0 ? 1 : 0);
	}
	close_fd(&out);
	r = (int)read(in, &child, sizeof(child));
	if (r == (int)sizeof(child)) {
		waitpid(pid, NULL, 0);
		return err_refuse(err, child.code, "%s", child.text);
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		return err_refuse(err, EIO, "the child that mounts '%s' failed", dir);
	return 0;
}

int claim_hold(const char *dir, const char *cgroup, struct err *err)
{
	return claim_run(dir, cgroup, claim_make, err);
}

int claim_release(const char *dir, const char *cgroup, struct err *err)
{
	return claim_run(dir, cgroup, claim_remove, err);
}

bool claim_is_released(const struct hierarchies *all, const char *dir)
{
	return hierarchies_v2_has(all, claim_controller(dir));
}
