// SPDX-License-Identifier: Apache-2.0
#include "user/node/volume.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/node/cgroup.h"
#include "user/node/mountinfo.h"
#include "user/node/payload.h"

#define SHM_BYTES    (64u << 20)
#define SECRET_BYTES (64u << 20) /* two copies of all that one manifest file can hold, and room */

static int directory_make(const char *path, mode_t mode, struct err *err)
{
	int r = fs_mkdir(path, 0700, err);

	if (r == 0 && chmod(path, mode) < 0)
		r = err_set(err, errno, "set the mode of '%s'", path);
	return r;
}

/* @bytes 0: as much as the kernel gives by default, half of the memory. */
static int tmpfs_make(
	const char *path, int64_t bytes, const char *mode, unsigned long flags, struct err *err)
{
	AUTO_FREE char *options = bytes > 0 ? fs_format("mode=%s,size=%" PRId64, mode, bytes)
					    : fs_format("mode=%s", mode);
	int r = options ? fs_mkdir(path, 0700, err) : err_set(err, ENOMEM, "mount '%s'", path);

	if (r < 0 || mount_is_point(path))
		return r;
	if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV | flags, options) < 0)
		return err_set(err, errno, "mount tmpfs at '%s'", path);
	return 0;
}

/* The memory that the Pod may use at all bounds what it can put into its tmpfs. */
static int64_t memory_volume_size(const struct pod *pod, const struct volume *volume)
{
	struct resources resources;

	cgroup_pod_resources(pod, &resources);
	if (volume->size_limit <= 0)
		return resources.memory_limit > 0 ? resources.memory_limit : 0;
	if (resources.memory_limit > 0 && resources.memory_limit < volume->size_limit)
		return resources.memory_limit;
	return volume->size_limit;
}

static int host_path_create(const struct volume *volume, struct err *err)
{
	int fd;

	/* CRI runtimes make a directory where nothing is and no type was asked for. */
	if (!*volume->type || strcmp(volume->type, "DirectoryOrCreate") == 0)
		return fs_mkdir(volume->path, 0755, err);
	if (strcmp(volume->type, "FileOrCreate") != 0)
		return 0;
	fd = open(volume->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0 && errno != EEXIST)
		return err_set(err, errno, "create '%s'", volume->path);
	if (fd >= 0)
		close(fd);
	return 0;
}

/* hostPath belongs to the machine: checked and perhaps created, never removed. */
static int host_path_check(const struct volume *volume, struct err *err)
{
	static const struct {
		const char *type;
		mode_t mode;
		const char *what;
	} types[] = {
		{"DirectoryOrCreate", S_IFDIR, "a directory"},
		{"Directory", S_IFDIR, "a directory"},
		{"FileOrCreate", S_IFREG, "a file"},
		{"File", S_IFREG, "a file"},
		{"Socket", S_IFSOCK, "a socket file"},
		{"CharDevice", S_IFCHR, "a character device"},
		{"BlockDevice", S_IFBLK, "a block device"},
	};
	struct stat st;
	int r = 0;

	if (stat(volume->path, &st) < 0) {
		if (errno != ENOENT)
			return err_set(err, errno, "volume %s: '%s'", volume->name, volume->path);
		r = host_path_create(volume, err);
		if (r == 0 && stat(volume->path, &st) < 0)
			return err_set(
				err, errno, "volume %s: hostPath '%s'", volume->name, volume->path);
	}
	for (size_t i = 0; r == 0 && i < COUNT(types); i++)
		if (strcmp(volume->type, types[i].type) == 0 &&
			(st.st_mode & S_IFMT) != types[i].mode)
			return err_refuse(err, EINVAL, "volume %s: hostPath '%s' is not %s",
				volume->name, volume->path, types[i].what);
	return r < 0 ? err_wrap(err, "volume %s", volume->name) : 0;
}

