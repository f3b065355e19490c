/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a service account's token says, as Kubernetes words it: whose it is, what it is bound to, for whom and
 * how long.  No signatures here, and no look at what there is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/auth/identity.h"

struct err;

#define TOKEN_ISSUER   "https://kubernetes.default.svc.cluster.local"
#define TOKEN_AUDIENCE TOKEN_ISSUER /* the API server itself */

#define CLAIM_NAME_MAX 254
#define CLAIM_UID_MAX  64

struct claim_object {
	char name[CLAIM_NAME_MAX], uid[CLAIM_UID_MAX]; /* name "": there is none */
};

struct token_claims {
	char namespace[CLAIM_NAME_MAX];
	struct claim_object account;
	struct claim_object pod, secret, node; /* the token ends with these */
	char id[CLAIM_UID_MAX];		       /* of this token */
	int64_t issued, expires;	       /* seconds since 1970 */
};

/* @audiences: a list of strings.  The payload, which the caller frees; NULL when memory is out. */
char *token_claims_write(const struct token_claims *claims, const json_t *audiences);

/*
 * Reads a payload whose signature was right.  @audiences: it must be for one of these; *@ret_audiences, which the
 * caller owns, are those that it is for.  EBADMSG with the reason: not ours, not for these, not yet or no more
 * at @now.
 */
int token_claims_read(const char *payload, const json_t *audiences, int64_t now,
	struct token_claims *ret, json_t **ret_audiences, struct err *err);

/* Who comes with such a token.  -ENOMEM. */
int token_claims_identity(const struct token_claims *claims, struct identity *ret);
