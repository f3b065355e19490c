// SPDX-License-Identifier: Apache-2.0
#include "user/base/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

/* /proc files have no size, so the buffer grows until read(2) says the end. */
static int fs_read_fd(
	int fd, const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	size_t size = 4096, len = 0;
	AUTO_FREE char *buffer = malloc(size);

	for (;;) {
		ssize_t n;

		if (!buffer)
			return err_set(err, ENOMEM, "read '%s'", path);
		n = read(fd, buffer + len, size - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "read '%s'", path);
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_refuse(err, EFBIG, "'%s' is larger than %zu bytes", path, max);
		if (len + 1 == size) {
			char *grown = realloc(buffer, size *= 2);

			if (!grown)
				return err_set(err, ENOMEM, "read '%s'", path);
			buffer = grown;
		}
	}
	buffer[len] = '\0';
	if (ret_len)
		*ret_len = len;
	*ret = take_ptr(buffer);
	return 0;
}

int fs_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(err, errno, "open '%s'", path);
	return fs_read_fd(fd, path, max, ret, ret_len, err);
}

int fs_remove_entries(const char *path, bool (*wanted)(void *userdata, const char *name),
	void *userdata, struct err *err)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? 0 : err_set(err, errno, "list '%s'", path);
	while (r == 0 && (entry = readdir(dir))) {
		AUTO_FREE char *victim = NULL;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			!wanted(userdata, entry->d_name))
			continue;
		victim = fs_format("%s/%s", path, entry->d_name);
		r = victim ? fs_remove(victim, err) : err_set(err, ENOMEM, "empty '%s'", path);
	}
	return r;
}

static int fs_write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void fs_parent(const char *path, char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		snprintf(ret, PATH_MAX, ".");
	else
		snprintf(ret, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

static int fs_sync_parent(const char *path, struct err *err)
{
	char parent[PATH_MAX];
	AUTO_FD fd = -1;

	fs_parent(path, parent);
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_set(err, errno, "sync directory '%s'", parent);
	return 0;
}

static int fs_fill(const char *temp, const void *data, size_t len, mode_t mode,
	enum fs_durability durability, struct err *err)
{
	AUTO_FD fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return err_set(err, errno, "create '%s'", temp);
	if (fchmod(fd, mode) < 0)
		return err_set(err, errno, "set the mode of '%s'", temp);
	r = fs_write_all(fd, data, len);
	if (r < 0)
		return err_set(err, -r, "write '%s'", temp);
	if (durability == FS_DURABLE && fsync(fd) < 0)
		return err_set(err, errno, "sync '%s'", temp);
	return 0;
}

int fs_replace(const char *path, const void *data, size_t len, mode_t mode,
	enum fs_durability durability, struct err *err)
{
	char temp[PATH_MAX];
	int r;

	/* One writer per path by design; a left-over of a killed one is in nobody's use. */
	if (snprintf(temp, sizeof(temp), "%s.new", path) >= (int)sizeof(temp))
		return err_set(err, ENAMETOOLONG, "replace '%s'", path);
	if (unlink(temp) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove '%s'", temp);
	r = fs_fill(temp, data, len, mode, durability, err);
	if (r == 0 && rename(temp, path) < 0)
		r = err_set(err, errno, "rename '%s' to '%s'", temp, path);
	if (r < 0) {
		unlink(temp);
		return r;
	}
	return durability == FS_DURABLE ? fs_sync_parent(path, err) : 0;
}

int fs_write(const char *path, const char *text, struct err *err)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(err, errno, "open '%s'", path);
	if (write(fd, text, strlen(text)) < 0)
		return err_set(err, errno, "write '%s' to '%s'", text, path);
	return 0;
}

int fs_mkdir(const char *path, mode_t mode, struct err *err)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len == 0 || len >= sizeof(part))
		return err_set(err, ENAMETOOLONG, "make directory '%s'", path);
	memcpy(part, path, len + 1);
	for (char *p = part + 1;; p++) {
		char was = *p;

		if (was != '/' && was != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST)
			return err_set(err, errno, "make directory '%s'", part);
		*p = was;
		if (was == '\0')
			return 0;
	}
}

int fs_mkdir_parent(const char *path, mode_t mode, struct err *err)
{
	char parent[PATH_MAX];

	fs_parent(path, parent);
	return fs_mkdir(parent, mode, err);
}

/*
 * A tree that a container made may be deeper than we may have open descriptors: what lies deeper than
 * REMOVE_DEPTH moves up to the top directory and is removed from there in a further pass.
 */
#define REMOVE_DEPTH 64

struct removal {
	int top_fd;
	dev_t dev;
	bool moved;	      /* in this pass */
	unsigned long serial; /* for names that no other pass used */
};

static int removal_enter(
	struct removal *removal, int dir_fd, const char *name, int depth, struct err *err);

/* Takes @fd. */
static int removal_children(struct removal *removal, int fd, int depth, struct err *err)
{
	AUTO_DIR dir = fdopendir(fd);
	struct dirent *entry;
	int r = 0;

	if (!dir) {
		close(fd);
		return err_set(err, errno, "list a directory");
	}
	while (r == 0 && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = removal_enter(removal, dirfd(dir), entry->d_name, depth, err);
	return r;
}

static int removal_move_up(struct removal *removal, int dir_fd, const char *name, struct err *err)
{
	char to[64];

	snprintf(to, sizeof(to), ".deep-%d-%lu", (int)getpid(), ++removal->serial);
	if (renameat2(dir_fd, name, removal->top_fd, to, RENAME_NOREPLACE) < 0)
		return err_set(err, errno, "move '%s' up to remove it", name);
	removal->moved = true;
	return 0;
}

static int removal_enter(
	struct removal *removal, int dir_fd, const char *name, int depth, struct err *err)
{
	struct stat st;
	int fd, r;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(err, errno, "remove '%s'", name);
	if (depth >= REMOVE_DEPTH)
		return removal_move_up(removal, dir_fd, name, err);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, errno, "open '%s' to remove it", name);
	if (fstat(fd, &st) < 0 || st.st_dev != removal->dev) {
		close(fd);
		return err_set(err, EBUSY, "remove '%s'", name);
	}
	r = removal_children(removal, fd, depth + 1, err);
	if (r == 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = err_set(err, errno, "remove directory '%s'", name);
	return r;
}

static int removal_run(struct removal *removal, struct err *err)
{
	struct stat st;
	int r = 0;

	if (fstat(removal->top_fd, &st) < 0)
		return err_set(err, errno, "look at a directory to remove");
	removal->dev = st.st_dev;
	do {
		int fd = openat(removal->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (fd < 0)
			return err_set(err, errno, "open a directory to remove");
		removal->moved = false;
		r = removal_children(removal, fd, 1, err);
	} while (r == 0 && removal->moved);
	return r;
}

int fs_remove(const char *path, struct err *err)
{
	struct removal removal = {0};
	AUTO_FD top = -1;
	int r;

	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(err, errno, "remove '%s'", path);
	top = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0)
		return err_set(err, errno, "open '%s' to remove it", path);
	removal.top_fd = top;
	r = removal_run(&removal, err);
	if (r < 0)
		return err_wrap(err, "remove '%s'", path);
	if (rmdir(path) < 0 && errno != ENOENT)
		return err_set(err, errno, "remove directory '%s'", path);
	return 0;
}

char *fs_format(const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	return n < 0 ? NULL : text;
}
