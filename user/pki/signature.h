/* SPDX-License-Identifier: Apache-2.0 */
/* Compact JSON Web Signatures (RFC 7515) with one ES256 key. */
#pragma once

#include <stddef.h>

struct err;
struct signer;

#define SIGNATURE_TOKEN_MOST 8192 /* bytes; a longer token is refused unread */

/* Reads a private key in PEM.  The caller owns *@ret. */
int signer_new(const char *key, struct signer **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct signer *signer_free(struct signer *signer);

/* A new P-256 key in PEM, which the caller frees. */
int signer_make_key(char **ret, struct err *err);

/* "header.@payload.signature".  The caller frees *@ret. */
int signer_sign(const struct signer *signer, const char *payload, char **ret, struct err *err);

/* The payload of a token that this key has signed, which the caller frees; otherwise why not: EBADMSG. */
int signer_verify(const struct signer *signer, const char *token, char **ret, struct err *err);
