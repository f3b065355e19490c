/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about users and rights: created, answered, never stored. */
#pragma once

struct api_request;
struct failure;

/* Answers POST of a kind that is not stored.  -1: refused. */
int review_create(const struct api_request *request, struct failure *failure);
