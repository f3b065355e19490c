/* SPDX-License-Identifier: Apache-2.0 */
/* /healthz, /livez and /readyz: what the server says of its own state, to everybody. */
#pragma once

#include <stdbool.h>

struct http_exchange;

/* Whether a path begins with one of these. */
bool health_is(const char *root);

/*
 * Answers it: "ok", or the checks one by one, when ?verbose asks for that or one fails, which is 500; ?exclude=NAME leaves
 * one out.  A server that is not ready lives: @store_problem (NULL: none) counts for /readyz, and its words are not told.
 */
void health_answer(const char *root, const char *store_problem, struct http_exchange *exchange);
