/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of Services.  The highest free one of the range is taken; what was given once is remembered
 * by namespace/name until the Service is gone, across restarts too.  The first 16 addresses are given
 * only by name.  Pure: the agent keeps the record.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct err;
struct vips;

#define VIPS_RESERVED 16

/* @cidr as "10.96.0.0/16", from /12 to /28.  The caller owns *@ret. */
int vips_new(const char *cidr, struct vips **ret, struct err *err);
/* Accepts NULL; returns NULL. */
struct vips *vips_free(struct vips *vips);

/* Takes over what an earlier podnetd remembered: {"ns/name": "10.96.0.17"}.  Entries outside the range are dropped. */
void vips_load(struct vips *vips, const json_t *record);
/* The record to keep.  The caller owns it; NULL when memory is out. */
json_t *vips_record(const struct vips *vips);

/* The address of Service @key ("ns/name"): the remembered one, else the highest free one.
 * -ENOSPC: the range is full.  *@ret_changed: the record has to be written. */
int vips_take(struct vips *vips, const char *key, struct in_addr *ret, bool *ret_changed,
	struct err *err);
/* Gives @address to @key.  -ERANGE outside the range (or its first or last address); -EADDRINUSE when
 * another Service has it: @err names the field, the range or the holder. */
int vips_claim(struct vips *vips, const char *key, struct in_addr address, bool *ret_changed,
	struct err *err);
/* The Service that has @address; NULL: nobody.  Borrowed until the next change. */
const char *vips_holder(const struct vips *vips, struct in_addr address);
/* Forgets @key.  True when there was something to forget. */
bool vips_release(struct vips *vips, const char *key);
