/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pool of IPv4 addresses kept as files: DIR/ADDRESS@TAG, one per address in use, TAG naming its
 * owner.  The name alone decides, so a damaged file costs nothing; its content (a record) is for
 * people and for the boot id.  After a reboot all owners are gone: the first call reclaims what
 * earlier boots left.  Every call takes DIR/lock for a few directory operations.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

struct err;

#define IPAM_TAG_LEN 12 /* lower-case hex digits */

struct ipam_range {
	uint32_t first, last; /* host byte order, both included */
};

struct ipam_pool {
	const char *dir; /* made when missing */
	const struct ipam_range *ranges;
	size_t range_count;
};

struct ipam_owner {
	const char *tag;  /* IPAM_TAG_LEN hex digits */
	const char *note; /* JSON text that tells people who that is */
};

/*
 * Takes the next free address after the one given out last (so that an address rests as long as
 * possible) and makes it durable.  -EEXIST: the owner has one.  -EADDRNOTAVAIL: none is free.
 */
int ipam_take(const struct ipam_pool *pool, const struct ipam_owner *owner, struct in_addr *ret,
	struct err *err);

/* The address @tag owns.  -ENOENT: none. */
int ipam_find(const char *dir, const char *tag, struct in_addr *ret, struct err *err);

/* Gives back what @tag owns.  Nothing to give back is success. */
int ipam_release(const char *dir, const char *tag, struct err *err);
