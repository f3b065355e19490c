/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory a layer is unpacked into.  Names come from a stranger: absolute ones start at the tree's root,
 * symbolic links are followed inside it as a container would follow them, and what would lead out is refused.
 * Nobody else may change the tree meanwhile.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct err;

struct tree {
	int root_fd;	      /* borrowed */
	uint64_t *files_left; /* inodes that may still be made; hard links count as well */
};

/* Removes ".", empty and ".." components.  "" is the root.  -EINVAL when the name leads out of it. */
int tree_clean(const char *name, char ret[PATH_MAX], struct err *err);

/* Opens the directory at the clean @path, making what is missing.  The caller owns *@ret_fd (O_PATH). */
int tree_open_dir(const struct tree *tree, const char *path, int *ret_fd, struct err *err);

/*
 * Opens what is a directory at the clean @path for reading, links resolved inside the tree; makes nothing.
 * Returns the descriptor, which the caller owns, or a negative errno.
 */
int tree_find_dir(const struct tree *tree, const char *path);

/* The same as tree_open_dir for the directory that holds @path; *@ret_base is its last component, inside @path. */
int tree_open_parent(const struct tree *tree, const char *path, int *ret_fd, const char **ret_base,
	struct err *err);

/* Makes a directory owned by root, 0755.  An existing one is success; in place of a whiteout it is opaque. */
int tree_mkdir(const struct tree *tree, int dir_fd, const char *name, struct err *err);

/* Takes one inode off what may still be made.  -EFBIG: none is left. */
int tree_count_file(const struct tree *tree, struct err *err);

/* Makes room for a new @name: removes what this layer put there before.  Directories go with their content. */
int tree_clear(int dir_fd, const char *name, struct err *err);

/* Overlayfs' whiteout (a 0:0 character device), and its mark of a directory that hides the ones below. */
int tree_whiteout(const struct tree *tree, int dir_fd, const char *name, struct err *err);
int tree_make_opaque(int dir_fd, const char *name, struct err *err);
