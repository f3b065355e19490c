// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/pindir.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <bpf/bpf.h>

#include "podnet/abi.h"
#include "podnet/pins.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/datapath/datapath.h"

#define INSTANCE_MAX	    63
#define INSTANCE_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

static int pindir_check(const struct datapath_config *config, struct err *err)
{
	size_t length = strlen(config->instance);

	if (length == 0 || length > INSTANCE_MAX ||
		strspn(config->instance, INSTANCE_CHARACTERS) != length)
		return err_refuse(err, EINVAL,
			"instance '%.80s': 1 to %d letters, digits, '-' or '_' wanted",
			config->instance, INSTANCE_MAX);
	return 0;
}

/* The path of the ABI's directory, or of @name in it when it is not NULL. */
int pindir_path_older(const struct datapath_config *config, unsigned abi, const char *name,
	char ret[PIN_PATH_MAX], struct err *err)
{
	int length;

	if (pindir_check(config, err) < 0)
		return -EINVAL;
	length = snprintf(ret, PIN_PATH_MAX, "%s/" PIN_DIRECTORY "/%s/v%u%s%s", config->bpf_dir,
		config->instance, abi, name ? "/" : "", name ? name : "");
	if (length >= PIN_PATH_MAX)
		return err_set(err, ENAMETOOLONG, "pin directory below '%s'", config->bpf_dir);
	return 0;
}

int pindir_path(const struct datapath_config *config, const char *name, char ret[PIN_PATH_MAX],
	struct err *err)
{
	return pindir_path_older(config, PODNET_ABI, name, ret, err);
}

static int bpffs_mount(const char *path, struct err *err)
{
	struct statfs fs;
	int r;

	r = fs_mkdir(path, 0700, err);
	if (r < 0)
		return r;
	if (statfs(path, &fs) < 0)
		return err_set(err, errno, "statfs '%s'", path);
	if (fs.f_type == BPF_FS_MAGIC)
		return 0;
	if (mount("bpf", path, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") < 0)
		return err_set(err, errno, "mount bpffs at '%s'", path);
	return 0;
}

/* Opens and locks @path; -ESTALE: it was removed while we waited for the lock. */
static int directory_lock(const char *path, enum pindir_lock lock, int *ret_fd, struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat opened, named;
	int r;

	if (fd < 0)
		return err_set(err, errno, "open '%s'", path);
	do {
		r = flock(fd, lock == PINDIR_USE ? LOCK_SH : LOCK_EX);
	} while (r < 0 && errno == EINTR);
	if (r < 0 || fstat(fd, &opened) < 0)
		return err_set(err, errno, "lock '%s'", path);
	if (stat(path, &named) < 0 || named.st_ino != opened.st_ino)
		return err_set(err, ESTALE, "lock '%s'", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int pindir_open(
	const struct datapath_config *config, enum pindir_lock lock, int *ret_fd, struct err *err)
{
	char path[PIN_PATH_MAX];
	int r;

	r = pindir_path(config, NULL, path, err);
	if (r < 0)
		return r;
	r = directory_lock(path, lock, ret_fd, NULL);
	while (r == -ENOENT || r == -ESTALE) {
		r = bpffs_mount(config->bpf_dir, err);
		if (r < 0)
			return r;
		r = fs_mkdir(path, 0700, err);
		if (r < 0)
			return r;
		r = directory_lock(path, lock, ret_fd, err);
	}
	return r == 0 ? 0 : directory_lock(path, lock, ret_fd, err);
}

int pindir_get_older(const struct datapath_config *config, unsigned abi, const char *name,
	int *ret_fd, struct err *err)
{
	char path[PIN_PATH_MAX];
	int fd, r;

	r = pindir_path_older(config, abi, name, path, err);
	if (r < 0)
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return err_set(err, -fd, "open BPF pin '%s'", path);
	*ret_fd = fd;
	return 0;
}

int pindir_get(const struct datapath_config *config, const char *name, int *ret_fd, struct err *err)
{
	return pindir_get_older(config, PODNET_ABI, name, ret_fd, err);
}

int pindir_put(const struct datapath_config *config, const char *name, int fd, struct err *err)
{
	char path[PIN_PATH_MAX], fresh[PIN_PATH_MAX + sizeof(PIN_NEW_SUFFIX)];
	int r;

	r = pindir_path(config, name, path, err);
	if (r < 0)
		return r;
	snprintf(fresh, sizeof(fresh), "%s" PIN_NEW_SUFFIX, path);
	if (unlink(fresh) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove '%s'", fresh);
	r = bpf_obj_pin(fd, fresh);
	if (r < 0)
		return err_set(err, -r, "pin '%s'", fresh);
	if (rename(fresh, path) < 0)
		return err_set(err, errno, "rename '%s'", fresh);
	return 0;
}

int pindir_remove_older(const struct datapath_config *config, unsigned abi, struct err *err)
{
	char path[PIN_PATH_MAX], *slash;
	AUTO_FD lock = -1;
	int r;

	r = pindir_path_older(config, abi, NULL, path, err);
	if (r < 0)
		return r;
	r = directory_lock(path, PINDIR_CHANGE, &lock, err);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	r = fs_remove(path, err);
	if (r < 0)
		return r;
	/* Another ABI's pins, or another instance's, keep their directories. */
	for (int i = 0; i < 2; i++) {
		slash = strrchr(path, '/');
		*slash = '\0';
		if (rmdir(path) < 0 && errno != ENOTEMPTY && errno != ENOENT)
			return err_set(err, errno, "remove '%s'", path);
	}
	return 0;
}

int pindir_remove(const struct datapath_config *config, struct err *err)
{
	int r = 0;

	for (unsigned abi = PODNET_ABI; abi > 0 && r == 0; abi--)
		r = pindir_remove_older(config, abi, err);
	return r;
}
