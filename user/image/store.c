// SPDX-License-Identifier: Apache-2.0
#include "user/image/store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/record.h"
#include "user/image/digest.h"

struct imagestore {
	char dir[PATH_MAX - 256]; /* absolute; what is appended to it is shorter than the rest */
	int dir_fd, lock_fd;
};

static int lock_take(int fd, int operation)
{
	int r;

	do {
		r = flock(fd, operation);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int store_make(struct imagestore *store, const char *dir, struct err *err)
{
	static const char *const parts[] = {"layers", "images", "tmp"};
	AUTO_FREE char *real = NULL;
	int r = fs_mkdir(dir, 0700, err);

	if (r < 0)
		return r;
	real = realpath(dir, NULL);
	if (!real)
		return err_set(err, errno, "open image store '%s'", dir);
	if (strlen(real) >= sizeof(store->dir))
		return err_set(err, ENAMETOOLONG, "open image store '%.100s...'", real);
	memcpy(store->dir, real, strlen(real) + 1);
	store->dir_fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->dir_fd < 0)
		return err_set(err, errno, "open image store '%s'", real);
	for (size_t i = 0; i < COUNT(parts); i++)
		if (mkdirat(store->dir_fd, parts[i], 0700) < 0 && errno != EEXIST)
			return err_set(err, errno, "make '%s/%s'", real, parts[i]);
	store->lock_fd = openat(store->dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return err_set(err, errno, "open '%s/lock'", real);
	return 0;
}

/* Calls @fn with each name in a directory of the store; what the walk itself adds may or may not be seen. */
static int store_each(struct imagestore *store, const char *part,
	int (*fn)(struct imagestore *store, const char *name, void *userdata, struct err *err),
	void *userdata, struct err *err)
{
	int fd = openat(store->dir_fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	AUTO_DIR dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		r = err_set(err, errno, "list '%s/%s'", store->dir, part);
		cleanup_fd(&fd);
		return r;
	}
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = fn(store, entry->d_name, userdata, err);
	return r;
}

static int temp_remove(struct imagestore *store, const char *name, void *userdata, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/tmp/%s", store->dir, name);

	(void)userdata;
	if (!path)
		return err_set(err, ENOMEM, "remove '%s'", name);
	return fs_remove(path, err);
}

/* Whoever holds the lock alone knows that all in tmp/ belongs to the dead. */
static int store_sweep(struct imagestore *store, struct err *err)
{
	return store_each(store, "tmp", temp_remove, NULL, err);
}

static struct imagestore *store_alloc(void)
{
	struct imagestore *store = calloc(1, sizeof(*store));

	if (store)
		store->dir_fd = store->lock_fd = -1;
	return store;
}

int imagestore_open(const char *dir, struct imagestore **ret, struct err *err)
{
	struct imagestore *store = store_alloc();
	int r;

	if (!store)
		return err_set(err, ENOMEM, "open image store");
	r = store_make(store, dir, err);
	/* What cannot be removed is no reason not to pull: a collection will say so. */
	if (r == 0 && lock_take(store->lock_fd, LOCK_EX | LOCK_NB) == 0)
		store_sweep(store, NULL);
	if (r == 0) {
		r = lock_take(store->lock_fd, LOCK_SH);
		if (r < 0)
			err_set(err, -r, "lock image store '%s'", store->dir);
	}
	if (r < 0) {
		imagestore_close(store);
		return r;
	}
	*ret = store;
	return 0;
}

struct imagestore *imagestore_close(struct imagestore *store)
{
	if (!store)
		return NULL;
	cleanup_fd(&store->lock_fd);
	cleanup_fd(&store->dir_fd);
	free(store);
	return NULL;
}

char *imagestore_layer_path(const struct imagestore *store, const char *diff_id)
{
	return fs_format("%s/layers/%s/fs", store->dir, digest_hex(diff_id));
}

bool imagestore_has_layer(const struct imagestore *store, const char *diff_id)
{
	AUTO_FREE char *path = imagestore_layer_path(store, diff_id);

	return path && access(path, F_OK) == 0;
}

int imagestore_layer_begin(struct imagestore *store, struct imagestore_layer *ret, struct err *err)
{
	struct imagestore_layer layer = {.root_fd = -1};
	size_t len;

	len = (size_t)snprintf(layer.path, sizeof(layer.path), "%s/tmp/XXXXXX", store->dir);
	if (!mkdtemp(layer.path))
		return err_set(err, errno, "make '%s'", layer.path);
	memcpy(layer.path + len, "/fs", sizeof("/fs"));
	if (mkdir(layer.path, 0755) == 0 && chmod(layer.path, 0755) == 0)
		layer.root_fd = open(layer.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layer.root_fd < 0)
		err_set(err, errno, "make '%s'", layer.path);
	layer.path[len] = '\0';
	if (layer.root_fd < 0) {
		imagestore_layer_abort(&layer);
		return -err->code;
	}
	*ret = layer;
	return 0;
}

void imagestore_layer_abort(struct imagestore_layer *layer)
{
	struct err ignored;

	close_fd(&layer->root_fd);
	if (layer->path[0])
		fs_remove(layer->path, &ignored);
	layer->path[0] = '\0';
}

static int dir_sync(struct imagestore *store, const char *part, struct err *err)
{
	AUTO_FD fd = openat(store->dir_fd, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, errno, "sync '%s/%s'", store->dir, part);
	return 0;
}

int imagestore_layer_commit(struct imagestore *store, struct imagestore_layer *layer,
	const char *diff_id, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/layers/%s", store->dir, digest_hex(diff_id));

	if (!path)
		return err_set(err, ENOMEM, "keep layer %s", diff_id);
	/* One syncfs instead of an fsync for each of thousands of files. */
	if (syncfs(layer->root_fd) < 0)
		return err_set(err, errno, "sync layer %s", diff_id);
	if (rename(layer->path, path) == 0) {
		layer->path[0] = '\0';
	} else if (errno != EEXIST && errno != ENOTEMPTY) {
		return err_set(err, errno, "rename '%s' to '%s'", layer->path, path);
	}
	imagestore_layer_abort(layer);
	return dir_sync(store, "layers", err);
}

/* References hold slashes and can be longer than a file name: their digest is the name. */
static char *image_path(const struct imagestore *store, const char *reference)
{
	char digest[DIGEST_SIZE];

	digest_of(reference, strlen(reference), digest);
	return fs_format("%s/images/%s", store->dir, digest_hex(digest));
}

/* True when the record has all its parts and they fit together. */
static bool image_is_sound(const json_t *image, const char *reference)
{
	const json_t *layers = json_object_get(image, "layers");

	if (reference && strcmp(json_string_at(image, "reference", ""), reference) != 0)
		return false;
	if (!digest_is_valid(json_string_at(image, "digest", "")) || json_array_size(layers) == 0 ||
		!json_is_object(json_object_get(image, "config")))
		return false;
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *diff_id = json_string_value(json_array_get(layers, i));

		if (!diff_id || !digest_is_valid(diff_id))
			return false;
	}
	return true;
}

/* Reads one record; a damaged one is set aside and answers -EBADMSG with the reason. */
static int image_load(const char *path, const char *reference, json_t **ret, struct err *err)
{
	AUTO_FREE char *text = NULL;
	AUTO_JSON image = NULL;
	struct err aside;
	size_t len;
	int r;

	r = record_read(path, IMAGESTORE_RECORD, &text, &len, NULL, err);
	if (r == 0)
		r = json_parse(text, len, path, &image, err);
	if (r == 0 && !image_is_sound(image, reference))
		r = err_refuse(err, EINVAL, "record '%s' is no image", path);
	if (r == 0) {
		*ret = take_ptr(image);
		return 0;
	}
	if (r != -EBADMSG && r != -EINVAL && r != -EPROTONOSUPPORT)
		return r;
	if (record_set_aside(path, &aside) < 0) {
		*err = aside;
		return -aside.code;
	}
	err->code = EBADMSG;
	return -EBADMSG;
}

int imagestore_read(struct imagestore *store, const char *reference, json_t **ret, struct err *err)
{
	AUTO_FREE char *path = image_path(store, reference);
	AUTO_JSON image = NULL;
	const json_t *layers;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "read image '%s'", reference);
	r = image_load(path, reference, &image, err);
	if (r < 0)
		return r;
	layers = json_object_get(image, "layers");
	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *diff_id = json_string_value(json_array_get(layers, i));

		if (!imagestore_has_layer(store, diff_id))
			return err_refuse(err, ENOENT, "layer %s is missing", diff_id);
	}
	*ret = take_ptr(image);
	return 0;
}

