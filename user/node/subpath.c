// SPDX-License-Identifier: Apache-2.0
#include "user/node/subpath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define OPEN_TRIES 32 /* the kernel answers EAGAIN while somebody renames around the path */

/* The kernel checks each step: a link that is exchanged under us cannot lead out either. */
static int open_beneath(int root, const char *path, uint64_t flags)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd = -1;

	for (int i = 0; i < OPEN_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd < 0 ? -errno : fd;
}

/* Makes the directory @path, whose parents exist; an existing one is left as it is. */
static int directory_make_beneath(int root, const char *path, mode_t mode)
{
	const char *slash = strrchr(path, '/');
	AUTO_FREE char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");
	const char *name = slash ? slash + 1 : path;
	AUTO_FD dir = parent ? open_beneath(root, parent, O_PATH | O_DIRECTORY) : -ENOMEM;
	AUTO_FD made = -1;

	if (dir < 0)
		return dir;
	if (mkdirat(dir, name, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	made = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return made < 0 || fchmod(made, mode) < 0 ? -errno : 0;
}

static int directories_make_beneath(int root, const char *path, mode_t mode)
{
	AUTO_FREE char *part = strdup(path);
	int r = part ? 0 : -ENOMEM;

	for (char *p = part; r == 0; p++) {
		char was;

		p = strchrnul(p, '/');
		was = *p;
		*p = '\0';
		r = directory_make_beneath(root, part, mode);
		*p = was;
		if (!was)
			break;
	}
	return r;
}

static int subpath_open(const char *volume, const char *sub_path, struct err *err)
{
	AUTO_FD root = open(volume, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;
	int fd, r;

	if (root < 0 || fstat(root, &st) < 0)
		return err_set(err, errno, "open volume '%s'", volume);
	fd = open_beneath(root, sub_path, O_PATH);
	if (fd == -ENOENT) {
		r = directories_make_beneath(root, sub_path, st.st_mode & 07777);
		fd = r < 0 ? r : open_beneath(root, sub_path, O_PATH);
	}
	if (fd == -EXDEV)
		return err_refuse(err, EXDEV, "subPath '%s' leads out of its volume", sub_path);
	return fd < 0 ? err_set(err, -fd, "open subPath '%s'", sub_path) : fd;
}

static int target_make(int source, const char *target, struct err *err)
{
	struct stat st;
	int fd;

	if (fstat(source, &st) < 0)
		return err_set(err, errno, "look at a subPath");
	if (S_ISDIR(st.st_mode))
		return fs_mkdir(target, 0700, err);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_set(err, errno, "create '%s'", target);
	close(fd);
	return 0;
}

int subpath_mount(const char *volume, const char *sub_path, const char *target, struct err *err)
{
	AUTO_FD source = subpath_open(volume, sub_path, err);
	char link[32];
	int r;

	if (source < 0)
		return source;
	r = target_make(source, target, err);
	if (r < 0)
		return r;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", source);
	if (mount(link, target, NULL, MS_BIND, NULL) < 0)
		return err_set(err, errno, "bind subPath '%s' at '%s'", sub_path, target);
	return 0;
}
