/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read whole, replace atomically, make and remove trees.  Paths in errors are the caller's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

enum fs_durability {
	FS_VOLATILE, /* tmpfs or rebuildable: rename only */
	FS_DURABLE,  /* survives power loss: fsync the file, rename, fsync the directory */
};

/*
 * Reads the whole file into a NUL-terminated buffer that the caller frees.  A file larger than
 * @max bytes is refused with EFBIG.  @ret_len may be NULL.
 */
int fs_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err);

/* Replaces @path by @data in one step: a reader sees the old file or the new one, never a part. */
int fs_replace(const char *path, const void *data, size_t len, mode_t mode,
	enum fs_durability durability, struct err *err);

/* Writes @text to an existing file in one write(2): sysctls and cgroup attributes. */
int fs_write(const char *path, const char *text, struct err *err);

/* Makes @path and its missing parents with @mode.  An existing directory is success. */
int fs_mkdir(const char *path, mode_t mode, struct err *err);

/* The same for the directory that @path is in. */
int fs_mkdir_parent(const char *path, mode_t mode, struct err *err);

/* Removes @path and all below it, without following links or crossing into another mount
 * (a mount point below is EBUSY).  A missing @path is success. */
int fs_remove(const char *path, struct err *err);

/* The same for those entries of the directory @path whose names @wanted says yes to.  A missing @path is success. */
int fs_remove_entries(const char *path, bool (*wanted)(void *userdata, const char *name),
	void *userdata, struct err *err);

/* printf into a fresh string that the caller frees; NULL when memory is out. */
char *fs_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
