/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about users and rights: created, answered, never stored. */
#pragma once

#include "user/base/json.h"

struct api_request;
struct failure;

/* Answers POST of a kind that is not stored.  -1: refused. */
int review_create(const struct api_request *request, struct failure *failure);

/* Answers with @review, what was asked, and @status in it, which it takes: 201.  -1: memory is out. */
int review_answer(
	const struct api_request *request, json_t *review, json_t *status, struct failure *failure);
