/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token of a service account for one Pod, as a volume shows it: asked for, and asked for again when four fifths
 * of its life are over.  One that could not be renewed stays until it can.
 */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct client;
struct err;
struct token;

/* Which one.  All is borrowed. */
struct token_want {
	const char *namespace, *account;
	const char *pod, *uid; /* it ends with this one */
	const char *audience;  /* "": the API server */
	int64_t seconds;       /* that it is to live */
};

/* What a volume of @pod wants.  Borrows from all. */
struct token_want token_want_of(const json_t *pod, const char *audience, int64_t seconds);

/* "Token/NS/ACCOUNT/POD/UID/SECONDS/AUDIENCE".  The caller frees it; NULL when memory is out. */
char *token_key(const struct token_want *want);

/*
 * @request: see token_request; @cached: what token_record gave an earlier podnetd; both borrowed during the call.
 * @changed: there is another now, or the server has refused one.  The caller owns *@ret and frees it before the
 * client.  -ENOMEM.
 */
int token_new(struct client *client, const json_t *request, const json_t *cached,
	void (*changed)(void *userdata), void *userdata, struct token **ret);

/* What token_new needs to know of @want.  The caller owns it; NULL when memory is out. */
json_t *token_request(const struct token_want *want);

/* No call follows.  Accepts NULL; returns NULL. */
struct token *token_free(struct token *token);

/* Borrowed until the loop's next turn; NULL: there is none, and @err says why. */
const char *token_text(const struct token *token, struct err *err);

/* What to keep for the next podnetd; JSON null without a token.  The caller owns it. */
json_t *token_record(const struct token *token);
