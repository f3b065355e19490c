/* SPDX-License-Identifier: Apache-2.0 */
/* Who a container's process is: the image's USER and securityContext, looked up in the image itself. */
#pragma once

#include <sys/types.h>

#include "user/model/pod.h"

#define IDENTITY_MAX_GROUPS 64

struct err;

struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[IDENTITY_MAX_GROUPS]; /* the primary group first, then memberships */
	size_t group_count;
};

/*
 * @image_user: "", "UID", "NAME", "UID:GID", "NAME:GROUP".  @passwd, @group: the files' texts.  Pure.
 * -EPERM: runAsNonRoot forbids it, in the words of Kubernetes (CreateContainerConfigError).
 * -EINVAL: no such user or group in the image.
 */
int identity_find(const char *passwd, const char *group, const char *image_user,
	const struct security *security, struct identity *ret, struct err *err);

/* The same with the files of the image root @root; symlinks resolve inside it, missing files are empty. */
int identity_resolve(const char *root, const char *image_user, const struct security *security,
	struct identity *ret, struct err *err);
