/* SPDX-License-Identifier: Apache-2.0 */
/* Requests for certificates: the server says who asks, and keeps apart who decides and who signs. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct failure;

/* For the table of strategy.c. */
int signing_create(const struct api_request *request, json_t *object, struct failure *failure);
int signing_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure);

/* The verb on the signer that a change of this request needs: "approve", "sign"; NULL: none. */
const char *signing_verb(const struct api_request *request);
