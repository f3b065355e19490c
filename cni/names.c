// SPDX-License-Identifier: Apache-2.0
#include "cni/names.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "podnet/cniwire.h"

#define NAME_MAX_LEN 200 /* leaves room for what is put around it in file names */

/* FNV-1a with the finaliser of MurmurHash3, because only 48 of the bits are used. */
static uint64_t names_hash(const char *one, const char *other)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	/* The NUL between them counts: ("a", "bc") is not ("ab", "c"). */
	for (size_t i = 0; i <= strlen(one); i++)
		hash = (hash ^ (unsigned char)one[i]) * UINT64_C(0x100000001b3);
	for (size_t i = 0; other[i]; i++)
		hash = (hash ^ (unsigned char)other[i]) * UINT64_C(0x100000001b3);
	hash = (hash ^ hash >> 33) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ hash >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

void attachment_name(const char *container_id, const char *ifname, struct attachment_names *ret)
{
	snprintf(ret->tag, sizeof(ret->tag), "%012" PRIx64,
		names_hash(container_id, ifname) & UINT64_C(0xffffffffffff));
	snprintf(ret->host_ifname, sizeof(ret->host_ifname), CNI_HOST_PREFIX "%s", ret->tag);
}

static bool name_is_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool name_is_id(const char *name)
{
	if (!name_is_alphanumeric(name[0]) || strlen(name) > NAME_MAX_LEN)
		return false;
	for (const char *p = name; *p; p++)
		if (!name_is_alphanumeric(*p) && !strchr("_.-", *p))
			return false;
	return true;
}
