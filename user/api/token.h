/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of service accounts: given (serviceaccounts/token) and looked at. */
#pragma once

#include "user/auth/identity.h"

struct api;
struct api_request;
struct err;
struct failure;

/*
 * Whose token it is: signed with our key, in time, for one of @audiences (a list; NULL: for the API server), its
 * account and what it is bound to are still there.  The caller clears *@ret and owns *@ret_audiences (may be NULL).
 * EBADMSG with the reason; -ENOMEM.
 */
int token_verify(struct api *api, const char *token, const json_t *audiences, struct identity *ret,
	json_t **ret_audiences, struct err *err);

/* Answers POST of serviceaccounts/NAME/token.  -1: refused. */
int token_create(const struct api_request *request, struct failure *failure);
