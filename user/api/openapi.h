/* SPDX-License-Identifier: Apache-2.0 */
/* OpenAPI v3: which bodies go where, for clients that check them. */
#pragma once

#include <stddef.h>

struct http_exchange;

/* Answers "/openapi/..."; @count: segments of the path. */
void openapi_handle(struct http_exchange *exchange, size_t count);
