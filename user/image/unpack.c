// SPDX-License-Identifier: Apache-2.0
#include "user/image/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/image/stream.h"
#include "user/image/tree.h"

#define WHITEOUT_PREFIX	    ".wh."
#define WHITEOUT_PREFIX_LEN (sizeof(WHITEOUT_PREFIX) - 1)
#define WHITEOUT_META	    ".wh..wh."
#define WHITEOUT_OPAQUE	    ".wh..wh..opq"

/* Directory times are set last: filling a directory changes them. */
struct dir_time {
	char *path;
	struct timespec mtime;
};

struct unpack {
	struct stream *stream;
	struct archive *tar;
	struct unpack_budget *budget;
	struct tree tree;
	struct dir_time *times;
	size_t time_count, time_size;
};

/* One entry on its way: where it goes and what libarchive says of it. */
struct item {
	struct archive_entry *entry;
	char path[PATH_MAX]; /* clean */
	int dir_fd;	     /* of the parent; borrowed */
	const char *base;    /* last component, inside path */
};

static struct timespec item_mtime(const struct item *item)
{
	return (struct timespec){
		.tv_sec = archive_entry_mtime(item->entry),
		.tv_nsec = archive_entry_mtime_nsec(item->entry),
	};
}

static int owner_check(const struct item *item, struct err *err)
{
	la_int64_t uid = archive_entry_uid(item->entry), gid = archive_entry_gid(item->entry);

	/* -1 would mean "leave it": the file would be root's. */
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return err_refuse(err, EINVAL, "'%.150s' has an impossible owner", item->path);
	return 0;
}

/* trusted.overlay.* would steer overlayfs; labels and ACLs of another machine mean nothing here. */
static bool xattr_is_kept(const char *name)
{
	return strcmp(name, "security.capability") == 0 ||
	       (strncmp(name, "user.", 5) == 0 && strncmp(name, "user.overlay.", 13) != 0);
}

static int xattrs_apply(const struct item *item, int fd, struct err *err)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(item->entry);
	while (archive_entry_xattr_next(item->entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || !xattr_is_kept(name) || fsetxattr(fd, name, value, size, 0) == 0)
			continue;
		/* tmpfs has no user attributes: an image works without them. */
		if (errno == ENOTSUP && strncmp(name, "user.", 5) == 0)
			continue;
		return err_set(err, errno, "set '%.60s' of '%.120s'", name, item->path);
	}
	return 0;
}

/* In this order: chown drops setuid bits and capabilities. */
static int meta_apply(const struct item *item, int fd, struct err *err)
{
	if (fchown(fd, (uid_t)archive_entry_uid(item->entry),
		    (gid_t)archive_entry_gid(item->entry)) < 0 ||
		fchmod(fd, archive_entry_perm(item->entry)) < 0)
		return err_set(err, errno, "set owner and mode of '%.150s'", item->path);
	return xattrs_apply(item, fd, err);
}