static int image_write(
	struct imagestore *store, const char *reference, const json_t *image, struct err *err)
{
	AUTO_FREE char *path = image_path(store, reference);
	AUTO_FREE char *text = json_text(image);

	if (!path || !text)
		return err_set(err, ENOMEM, "write image '%.150s'", reference);
	return record_write(path, IMAGESTORE_RECORD, text, strlen(text), FS_DURABLE, err);
}

/* A tag is about to mean another image: what it meant stays known by its digest. */
static int image_retain(
	struct imagestore *store, const char *reference, const char *new_digest, struct err *err)
{
	AUTO_FREE char *path = image_path(store, reference);
	AUTO_JSON image = NULL;
	const char *digest;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "write image '%.150s'", reference);
	r = image_load(path, reference, &image, err);
	if (r < 0)
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	digest = json_string_at(image, "digest", "");
	if (strcmp(digest, new_digest) == 0)
		return 0;
	if (json_object_set_new(image, "reference", json_string(digest)) < 0)
		return err_set(err, ENOMEM, "write image '%.150s'", reference);
	return image_write(store, digest, image, err);
}

int imagestore_write(
	struct imagestore *store, const char *reference, const json_t *image, struct err *err)
{
	/* Two pulls of one reference must not meet in the record's temporary file. */
	AUTO_FD turn = openat(store->dir_fd, "images", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (turn < 0 || lock_take(turn, LOCK_EX) < 0)
		return err_set(err, errno, "lock '%s/images'", store->dir);
	r = image_retain(store, reference, json_string_at(image, "digest", ""), err);
	return r < 0 ? r : image_write(store, reference, image, err);
}

int imagestore_touch(struct imagestore *store, const json_t *image, struct err *err)
{
	const json_t *layers = json_object_get(image, "layers");

	for (size_t i = 0; i < json_array_size(layers); i++) {
		const char *diff_id = json_string_value(json_array_get(layers, i));
		AUTO_FREE char *path = fs_format("%s/layers/%s", store->dir, digest_hex(diff_id));

		if (!path)
			return err_set(err, ENOMEM, "touch layer %s", diff_id);
		if (utimensat(AT_FDCWD, path, NULL, 0) < 0)
			return err_set(err, errno, "touch '%s'", path);
	}
	return 0;
}

struct collection {
	const struct imagestore_collect *collect;
	json_t *named;	 /* diff ids of the images that stay */
	uint64_t before; /* wall clock: layers used later stay */
};

static bool reference_is_kept(const struct imagestore_collect *collect, const char *reference)
{
	for (const char *const *keep = collect->keep; *keep; keep++)
		if (strcmp(*keep, reference) == 0)
			return true;
	return false;
}

static int image_collect(
	struct imagestore *store, const char *name, void *userdata, struct err *err)
{
	struct collection *collection = userdata;
	AUTO_FREE char *path = fs_format("%s/images/%s", store->dir, name);
	AUTO_JSON image = NULL;
	json_t *layers, *diff_id;
	size_t i;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "collect images");
	/* ".new" of a killed writer, ".damaged" set aside: neither names layers. */
	if (strlen(name) != DIGEST_HEX_LEN)
		return 0;
	r = image_load(path, NULL, &image, err);
	if (r < 0)
		return r == -EBADMSG ? 0 : r;
	if (!reference_is_kept(collection->collect, json_string_at(image, "reference", "")))
		return unlink(path) < 0 ? err_set(err, errno, "remove '%s'", path) : 0;
	layers = json_object_get(image, "layers");
	json_array_foreach (layers, i, diff_id) {
		const char *hex = digest_hex(json_string_value(diff_id));

		if (json_object_set_new(collection->named, hex, json_true()) < 0)
			return err_set(err, ENOMEM, "collect images");
	}
	return 0;
}

