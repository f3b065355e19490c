/* SPDX-License-Identifier: Apache-2.0 */
/* What who writes may write beyond what the rules on requests say: it depends on the object. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct failure;

/*
 * Nobody may give rights that he has not (unless he may escalate or bind), and a node may change what is its own
 * alone.  @object: what shall be; @old: what is there, or NULL; @deletes: it goes.  -1: refused.
 */
int admit_write(const struct api_request *request, const json_t *object, const json_t *old,
	bool deletes, struct failure *failure);