/* For what cannot be opened: links, devices, fifos. */
static int meta_apply_at(const struct item *item, bool is_link, struct err *err)
{
	struct timespec mtime = item_mtime(item);

	if (fchownat(item->dir_fd, item->base, (uid_t)archive_entry_uid(item->entry),
		    (gid_t)archive_entry_gid(item->entry), AT_SYMLINK_NOFOLLOW) < 0 ||
		(!is_link && fchmodat(item->dir_fd, item->base, archive_entry_perm(item->entry),
				     0) < 0) ||
		utimensat(item->dir_fd, item->base, (struct timespec[2]){mtime, mtime},
			AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(err, errno, "set owner, mode and time of '%.150s'", item->path);
	return 0;
}

static int data_write(int fd, const char *data, size_t len, off_t offset)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		offset += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Copies an entry's data; holes stay holes. */
static int data_copy(struct unpack *unpack, const struct item *item, int fd, struct err *err)
{
	la_int64_t size = archive_entry_size(item->entry), offset;
	const void *data;
	size_t len;
	int r;

	if (size < 0 || (uint64_t)size > unpack->budget->bytes)
		return err_refuse(
			err, EFBIG, "'%.150s' makes the image larger than the limit", item->path);
	unpack->budget->bytes -= (uint64_t)size;
	while ((r = archive_read_data_block(unpack->tar, &data, &len, &offset)) == ARCHIVE_OK) {
		if (offset < 0 || offset > size || len > (uint64_t)(size - offset))
			return err_refuse(
				err, EBADMSG, "'%.150s' is longer than it says", item->path);
		r = data_write(fd, data, len, offset);
		if (r < 0)
			return err_set(err, -r, "write '%.150s'", item->path);
	}
	if (r != ARCHIVE_EOF)
		return err_refuse(err, EBADMSG, "'%.100s': %s", item->path,
			archive_error_string(unpack->tar));
	if (ftruncate(fd, size) < 0)
		return err_set(err, errno, "set the length of '%.150s'", item->path);
	return 0;
}

static int add_file(struct unpack *unpack, const struct item *item, struct err *err)
{
	struct timespec mtime = item_mtime(item);
	AUTO_FD fd = openat(item->dir_fd, item->base,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r;

	if (fd < 0)
		return err_set(err, errno, "make '%.150s'", item->path);
	r = data_copy(unpack, item, fd, err);
	if (r < 0)
		return r;
	r = meta_apply(item, fd, err);
	if (r < 0)
		return r;
	if (futimens(fd, (struct timespec[2]){mtime, mtime}) < 0)
		return err_set(err, errno, "set the time of '%.150s'", item->path);
	return 0;
}

static int dir_time_add(struct unpack *unpack, const struct item *item, struct err *err)
{
	char *path;

	if (unpack->time_count == unpack->time_size) {
		size_t size = unpack->time_size ? 2 * unpack->time_size : 64;
		struct dir_time *times = realloc(unpack->times, size * sizeof(*times));

		if (!times)
			return err_set(err, ENOMEM, "unpack a layer");
		unpack->times = times;
		unpack->time_size = size;
	}
	path = strdup(item->path);
	if (!path)
		return err_set(err, ENOMEM, "unpack a layer");
	unpack->times[unpack->time_count++] = (struct dir_time){path, item_mtime(item)};
	return 0;
}

static int add_dir(struct unpack *unpack, const struct item *item, struct err *err)
{
	const char *name = item->base[0] ? item->base : ".";
	AUTO_FD fd = -1;
	struct stat st;
	int r = 0;

	/* A directory replaces anything but a directory; tree_mkdir knows what a whiteout means. */
	if (fstatat(item->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(st.st_mode) &&
		!S_ISCHR(st.st_mode))
		r = tree_clear(item->dir_fd, name, err);
	if (r == 0)
		r = tree_mkdir(&unpack->tree, item->dir_fd, name, err);
	if (r < 0)
		return r;
	fd = openat(item->dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open '%.150s'", item->path);
	r = meta_apply(item, fd, err);
	return r < 0 ? r : dir_time_add(unpack, item, err);
}

static int add_link(const struct item *item, struct err *err)
{
	const char *target = archive_entry_symlink(item->entry);

	if (!target || !target[0])
		return err_refuse(err, EINVAL, "link '%.150s' has no target", item->path);
	if (symlinkat(target, item->dir_fd, item->base) < 0)
		return err_set(err, errno, "make link '%.150s'", item->path);
	return meta_apply_at(item, true, err);
}

/* Devices are made as the image says; the devices cgroup keeps them unusable. */
static int add_special(const struct item *item, struct err *err)
{
	mode_t type = archive_entry_filetype(item->entry);
	dev_t dev = S_ISFIFO(type) ? 0
				   : makedev((unsigned)archive_entry_rdevmajor(item->entry),
					     (unsigned)archive_entry_rdevminor(item->entry));

	if (S_ISCHR(type) && dev == makedev(0, 0))
		return err_refuse(
			err, EINVAL, "'%.150s' is a whiteout in a form no image has", item->path);
	if (mknodat(item->dir_fd, item->base, type | 0600, dev) < 0)
		return err_set(err, errno, "make '%.150s'", item->path);
	return meta_apply_at(item, false, err);
}

static int add_hardlink(const struct unpack *unpack, const struct item *item, struct err *err)
{
	char target[PATH_MAX];
	const char *base;
	AUTO_FD fd = -1;
	int r;

	r = tree_clean(archive_entry_hardlink(item->entry), target, err);
	if (r < 0)
		return err_wrap(err, "hard link '%.60s'", item->path);
	if (strcmp(target, item->path) == 0)
		return err_refuse(err, EINVAL, "hard link '%.150s' to itself", item->path);
	r = tree_open_parent(&unpack->tree, target, &fd, &base, err);
	if (r < 0)
		return err_wrap(err, "hard link '%.60s'", item->path);
	r = tree_clear(item->dir_fd, item->base, err);
	if (r == 0)
		r = tree_count_file(&unpack->tree, err);
	if (r < 0)
		return r;
	if (linkat(fd, base, item->dir_fd, item->base, 0) < 0)
		return err_set(err, errno, "hard link '%.90s' to '%.90s'", item->path, target);
	return 0;
}

static int add_whiteout(const struct unpack *unpack, const struct item *item, struct err *err)
{
	const char *hidden = item->base + WHITEOUT_PREFIX_LEN;

	if (strcmp(item->base, WHITEOUT_OPAQUE) == 0)
		return tree_make_opaque(item->dir_fd, ".", err);
	if (strncmp(item->base, WHITEOUT_META, sizeof(WHITEOUT_META) - 1) == 0 ||
		hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return err_refuse(err, EINVAL, "unknown whiteout '%.150s'", item->path);
	return tree_whiteout(&unpack->tree, item->dir_fd, hidden, err);
}

static int item_add(struct unpack *unpack, const struct item *item, struct err *err)
{
	mode_t type = archive_entry_filetype(item->entry);
	int r;

	if (strncmp(item->base, WHITEOUT_PREFIX, WHITEOUT_PREFIX_LEN) == 0)
		return add_whiteout(unpack, item, err);
	if (archive_entry_hardlink(item->entry))
		return add_hardlink(unpack, item, err);
	if (S_ISDIR(type))
		return add_dir(unpack, item, err);
	if (!S_ISREG(type) && !S_ISLNK(type) && !S_ISCHR(type) && !S_ISBLK(type) && !S_ISFIFO(type))
		return err_refuse(err, EINVAL, "'%.150s' is of a type no image has", item->path);
	r = tree_clear(item->dir_fd, item->base, err);
	if (r == 0)
		r = tree_count_file(&unpack->tree, err);
	if (r < 0)
		return r;
	if (S_ISREG(type))
		return add_file(unpack, item, err);
	return S_ISLNK(type) ? add_link(item, err) : add_special(item, err);
}

static int entry_add(struct unpack *unpack, struct archive_entry *entry, struct err *err)
{
	const char *name = archive_entry_pathname(entry);
	struct item item = {.entry = entry};
	AUTO_FD dir_fd = -1;
	int r;

	if (!name)
		return err_refuse(err, EBADMSG, "layer: an entry without a name");
	r = tree_clean(name, item.path, err);
	if (r == 0)
		r = owner_check(&item, err);
	if (r == 0)
		r = tree_open_parent(&unpack->tree, item.path, &dir_fd, &item.base, err);
	if (r < 0)
		return r;
	item.dir_fd = dir_fd;
	if (item.base[0] == '\0' && !S_ISDIR(archive_entry_filetype(entry)))
		return err_refuse(err, EINVAL, "the root of a layer is no directory");
	return item_add(unpack, &item, err);
}

static int times_apply(const struct unpack *unpack, struct err *err)
{
	for (size_t i = 0; i < unpack->time_count; i++) {
		const struct dir_time *time = &unpack->times[i];
		AUTO_FD fd = tree_find_dir(&unpack->tree, time->path);

		/* A later entry may have replaced it or one of its parents, by a link to anywhere too. */
		if (fd < 0)
			continue;
		if (futimens(fd, (struct timespec[2]){time->mtime, time->mtime}) < 0)
			return err_set(err, errno, "set the time of '%.150s'", time->path);
	}
	return 0;
}

static la_ssize_t tar_read(struct archive *tar, void *userdata, const void **ret)
{
	struct unpack *unpack = userdata;
	struct err err;
	ssize_t n = stream_read(unpack->stream, ret, &err);

	if (n < 0) {
		archive_set_error(tar, err.code, "%s", err.text);
		return ARCHIVE_FATAL;
	}
	return n;
}

/* libarchive's error as ours. */
static int tar_failed(const struct unpack *unpack, struct err *err)
{
	return err_refuse(err, archive_errno(unpack->tar) == EFBIG ? EFBIG : EBADMSG, "%s",
		archive_error_string(unpack->tar));
}

static int tar_open(struct unpack *unpack, struct err *err)
{
	struct archive *tar = unpack->tar;

	if (archive_read_support_format_tar(tar) != ARCHIVE_OK ||
		archive_read_support_format_empty(tar) != ARCHIVE_OK ||
		archive_read_open(tar, unpack, NULL, tar_read, NULL) != ARCHIVE_OK)
		return tar_failed(unpack, err);
	return 0;
}

static int tar_unpack(struct unpack *unpack, struct err *err)
{
	struct archive_entry *entry;
	int r = tar_open(unpack, err);

	while (r == 0) {
		int next = archive_read_next_header(unpack->tar, &entry);

		if (next == ARCHIVE_EOF)
			return times_apply(unpack, err);
		if (next != ARCHIVE_OK && next != ARCHIVE_WARN)
			return tar_failed(unpack, err);
		r = entry_add(unpack, entry, err);
	}
	return r;
}

/* libarchive converts the UTF-8 names of pax headers to the locale's set: in C.UTF-8 they stay what they are. */
static int tar_unpack_utf8(struct unpack *unpack, struct err *err)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0), was;
	int r;

	if (!utf8)
		return err_set(err, errno, "use the locale C.UTF-8");
	was = uselocale(utf8);
	r = tar_unpack(unpack, err);
	uselocale(was);
	freelocale(utf8);
	return r;
}

int unpack_layer(struct stream *stream, int root_fd, struct unpack_budget *budget, struct err *err)
{
	struct unpack unpack = {
		.stream = stream,
		.tar = archive_read_new(),
		.budget = budget,
		.tree = {.root_fd = root_fd, .files_left = &budget->files},
	};
	int r;

	if (!unpack.tar)
		return err_set(err, ENOMEM, "unpack a layer");
	r = tar_unpack_utf8(&unpack, err);
	archive_read_free(unpack.tar);
	for (size_t i = 0; i < unpack.time_count; i++)
		free(unpack.times[i].path);
	free(unpack.times);
	return r;
}
