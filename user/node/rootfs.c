// SPDX-License-Identifier: Apache-2.0
#include "user/node/rootfs.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

/*
 * mount(2) takes one page of options.  Layers are named by descriptor: short enough for 200 of them
 * whatever the length of their paths, and ':' and ',' in paths mean nothing.
 */
#define LAYERS_MAX  200
#define OPTIONS_MAX 4096

struct layers {
	int fds[LAYERS_MAX + 2]; /* and the upper and work directories */
	size_t count;
};

static void layers_close(struct layers *layers)
{
	for (size_t i = 0; i < layers->count; i++)
		close(layers->fds[i]);
}

static int layers_open(struct layers *layers, const char *path, struct err *err)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	/* Not ENOENT, which is a ConfigMap or Secret to those who hear of it. */
	if (fd < 0 && errno == ENOENT)
		return err_refuse(err, EIO, "'%s', a part of the image, is missing", path);
	if (fd < 0)
		return err_set(err, errno, "open '%s'", path);
	layers->fds[layers->count++] = fd;
	return 0;
}

/* overlayfs refuses a directory twice; what stands below its second appearance is hidden by that anyway. */
static bool layer_comes_again(char *const *layer)
{
	for (char *const *above = layer + 1; *above; above++)
		if (strcmp(*layer, *above) == 0)
			return true;
	return false;
}

static int layers_open_all(struct layers *layers, char *const *paths, struct err *err)
{
	size_t count = 0;
	int r = 0;

	while (paths[count])
		count++;
	if (count == 0)
		return err_refuse(err, EINVAL, "the image has no layers");
	/* overlay wants the highest first. */
	while (r == 0 && count-- > 0) {
		if (layer_comes_again(&paths[count]))
			continue;
		if (layers->count == LAYERS_MAX)
			return err_refuse(
				err, E2BIG, "the image has more than %d layers", LAYERS_MAX);
		r = layers_open(layers, paths[count], err);
	}
	return r;
}

static int writable_make(struct layers *layers, const char *writable, struct err *err)
{
	AUTO_FREE char *upper = fs_format("%s/upper", writable);
	AUTO_FREE char *work = fs_format("%s/work", writable);
	int r;

	if (!upper || !work)
		return err_set(err, ENOMEM, "make '%s'", writable);
	r = fs_remove(writable, err);
	if (r == 0)
		r = fs_mkdir(writable, 0700, err);
	if (r == 0)
		r = fs_mkdir(work, 0700, err);
	if (r == 0)
		r = fs_mkdir(upper, 0755, err);
	/* The upper directory's mode is that of the container's "/", whatever our umask. */
	if (r == 0 && chmod(upper, 0755) < 0)
		r = err_set(err, errno, "set the mode of '%s'", upper);
	if (r == 0)
		r = layers_open(layers, upper, err);
	return r < 0 ? r : layers_open(layers, work, err);
}

static int options_write(const struct layers *layers, char options[OPTIONS_MAX], struct err *err)
{
	FILE *text = fmemopen(options, OPTIONS_MAX, "w");
	size_t lowers = layers->count - 2;
	bool ok;

	if (!text)
		return err_set(err, ENOMEM, "write mount options");
	/*
	 * volatile: the layer never outlives its container, so unmounting need not sync the disk.
	 * redirect_dir, metacopy: an image's extended attributes must not lead out of its layers.
	 */
	fputs("volatile,redirect_dir=nofollow,metacopy=off,lowerdir=", text);
	for (size_t i = 0; i < lowers; i++)
		fprintf(text, "%s/proc/self/fd/%d", i ? ":" : "", layers->fds[i]);
	fprintf(text, ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d", layers->fds[lowers],
		layers->fds[lowers + 1]);
	ok = fflush(text) == 0 && !ferror(text);
	fclose(text);
	return ok ? 0 : err_refuse(err, E2BIG, "the image has too many layers for one mount");
}

int rootfs_mount(char *const *layers, const char *writable, const char *target, struct err *err)
{
	AUTO_CLEANUP(layers_close) struct layers open = {0};
	char options[OPTIONS_MAX] = "";
	int r = layers_open_all(&open, layers, err);

	if (r == 0)
		r = writable_make(&open, writable, err);
	if (r == 0)
		r = options_write(&open, options, err);
	if (r == 0)
		r = fs_mkdir(target, 0700, err);
	if (r < 0)
		return r;
	if (mount("overlay", target, "overlay", MS_NODEV, options) < 0)
		return err_set(err, errno, "mount overlay at '%s'", target);
	return 0;
}
