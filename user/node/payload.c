// SPDX-License-Identifier: Apache-2.0
#include "user/node/payload.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define DATA_LINK "..data"
#define NEW_LINK  "..data_tmp"

void payload_clear(struct payload *payload)
{
	for (size_t i = 0; i < payload->count; i++) {
		free(payload->files[i].path);
		free(payload->files[i].data);
	}
	free(payload->files);
	*payload = (struct payload){0};
}

/* Relative, without empty, "." or ".." steps, and none of our own names in front. */
static bool path_is_plain(const char *path)
{
	if (strncmp(path, "..", 2) == 0)
		return false;
	for (const char *p = path;; p++) {
		size_t len = strcspn(p, "/");

		if (len == 0 || (len == 1 && p[0] == '.') ||
			(len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		p += len;
		if (!*p)
			return true;
	}
}

static int payload_add(struct payload *payload, const char *path, mode_t mode, void *data,
	size_t len, struct err *err)
{
	struct payload_file *grown =
		reallocarray(payload->files, payload->count + 1, sizeof(*grown));
	struct payload_file file = {.data = data, .len = len, .mode = mode};

	if (grown)
		payload->files = grown;
	file.path = strdup(path);
	if (!grown || !file.path) {
		free(file.path);
		free(data);
		return err_set(err, ENOMEM, "read volume file '%s'", path);
	}
	grown[payload->count++] = file;
	return path_is_plain(path)
		       ? 0
		       : err_refuse(err, EINVAL, "volume path '%.100s' leads elsewhere", path);
}

struct collect {
	struct payload *payload;
	const struct object *object;
	mode_t mode;
	struct err *err;
};

static int collect_key(const char *key, void *userdata)
{
	struct collect *collect = userdata;
	void *data;
	size_t len;
	int r = object_data_get(collect->object, key, &data, &len, collect->err);

	return r < 0 ? r
		     : payload_add(collect->payload, key, collect->mode, data, len, collect->err);
}

static int collect_items(const struct volume *volume, const struct object *object,
	struct payload *ret, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->item_count; i++) {
		const struct volume_item *item = &volume->items[i];
		mode_t mode = item->mode >= 0 ? (mode_t)item->mode : volume->mode;
		void *data;
		size_t len;

		r = object_data_get(object, item->key, &data, &len, err);
		if (r == -ENOENT && volume->optional) {
			r = 0;
			continue;
		}
		if (r == -ENOENT)
			return err_refuse(err, ENOENT,
				"volume %s: couldn't find key %s in %s %s/%s", volume->name,
				item->key, object_kind_name(object->kind), object->meta.namespace,
				object->meta.name);
		if (r == 0)
			r = payload_add(ret, item->path, mode, data, len, err);
	}
	return r;
}

int payload_make(const struct volume *volume, const char *namespace,
	const struct object_source *source, struct payload *ret, struct err *err)
{
	bool secret = volume->kind == VOLUME_SECRET;
	const struct object *object = source->get(source->userdata,
		secret ? KIND_SECRET : KIND_CONFIG_MAP, namespace, volume->object);
	struct payload payload = {0};
	struct collect collect = {
		.payload = &payload, .object = object, .mode = volume->mode, .err = err};
	int r = 0;

	if (!object && !volume->optional)
		return err_refuse(err, ENOENT, "volume %s: %s \"%s\" not found", volume->name,
			secret ? "secret" : "configmap", volume->object);
	if (object)
		r = volume->items ? collect_items(volume, object, &payload, err)
				  : object_data_each(object, collect_key, &collect);
	if (r < 0) {
		payload_clear(&payload);
		return r;
	}
	*ret = payload;
	return 0;
}

static bool file_is(const char *dir, const struct payload_file *file)
{
	AUTO_FREE char *path = fs_format("%s/" DATA_LINK "/%s", dir, file->path);
	AUTO_FREE char *data = NULL;
	struct stat st;
	size_t len;

	return path && lstat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 07777) == file->mode && (size_t)st.st_size == file->len &&
	       fs_read(path, file->len, &data, &len, NULL) == 0 && len == file->len &&
	       memcmp(data, file->data, len) == 0;
}

/* Regular files below @path. */
static int files_count(const char *path, size_t *count)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (entry = readdir(dir))) {
		AUTO_FREE char *child = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		*count += entry->d_type != DT_DIR;
		child = fs_format("%s/%s", path, entry->d_name);
		if (!child)
			r = -ENOMEM;
		else if (entry->d_type == DT_DIR)
			r = files_count(child, count);
	}
	return r;
}

