// SPDX-License-Identifier: Apache-2.0
#include "user/shim/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* The container's own, and nothing that it has put in its place: it is looked at before it is opened. */
static int multiplexer_find(pid_t pid, int *ret, struct err *err)
{
	static const struct open_how how = {.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
	char path[64];
	struct statfs fs;
	struct stat node;
	AUTO_FD root = -1;
	AUTO_FD found = -1;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_set(err, errno, "open '%s'", path);
	found = (int)syscall(SYS_openat2, root, "dev/pts/ptmx", &how, sizeof(how));
	if (found < 0)
		return err_set(err, errno, "open the container's /dev/pts/ptmx");
	if (fstatfs(found, &fs) < 0 || fstat(found, &node) < 0)
		return err_set(err, errno, "look at the container's /dev/pts/ptmx");
	if (fs.f_type != DEVPTS_SUPER_MAGIC || !S_ISCHR(node.st_mode) ||
		node.st_rdev != makedev(5, 2))
		return err_refuse(err, ENODEV, "the container's /dev/pts/ptmx is no terminal");
	*ret = take_fd(&found);
	return 0;
}

int terminal_open(pid_t pid, int *ret_master, int *ret_slave, struct err *err)
{
	char path[64];
	int unlock = 0, slave;
	AUTO_FD found = -1;
	AUTO_FD master = -1;
	int r = multiplexer_find(pid, &found, err);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
	master = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (master < 0)
		return err_set(err, errno, "make a terminal");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_set(err, errno, "unlock a terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_set(err, errno, "open the other end of a terminal");
	*ret_master = take_fd(&master);
	*ret_slave = slave;
	return 0;
}
