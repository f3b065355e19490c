// SPDX-License-Identifier: Apache-2.0
#include "user/image/digest.h"

#include <stdio.h>
#include <string.h>

bool digest_is_valid(const char *text)
{
	return strncmp(text, DIGEST_PREFIX, DIGEST_PREFIX_LEN) == 0 &&
	       strspn(text + DIGEST_PREFIX_LEN, "0123456789abcdef") == DIGEST_HEX_LEN &&
	       text[DIGEST_SIZE - 1] == '\0';
}

const char *digest_hex(const char *digest)
{
	return digest + DIGEST_PREFIX_LEN;
}

void digest_finish(struct sha256_ctx *hash, char ret[DIGEST_SIZE])
{
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(hash, sizeof(raw), raw);
	memcpy(ret, DIGEST_PREFIX, DIGEST_PREFIX_LEN);
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(ret + DIGEST_PREFIX_LEN + 2 * i, 3, "%02x", raw[i]);
}

void digest_of(const void *data, size_t len, char ret[DIGEST_SIZE])
{
	struct sha256_ctx hash;

	sha256_init(&hash);
	sha256_update(&hash, len, data);
	digest_finish(&hash, ret);
}
