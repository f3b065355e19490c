/* SPDX-License-Identifier: Apache-2.0 */
/* Someone acts as another: Impersonate-User, and with it -Group, -Uid and -Extra-NAME. */
#pragma once

struct api;
struct failure;
struct http_exchange;
struct identity;

/* Replaces *@who, if the request asks for it and he is allowed to.  -1: he is not, or it cannot be asked for so. */
int impersonate(struct api *api, const struct http_exchange *exchange, struct identity *who,
	struct failure *failure);
