/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 digests in their textual form.  Other algorithms are refused: no registry serves them alone. */
#pragma once

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>

#define DIGEST_PREFIX	  "sha256:"
#define DIGEST_PREFIX_LEN (sizeof(DIGEST_PREFIX) - 1)
#define DIGEST_HEX_LEN	  (2 * SHA256_DIGEST_SIZE)
#define DIGEST_SIZE	  (DIGEST_PREFIX_LEN + DIGEST_HEX_LEN + 1) /* NUL included */

/* True for "sha256:" and 64 lower-case hexadecimal digits. */
bool digest_is_valid(const char *text);

/* The 64 digits of a valid digest: they name files, where a colon would be in the way. */
const char *digest_hex(const char *digest);

/* Ends @hash and writes its digest. */
void digest_finish(struct sha256_ctx *hash, char ret[DIGEST_SIZE]);

/* Writes the digest of @len bytes at @data. */
void digest_of(const void *data, size_t len, char ret[DIGEST_SIZE]);
