/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Content of configMap, secret, downwardAPI and projected volumes, shown through the link "..data" that changes in one step:
 * a reader sees all old files or all new ones.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "user/model/pod.h"
#include "user/node/downward.h"
#include "user/node/volume.h"

struct err;

/* Owns what it points at: it may be written while the object it came from changes. */
struct payload_file {
	char *path; /* relative */
	void *data;
	size_t len;
	mode_t mode;
};

struct payload {
	struct payload_file *files;
	size_t count;
};

/*
 * What @volume of the Pod @about shows: of two sources with one path the later counts.  The caller releases @ret
 * with payload_clear.  -ENOENT names the missing object, key or token.
 */
int payload_make(const struct volume *volume, const struct downward *about,
	const struct object_source *source, struct payload *ret, struct err *err);
void payload_clear(struct payload *payload);

/* Makes the existing directory @dir show @payload.  Leaves it alone when it does already. */
int payload_write(const struct payload *payload, const char *dir, struct err *err);
