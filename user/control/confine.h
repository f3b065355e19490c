/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What podnet-control gives up before it listens to anybody: root's rights, and system calls that no API server
 * needs.  Both are for good, and for all threads that are started later.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* The user to become. */
struct confine_user {
	uid_t uid;
	gid_t gid;
	bool change; /* false: we stay who we are */
};

/*
 * Who @name is.  "", or when we are not root: we stay who we are.  An unknown name is refused, but not CONFINE_USER:
 * a machine without that user has a podnet-control that is root, and is warned.
 */
#define CONFINE_USER "podnet-control"
int confine_find(const char *name, struct confine_user *ret, struct err *err);

/* Makes @directory, 0700, for the user.  -EPERM: it is there, and somebody else's. */
int confine_give(const struct confine_user *user, const char *directory, struct err *err);

/* Becomes the user and takes the filter on; who stays root stays as root is. */
int confine_enter(const struct confine_user *user, struct err *err);
