/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records: the small files that carry state across a crash.  On disk: one header line
 * "podnet-record VERSION KIND CRC32 LENGTH BOOT-ID\n", then the payload (JSON).  A damaged record is told
 * from a missing one: it is set aside as PATH.damaged by record_set_aside, and reported.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/fs.h"

#define RECORD_VERSION 1
#define RECORD_MAX     (4u << 20) /* bytes of payload */

struct err;

/* Replaces the record at @path.  @kind is one lower-case word ("pod", "exit", ...). */
int record_write(const char *path, const char *kind, const void *payload, size_t len,
	enum fs_durability durability, struct err *err);

/*
 * Reads the record at @path.  On success the caller frees *@ret (NUL-terminated).
 * *@ret_this_boot (may be NULL) tells whether it was written in this boot.
 * -ENOENT: there is none.  -EBADMSG: header, length or checksum is wrong.  Others: I/O errors.
 */
int record_read(const char *path, const char *kind, char **ret, size_t *ret_len,
	bool *ret_this_boot, struct err *err);

/* Renames a damaged record to "PATH.damaged", over an older one, so that it is kept and not read again. */
int record_set_aside(const char *path, struct err *err);
/* True for the name that a record set aside has. */
bool record_is_aside(const char *name);
