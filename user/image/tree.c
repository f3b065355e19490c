// SPDX-License-Identifier: Apache-2.0
#include "user/image/tree.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"

#define TREE_LINKS_MAX 40  /* as the kernel's MAXSYMLINKS */
#define TREE_DEPTH_MAX 250 /* deeper ones serve only to exhaust those who walk them */

static bool is_whiteout(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

static unsigned path_depth(const char *path)
{
	unsigned depth = path[0] ? 1 : 0;

	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

/* Appends a component to a clean path. */
static int path_push(char path[PATH_MAX], const char *component, size_t len)
{
	size_t at = strlen(path);

	if (at + 1 + len >= PATH_MAX || path_depth(path) == TREE_DEPTH_MAX)
		return -ENAMETOOLONG;
	if (at)
		path[at++] = '/';
	memcpy(path + at, component, len);
	path[at + len] = '\0';
	return 0;
}

/* Removes the last component; false at the root. */
static bool path_pop(char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (path[0] == '\0')
		return false;
	*(slash ? slash : path) = '\0';
	return true;
}

static bool is_dot(const char *component, size_t len)
{
	return len == 0 || (len == 1 && component[0] == '.');
}

static bool is_dotdot(const char *component, size_t len)
{
	return len == 2 && component[0] == '.' && component[1] == '.';
}

int tree_clean(const char *name, char ret[PATH_MAX], struct err *err)
{
	char path[PATH_MAX] = "";

	for (const char *at = name; *at; at += strspn(at, "/")) {
		size_t len = strcspn(at, "/");

		if (is_dotdot(at, len)) {
			if (!path_pop(path))
				return err_refuse(
					err, EINVAL, "'%.150s' leads out of the image", name);
		} else if (!is_dot(at, len) && path_push(path, at, len) < 0) {
			return err_set(err, ENAMETOOLONG, "'%.150s'", name);
		}
		at += len;
	}
	memcpy(ret, path, strlen(path) + 1);
	return 0;
}

static int open_dir(int root_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_DIRECTORY | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));
}

