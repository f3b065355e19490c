/* SPDX-License-Identifier: Apache-2.0 */
/* Who is it?  A client certificate's subject, or a service account's token; never nobody. */
#pragma once

#include "user/auth/identity.h"

struct api;
struct failure;
struct http_exchange;

/* The caller clears *@ret.  -1: 401. */
int authenticate(struct api *api, const struct http_exchange *exchange, struct identity *ret,
	struct failure *failure);

/* Whoever may open the unix socket. */
int authenticate_local(struct identity *ret, struct failure *failure);

/*
 * Someone may act as another (Impersonate-User, Impersonate-Group): *@who is then replaced, if he is allowed to.
 * -1: he is not.
 */
int authenticate_impersonate(struct api *api, const struct http_exchange *exchange,
	struct identity *who, struct failure *failure);