/* Moves an unused layer to tmp/: it is gone at once and whole, however long the removal takes. */
static int layer_collect(
	struct imagestore *store, const char *name, void *userdata, struct err *err)
{
	struct collection *collection = userdata;
	AUTO_FREE char *path = fs_format("%s/layers/%s", store->dir, name);
	AUTO_FREE char *gone = fs_format("%s/tmp/gone.%s", store->dir, name);
	struct stat st;

	if (!path || !gone)
		return err_set(err, ENOMEM, "collect images");
	if (json_object_get(collection->named, name))
		return 0;
	if (stat(path, &st) < 0)
		return err_set(err, errno, "look at '%s'", path);
	if ((uint64_t)st.st_mtim.tv_sec * USEC_PER_SEC + (uint64_t)st.st_mtim.tv_nsec / 1000 >
		collection->before)
		return 0;
	if (rename(path, gone) < 0)
		return err_set(err, errno, "remove '%s'", path);
	return 0;
}

static int imagestore_collect_locked(
	struct imagestore *store, const struct imagestore_collect *collect, struct err *err)
{
	uint64_t now = clock_wall();
	AUTO_JSON named = json_object();
	struct collection collection = {
		.collect = collect,
		.named = named,
		.before = now > collect->min_age_usec ? now - collect->min_age_usec : 0,
	};
	int r;

	if (!named)
		return err_set(err, ENOMEM, "collect images");
	r = store_sweep(store, err);
	if (r == 0)
		r = store_each(store, "images", image_collect, &collection, err);
	if (r == 0)
		r = dir_sync(store, "images", err);
	if (r == 0)
		r = store_each(store, "layers", layer_collect, &collection, err);
	return r == 0 ? store_sweep(store, err) : r;
}

int imagestore_collect(const char *dir, const struct imagestore_collect *collect, struct err *err)
{
	struct imagestore *store = store_alloc();
	int r;

	if (!store)
		return err_set(err, ENOMEM, "open image store");
	r = store_make(store, dir, err);
	if (r == 0 && lock_take(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = err_refuse(err, EBUSY, "images are being pulled into '%s'", store->dir);
	if (r == 0)
		r = imagestore_collect_locked(store, collect, err);
	imagestore_close(store);
	return r;
}