/* What containers did to the mode of their volume stays: it is whole before it has its name. */
static int empty_dir_make(const char *path, struct err *err)
{
	AUTO_FREE char *fresh = fs_format("%s.new", path);
	int r;

	if (!fresh)
		return err_set(err, ENOMEM, "make volume '%s'", path);
	if (access(path, F_OK) == 0)
		return 0;
	r = directory_make(fresh, 0777, err);
	if (r == 0 && rename(fresh, path) < 0)
		r = err_set(err, errno, "make volume '%s'", path);
	return r;
}

static int payload_volume_make(const struct volume *volume, const struct payload *payload,
	const char *path, struct err *err)
{
	int r = volume->memory ? tmpfs_make(path, SECRET_BYTES, "0755", MS_NOEXEC, err)
			       : directory_make(path, 0755, err);

	return r < 0 ? r : payload_write(payload, path, err);
}

static int volume_make(const struct pod *pod, const struct volume *volume,
	const struct payload *payload, const char *path, struct err *err)
{
	switch (volume->kind) {
	case VOLUME_HOST_PATH: return host_path_check(volume, err);
	case VOLUME_PROJECTED: return payload_volume_make(volume, payload, path, err);
	case VOLUME_EMPTY_DIR: break;
	}
	if (volume->memory)
		return tmpfs_make(path, memory_volume_size(pod, volume), "0777", 0, err);
	return empty_dir_make(path, err);
}

int volumes_gather(const struct downward *about, const struct object_source *source,
	struct payload **ret, struct err *err)
{
	const struct pod *pod = about->pod;
	struct payload *payloads = calloc(pod->volume_count + 1, sizeof(*payloads));
	int r = payloads ? 0 : err_set(err, ENOMEM, "read the content of volumes");

	for (size_t i = 0; r == 0 && i < pod->volume_count; i++) {
		const struct volume *volume = &pod->volumes[i];

		if (volume->kind == VOLUME_PROJECTED)
			r = payload_make(volume, about, source, &payloads[i], err);
	}
	if (r < 0)
		volumes_forget(pod, payloads);
	else
		*ret = payloads;
	return r;
}

struct payload *volumes_forget(const struct pod *pod, struct payload *payloads)
{
	for (size_t i = 0; payloads && i < pod->volume_count; i++)
		payload_clear(&payloads[i]);
	free(payloads);
	return NULL;
}

int volumes_make(
	const struct pod *pod, const char *dir, const struct payload *payloads, struct err *err)
{
	AUTO_FREE char *shm = fs_format("%s/" VOLUME_SHM, dir);
	int r = shm ? fs_mkdir(dir, 0700, err) : err_set(err, ENOMEM, "make volumes");

	if (r == 0)
		r = tmpfs_make(shm, SHM_BYTES, "1777", MS_NOEXEC, err);
	for (size_t i = 0; r == 0 && i < pod->volume_count; i++) {
		AUTO_FREE char *path = fs_format("%s/%s", dir, pod->volumes[i].name);

		r = path ? volume_make(pod, &pod->volumes[i], &payloads[i], path, err)
			 : err_set(err, ENOMEM, "make volume '%s'", pod->volumes[i].name);
	}
	return r;
}

int volumes_remove(const char *dir, struct err *err)
{
	int r = mounts_detach(dir, err);

	return r < 0 ? r : fs_remove(dir, err);
}

int volume_path(
	const struct pod *pod, const char *name, const char *dir, char **ret, struct err *err)
{
	for (size_t i = 0; i < pod->volume_count; i++) {
		const struct volume *volume = &pod->volumes[i];

		if (strcmp(volume->name, name) != 0)
			continue;
		*ret = volume->kind == VOLUME_HOST_PATH ? strdup(volume->path)
							: fs_format("%s/%s", dir, name);
		return *ret ? 0 : err_set(err, ENOMEM, "find volume '%s'", name);
	}
	return err_refuse(err, EINVAL, "the Pod has no volume '%s'", name);
}
