/* SPDX-License-Identifier: Apache-2.0 */
/* podnetctl's talk with podnetd, and what it tells the user when that fails. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"
#include "user/http/buffer.h"
#include "user/http/client.h"

struct err;

/* Exit codes of podnetctl; exec returns the command's own. */
#define EXIT_FAILED 1
#define EXIT_USAGE  2

/* Asks and waits for the whole answer.  0 and the JSON (the caller owns *@ret), or EXIT_FAILED after the
 * reason was printed. */
int api_ask(const char *socket, const char *method, const char *target, json_t **ret);

/* As that, of whatever API server has that socket, and prints nothing.  A negative errno: there was no 200. */
int api_try(const char *socket, const char *target, json_t **ret);

/* Print why and return EXIT_FAILED.  @body: a Status of the API, or whatever came instead. */
int api_unreachable(const char *socket, const struct err *err);
int api_refused(unsigned status, const struct buffer *body);
int api_broken(const char *reason);

#define API_MAX_ANSWER (64u << 20)
