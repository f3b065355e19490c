/* SPDX-License-Identifier: Apache-2.0 */
/* May they?  The group system:masters may everything; for the rest the node rules are asked, then the roles. */
#pragma once

#include <stdbool.h>

#include "user/auth/identity.h"

struct api;
struct api_request;
struct failure;
struct http_exchange;

/* What @request is about.  Strings are borrowed from it; @who too. */
void authorize_access(const struct api_request *request, struct access *ret);

/* -1: it may not, or could not be found out. */
int authorize_request(const struct api_request *request, struct failure *failure);

/* The same for what is no resource, such as discovery. */
int authorize_path(struct api *api, const struct identity *who,
	const struct http_exchange *exchange, struct failure *failure);

/* The same for any access. */
int authorize(struct api *api, const struct access *access, struct failure *failure);

/* 1: yes, 0: no; -ENOMEM.  *@ret_reason: "" or why not, a constant. */
int authorize_ask(struct api *api, const struct access *access, const char **ret_reason);
