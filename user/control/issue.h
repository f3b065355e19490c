/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of nodes: which requests are approved without anybody being asked, what is signed, and what is
 * forgotten; and the tokens with which nodes join.  Pure.
 */
#pragma once

#include <stdint.h>

#include "user/base/json.h"
#include "user/pki/certificate.h"

struct requests;

#define ISSUE_TYPE "bootstrap.kubernetes.io/token"
#define ISSUE_ONCE "usage-once" /* in a token's data, "true": one node may join with it */

struct issue {
	const json_t *requests;	      /* CertificateSigningRequests: key -> object */
	const json_t *tokens;	      /* Secrets of bootstrap tokens: key -> object */
	struct certificate authority; /* borrowed; without a key nothing is signed */
	int64_t seconds;	      /* that a certificate holds at most */
	int64_t now;		      /* since 1970 */
};

/*
 * Approves, signs, fails and forgets the requests of @user.  All of one user's are looked at together: of those with a
 * token for one node only one is approved.  -ENOMEM.
 */
int issue_plan(const struct issue *issue, const char *user, struct requests *plan);

/* Forgets the token at @key once it is over, or used and the node has had time to see that.  -ENOMEM. */
int issue_token_plan(const struct issue *issue, const char *key, struct requests *plan);

/* The user that comes with the token in this Secret, in @ret. */
#define ISSUE_USER_MAX 64
void issue_token_user(const json_t *token, char ret[ISSUE_USER_MAX]);
