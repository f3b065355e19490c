/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bootstrap tokens, "ID.SECRET": who has one may ask for the certificate of a node.  They are Secrets of a type of
 * their own in kube-system.  No look at what there is here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/auth/identity.h"

struct err;

#define BOOTSTRAP_NAMESPACE   "kube-system"
#define BOOTSTRAP_TYPE	      "bootstrap.kubernetes.io/token"
#define BOOTSTRAP_NAME_PREFIX "bootstrap-token-" /* of the Secret; the ID follows */
#define BOOTSTRAP_USER_PREFIX "system:bootstrap:"
#define BOOTSTRAP_GROUP	      "system:bootstrappers"
#define BOOTSTRAP_ID_LEN      6
#define BOOTSTRAP_SECRET_LEN  16
#define BOOTSTRAP_TOKEN_LEN   (BOOTSTRAP_ID_LEN + 1 + BOOTSTRAP_SECRET_LEN)

/* Whether @text has the form of one: letters a-z and digits. */
bool bootstrap_is_token(const char *text);

/*
 * Who comes with @token, which has the form of one, if @secret is its Secret.  @now: seconds since 1970.  EBADMSG with
 * the reason: it is not, or no more, or not for this use.  Release *@ret with identity_clear.
 */
int bootstrap_identity(const json_t *secret, const char *token, int64_t now, struct identity *ret,
	struct err *err);
