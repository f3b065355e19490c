// SPDX-License-Identifier: Apache-2.0
#include "user/agent/uid.h"

#include <errno.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"

/* Each part with its NUL, so that no two lists of parts read the same. */
static void uid_part(struct sha256_ctx *hash, const char *text)
{
	sha256_update(hash, strlen(text) + 1, (const uint8_t *)text);
}

bool uid_is_derived(const char *uid)
{
	return strlen(uid) == UID_LEN - 1 && uid[14] == '8';
}

int uid_derive(
	const char *file, const struct object *object, uint64_t incarnation, char ret[UID_LEN])
{
	AUTO_FREE char *spec =
		json_dumps(json_object_get(object->json, "spec"), JSON_COMPACT | JSON_SORT_KEYS);
	struct sha256_ctx hash;
	char number[24];
	uint8_t d[16];

	if (!spec)
		return -ENOMEM;
	snprintf(number, sizeof(number), "%llu", (unsigned long long)incarnation);
	sha256_init(&hash);
	uid_part(&hash, file);
	uid_part(&hash, object->meta.namespace);
	uid_part(&hash, object->meta.name);
	uid_part(&hash, spec);
	uid_part(&hash, number);
	sha256_digest(&hash, sizeof(d), d);
	d[6] = (uint8_t)((d[6] & 0x0f) | 0x80);
	d[8] = (uint8_t)((d[8] & 0x3f) | 0x80);
	snprintf(ret, UID_LEN,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", d[0], d[1],
		d[2], d[3], d[4], d[5], d[6], d[7], d[8], d[9], d[10], d[11], d[12], d[13], d[14],
		d[15]);
	return 0;
}
