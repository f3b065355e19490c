// SPDX-License-Identifier: Apache-2.0
#include "user/shim/selfexe.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

#define SELF	  "/proc/self/exe"
#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

extern char **environ;

static bool is_protected(int fd)
{
	struct statvfs fs;

	return (fstatvfs(fd, &fs) == 0 && fs.f_flag & ST_RDONLY) ||
	       fcntl(fd, F_GET_SEALS) == ALL_SEALS;
}

/* A read-only mount of the file that is in no mount namespace: shares its pages.  Linux 5.12. */
static int self_mount(void)
{
	AUTO_FD fd =
		(int)syscall(SYS_open_tree, AT_FDCWD, SELF, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};

	if (fd < 0 || syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -errno;
	return take_fd(&fd);
}

static int self_copy(int self, struct err *err)
{
	AUTO_FD fd = memfd_create("podnet-shim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct stat st;

	if (fd < 0 || fstat(self, &st) < 0)
		return err_set(err, errno, "copy '%s'", SELF);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(fd, self, NULL, (size_t)left);

		if (n <= 0)
			return err_set(err, n < 0 ? errno : EIO, "copy '%s'", SELF);
		left -= n;
	}
	if (fcntl(fd, F_ADD_SEALS, ALL_SEALS) < 0)
		return err_set(err, errno, "seal the copy of '%s'", SELF);
	return take_fd(&fd);
}

int selfexe_protect(char **argv, struct err *err)
{
	AUTO_FD self = open(SELF, O_RDONLY | O_CLOEXEC);
	AUTO_FD fd = -1;

	if (self < 0)
		return err_set(err, errno, "open '%s'", SELF);
	if (is_protected(self))
		return 0;
	fd = self_mount();
	if (fd < 0)
		fd = self_copy(self, err);
	if (fd < 0)
		return fd;
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
	return err_set(err, errno, "execute the read-only view of '%s'", SELF);
}