static bool payload_is_shown(const struct payload *payload, const char *dir)
{
	AUTO_FREE char *data = fs_format("%s/" DATA_LINK, dir);
	size_t count = 0;

	if (!data || files_count(data, &count) < 0 || count != payload->count)
		return false;
	for (size_t i = 0; i < payload->count; i++)
		if (!file_is(dir, &payload->files[i]))
			return false;
	return true;
}

static int file_write(const char *dir, const struct payload_file *file, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, file->path);
	char *slash;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "write volume file '%s'", file->path);
	slash = strrchr(path, '/');
	*slash = '\0';
	r = fs_mkdir(path, 0755, err);
	*slash = '/';
	return r < 0 ? r : fs_replace(path, file->data, file->len, file->mode, FS_VOLATILE, err);
}

/* Writes all files to a fresh directory; the caller frees *@ret, its name. */
static int payload_fill(const struct payload *payload, const char *dir, char **ret, struct err *err)
{
	time_t now = (time_t)(clock_wall() / USEC_PER_SEC);
	AUTO_FREE char *path = NULL;
	char stamp[32];
	struct tm tm;
	int r = 0;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "..%Y_%m_%d_%H_%M_%S", &tm);
	path = fs_format("%s/%s.XXXXXX", dir, stamp);
	if (!path)
		return err_set(err, ENOMEM, "fill volume '%s'", dir);
	if (!mkdtemp(path) || chmod(path, 0755) < 0)
		return err_set(err, errno, "make directory '%s'", path);
	for (size_t i = 0; r == 0 && i < payload->count; i++)
		r = file_write(path, &payload->files[i], err);
	if (r < 0) {
		fs_remove(path, NULL);
		return r;
	}
	*ret = strdup(strrchr(path, '/') + 1);
	return *ret ? 0 : err_set(err, ENOMEM, "fill volume '%s'", dir);
}

/* Points DIR/@name at @target in one step. */
static int link_replace(const char *dir, const char *name, const char *target, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/%s", dir, name);
	AUTO_FREE char *temp = fs_format("%s/" NEW_LINK, dir);
	char now[PATH_MAX];
	ssize_t len;

	if (!path || !temp)
		return err_set(err, ENOMEM, "link '%s'", name);
	len = readlink(path, now, sizeof(now) - 1);
	if (len >= 0 && (size_t)len == strlen(target) && memcmp(now, target, (size_t)len) == 0)
		return 0;
	if ((unlink(temp) < 0 && errno != ENOENT) || symlink(target, temp) < 0)
		return err_set(err, errno, "link '%s'", temp);
	return rename(temp, path) < 0 ? err_set(err, errno, "link '%s'", path) : 0;
}

/* What users see: one link for the first step of each path. */
static int payload_link(const struct payload *payload, const char *dir, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < payload->count; i++) {
		const char *path = payload->files[i].path;
		AUTO_FREE char *name = strndup(path, strcspn(path, "/"));
		AUTO_FREE char *target = name ? fs_format(DATA_LINK "/%s", name) : NULL;

		r = target ? link_replace(dir, name, target, err)
			   : err_set(err, ENOMEM, "link '%s'", path);
	}
	return r;
}

static bool payload_names(const struct payload *payload, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < payload->count; i++) {
		const char *path = payload->files[i].path;

		if (strcspn(path, "/") == len && memcmp(path, name, len) == 0)
			return true;
	}
	return false;
}

/* Removes links of keys that are gone, earlier content, and what a crash left behind. */
static int payload_sweep(const struct payload *payload, const char *dir, struct err *err)
{
	AUTO_DIR list = opendir(dir);
	AUTO_FREE char *link = fs_format("%s/" DATA_LINK, dir);
	char current[PATH_MAX] = "";
	struct dirent *entry;
	int r = 0;

	if (!list || !link || readlink(link, current, sizeof(current) - 1) < 0)
		return err_set(err, errno, "sweep volume '%s'", dir);
	while (r == 0 && (entry = readdir(list))) {
		AUTO_FREE char *path = NULL;
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
			strcmp(name, DATA_LINK) == 0 || strcmp(name, current) == 0 ||
			payload_names(payload, name))
			continue;
		path = fs_format("%s/%s", dir, name);
		r = path ? fs_remove(path, err) : err_set(err, ENOMEM, "sweep volume '%s'", dir);
	}
	return r;
}

int payload_write(const struct payload *payload, const char *dir, struct err *err)
{
	AUTO_FREE char *fresh = NULL;
	int r = 0;

	if (!payload_is_shown(payload, dir)) {
		r = payload_fill(payload, dir, &fresh, err);
		if (r == 0)
			r = link_replace(dir, DATA_LINK, fresh, err);
	}
	if (r == 0)
		r = payload_link(payload, dir, err);
	return r < 0 ? r : payload_sweep(payload, dir, err);
}