static int open_beneath(int root_fd, const char *path)
{
	return open_dir(root_fd, path, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int tree_find_dir(const struct tree *tree, const char *path)
{
	int fd = open_dir(tree->root_fd, path, O_RDONLY, RESOLVE_IN_ROOT);

	return fd < 0 ? -errno : fd;
}

/*
 * The state of a walk: @done is real (no link in it), @rest is to come, the target of each link met being
 * put before it.
 */
struct walk {
	char done[PATH_MAX], rest[PATH_MAX];
	unsigned links;
};

static int walk_follow(struct walk *walk, const char *target, struct err *err)
{
	char rest[PATH_MAX];

	if (++walk->links > TREE_LINKS_MAX)
		return err_set(err, ELOOP, "'%.150s'", walk->done);
	if (snprintf(rest, sizeof(rest), "%s/%s", target, walk->rest) >= (int)sizeof(rest))
		return err_set(err, ENAMETOOLONG, "'%.150s'", target);
	path_pop(walk->done);
	if (target[0] == '/')
		walk->done[0] = '\0';
	memcpy(walk->rest, rest, strlen(rest) + 1);
	return 0;
}

/* Enters one component: a directory (made when it is missing) or a link, which is followed. */
static int walk_enter(const struct tree *tree, struct walk *walk, const char *component, size_t len,
	struct err *err)
{
	char target[PATH_MAX];
	ssize_t n;

	if (is_dot(component, len))
		return 0;
	if (is_dotdot(component, len))
		return path_pop(walk->done)
			       ? 0
			       : err_refuse(err, EINVAL, "a link below it leads out of the image");
	if (path_push(walk->done, component, len) < 0)
		return err_set(err, ENAMETOOLONG, "'%.150s'", component);
	n = readlinkat(tree->root_fd, walk->done, target, sizeof(target) - 1);
	if (n < 0)
		return tree_mkdir(tree, tree->root_fd, walk->done, err);
	target[n] = '\0';
	return walk_follow(walk, target, err);
}

static int tree_walk(const struct tree *tree, const char *path, int *ret_fd, struct err *err)
{
	struct walk walk = {.done = "", .links = 0};
	int fd, r;

	memcpy(walk.rest, path, strlen(path) + 1);
	while (walk.rest[0]) {
		char component[PATH_MAX];
		size_t len = strcspn(walk.rest, "/");
		size_t skip = len + strspn(walk.rest + len, "/");

		memcpy(component, walk.rest, len);
		component[len] = '\0';
		memmove(walk.rest, walk.rest + skip, strlen(walk.rest + skip) + 1);
		r = walk_enter(tree, &walk, component, len, err);
		if (r < 0)
			return r;
	}
	fd = open_beneath(tree->root_fd, walk.done);
	if (fd < 0)
		return err_set(err, errno, "open '%.150s'", walk.done);
	*ret_fd = fd;
	return 0;
}

int tree_open_dir(const struct tree *tree, const char *path, int *ret_fd, struct err *err)
{
	int fd = open_beneath(tree->root_fd, path);

	if (fd < 0) /* a link on the way, a missing directory, a whiteout: rare */
		return tree_walk(tree, path, ret_fd, err);
	*ret_fd = fd;
	return 0;
}

int tree_open_parent(const struct tree *tree, const char *path, int *ret_fd, const char **ret_base,
	struct err *err)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int r;

	memcpy(parent, path, len);
	parent[len] = '\0';
	r = tree_open_dir(tree, parent, ret_fd, err);
	if (r < 0)
		return err_wrap(err, "'%.100s'", path);
	*ret_base = slash ? slash + 1 : path;
	return 0;
}

int tree_count_file(const struct tree *tree, struct err *err)
{
	if (*tree->files_left == 0)
		return err_refuse(err, EFBIG, "image has more files than the limit");
	--*tree->files_left;
	return 0;
}

int tree_mkdir(const struct tree *tree, int dir_fd, const char *name, struct err *err)
{
	bool opaque = false;
	struct stat st;
	int r;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (!is_whiteout(&st))
			return S_ISDIR(st.st_mode) ? 0 : err_set(err, ENOTDIR, "'%.150s'", name);
		if (unlinkat(dir_fd, name, 0) < 0)
			return err_set(err, errno, "replace whiteout '%.150s'", name);
		opaque = true;
	}
	r = tree_count_file(tree, err);
	if (r < 0)
		return r;
	/* The umask is not ours to trust: the mode is set a second time. */
	if (mkdirat(dir_fd, name, 0755) < 0 || fchmodat(dir_fd, name, 0755, 0) < 0)
		return err_set(err, errno, "make directory '%.150s'", name);
	return opaque ? tree_make_opaque(dir_fd, name, err) : 0;
}

int tree_clear(int dir_fd, const char *name, struct err *err)
{
	AUTO_FREE char *path = NULL;

	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return err_set(err, errno, "replace '%.150s'", name);
	path = fs_format("/proc/self/fd/%d/%s", dir_fd, name);
	if (!path)
		return err_set(err, ENOMEM, "replace '%.150s'", name);
	return fs_remove(path, err);
}

int tree_make_opaque(int dir_fd, const char *name, struct err *err)
{
	AUTO_FD fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fsetxattr(fd, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return err_set(err, errno, "make directory '%.150s' opaque", name);
	return 0;
}

int tree_whiteout(const struct tree *tree, int dir_fd, const char *name, struct err *err)
{
	struct stat st;
	int r;

	/* What the layer itself has at that name hides the lower one already, a directory when opaque. */
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(st.st_mode) ? tree_make_opaque(dir_fd, name, err) : 0;
	r = tree_count_file(tree, err);
	if (r < 0)
		return r;
	if (mknodat(dir_fd, name, S_IFCHR, makedev(0, 0)) < 0)
		return err_set(err, errno, "make whiteout '%.150s'", name);
	return 0;
}
