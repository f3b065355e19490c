// SPDX-License-Identifier: Apache-2.0
#include "user/base/lock.h"

#include <errno.h>
#include <fcntl.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

static struct flock lock_whole(void)
{
	return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static int lock_open(const char *dir, int flags, char **ret_path, int *ret_fd, struct err *err)
{
	*ret_path = fs_format("%s/lock", dir);
	if (!*ret_path)
		return err_set(err, ENOMEM, "lock");
	*ret_fd = open(*ret_path, flags | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? err_set(err, errno, "open '%s'", *ret_path) : 0;
}

int lock_take(const char *dir, const char *program, int *ret_fd, struct err *err)
{
	struct flock lock = lock_whole();
	AUTO_FREE char *path = NULL;
	AUTO_FD fd = -1;
	int r = lock_open(dir, O_RDWR | O_CREAT, &path, &fd, err);

	if (r < 0)
		return r;
	if (fcntl(fd, F_SETLK, &lock) == 0) {
		*ret_fd = take_fd(&fd);
		return 0;
	}
	if (errno != EACCES && errno != EAGAIN)
		return err_set(err, errno, "lock '%s'", path);
	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK)
		lock.l_pid = 0;
	return err_refuse(
		err, EBUSY, "another %s (pid %d) uses '%s'", program, (int)lock.l_pid, dir);
}

int lock_holder(const char *dir, pid_t *ret, struct err *err)
{
	struct flock lock = lock_whole();
	AUTO_FREE char *path = NULL;
	AUTO_FD fd = -1;
	int r = lock_open(dir, O_RDWR, &path, &fd, err);

	*ret = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return err_set(err, errno, "ask for the lock of '%s'", path);
	if (lock.l_type != F_UNLCK)
		*ret = lock.l_pid;
	return 0;
}
