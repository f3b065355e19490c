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

static struct payload_file *payload_find(const struct payload *payload, const char *path)
{
	for (size_t i = 0; i < payload->count; i++)
		if (strcmp(payload->files[i].path, path) == 0)
			return &payload->files[i];
	return NULL;
}

/* Takes @data over, also when it fails. */
static int payload_add(struct payload *payload, const char *path, mode_t mode, void *data,
	size_t len, struct err *err)
{
	struct payload_file *same = payload_find(payload, path), *grown;
	struct payload_file file = {.data = data, .len = len, .mode = mode};

	if (same) {
		file.path = same->path;
		free(same->data);
		*same = file;
		return 0;
	}
	grown = reallocarray(payload->files, payload->count + 1, sizeof(*grown));
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

/* One source that is being read. */
struct collect {
	const struct volume *volume;
	const struct projection *projection;
	const struct downward *about;
	const struct object_source *source;
	const struct object *object;
	struct payload *payload;
	struct err *err;
};

static mode_t item_mode(const struct collect *collect, const struct volume_item *item)
{
	return item->mode >= 0 ? (mode_t)item->mode : collect->volume->mode;
}

static int collect_key(const char *key, void *userdata)
{
	struct collect *collect = userdata;
	void *data;
	size_t len;
	int r = object_data_get(collect->object, key, &data, &len, collect->err);

	return r < 0 ? r
		     : payload_add(collect->payload, key, collect->volume->mode, data, len,
			       collect->err);
}

static int collect_item(struct collect *collect, const struct volume_item *item)
{
	const struct object *object = collect->object;
	void *data;
	size_t len;
	int r = object_data_get(object, item->key, &data, &len, collect->err);

	if (r == -ENOENT && collect->projection->optional)
		return 0;
	if (r == -ENOENT)
		return err_refuse(collect->err, ENOENT,
			"volume %s: couldn't find key %s in %s %s/%s", collect->volume->name,
			item->key, object_kind_name(object->kind), object->meta.namespace,
			object->meta.name);
	if (r < 0)
		return r;
	return payload_add(
		collect->payload, item->path, item_mode(collect, item), data, len, collect->err);
}

static int collect_object(struct collect *collect)
{
	const struct projection *projection = collect->projection;
	bool secret = projection->kind == PROJECTION_SECRET;
	int r = 0;

	collect->object = collect->source->get(collect->source->userdata,
		secret ? KIND_SECRET : KIND_CONFIG_MAP, collect->about->pod->meta.namespace,
		projection->object);
	if (!collect->object && !projection->optional)
		return err_refuse(collect->err, ENOENT, "volume %s: %s \"%s\" not found",
			collect->volume->name, secret ? "secret" : "configmap", projection->object);
	if (!collect->object)
		return 0;
	if (!projection->items)
		return object_data_each(collect->object, collect_key, collect);
	for (size_t i = 0; r == 0 && i < projection->item_count; i++)
		r = collect_item(collect, &projection->items[i]);
	return r;
}

static int collect_downward(struct collect *collect)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < collect->projection->item_count; i++) {
		const struct volume_item *item = &collect->projection->items[i];
		char *text = NULL;

		r = item->container
			    ? downward_resource(collect->about, item->container, item->key,
				      item->divisor, &text, collect->err)
			    : downward_field(collect->about, item->key, &text, collect->err);
		if (r == 0)
			r = payload_add(collect->payload, item->path, item_mode(collect, item),
				text, strlen(text), collect->err);
	}
	return r;
}

static int collect_token(struct collect *collect)
{
	const struct object_source *source = collect->source;
	const char *token = source->token(
		source->userdata, collect->about->pod, collect->projection, collect->err);
	char *copy;

	if (!token)
		return err_wrap(collect->err, "volume %s", collect->volume->name);
	copy = strdup(token);
	return copy ? payload_add(collect->payload, collect->projection->path,
			      collect->volume->mode, copy, strlen(copy), collect->err)
		    : err_set(collect->err, ENOMEM, "read a token");
}

int payload_make(const struct volume *volume, const struct downward *about,
	const struct object_source *source, struct payload *ret, struct err *err)
{
	static int (*const kinds[])(struct collect * collect) = {
		[PROJECTION_CONFIG_MAP] = collect_object,
		[PROJECTION_SECRET] = collect_object,
		[PROJECTION_DOWNWARD] = collect_downward,
		[PROJECTION_TOKEN] = collect_token,
	};
	struct payload payload = {0};
	struct collect collect = {.volume = volume,
		.about = about,
		.source = source,
		.payload = &payload,
		.err = err};
	int r = 0;

	for (size_t i = 0; r == 0 && i < volume->projection_count; i++) {
		collect.projection = &volume->projections[i];
		r = kinds[collect.projection->kind](&collect);
	}
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
