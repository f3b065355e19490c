/* SPDX-License-Identifier: Apache-2.0 */
/* Who is it?  A client certificate's subject, a service account's token or a bootstrap token. */
#pragma once

#include <stdbool.h>

#include "user/auth/identity.h"

struct api;
struct failure;
struct http_exchange;

/* The caller clears *@ret.  -1: 401. */
int authenticate(struct api *api, const struct http_exchange *exchange, struct identity *ret,
	struct failure *failure);

/*
 * A whole request by nobody, who shows nothing at all, for what those may have to see who are not known yet; then
 * authorization decides about authenticate_nobody's identity.
 */
bool authenticate_is_open(const struct http_exchange *exchange);
int authenticate_nobody(struct identity *ret, struct failure *failure);

/* Whoever may open the unix socket. */
int authenticate_local(struct identity *ret, struct failure *failure);
