/* SPDX-License-Identifier: Apache-2.0 */
/* Why a request is refused, as the Status object says it.  Lives on the stack of who handles the request. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct http_exchange;

#define FAILURE_MESSAGE 4096

/* Seconds after which it may go better, as upstream says them. */
#define RETRY_BUSY  1
#define RETRY_STORE 2

struct failure {
	unsigned status;    /* HTTP */
	const char *reason; /* "NotFound"; a constant */
	char message[FAILURE_MESSAGE];
	json_t *details; /* owned; NULL: none */
	json_t *meta;	 /* owned; how to go on, where that is possible; NULL: nothing */
	bool passes;	 /* what is missing is on its way: a write tries again for a while */
};

/* Always -1, for `return failure_set(...)`. */
int failure_set(struct failure *failure, unsigned status, const char *reason, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Out of memory, or what else is nobody's fault: 500. */
int failure_internal(struct failure *failure, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The object that the request names is not there. */
int failure_not_found(struct failure *failure, const struct api_request *request);

/* The object changed while the request was on its way. */
int failure_conflict(struct failure *failure, const struct api_request *request);

/* Adds who it is about: name and resource of the request. */
void failure_about(struct failure *failure, const struct api_request *request, const char *name);

/* Tells who asks to come again after @seconds, in the details and as Retry-After. */
void failure_retry(struct failure *failure, unsigned seconds);

/* Answers with the Status and releases what @failure holds. */
void failure_answer(struct failure *failure, struct http_exchange *exchange);

/* The Status as JSON, which the caller owns; NULL when memory is out. */
json_t *failure_json(const struct failure *failure);
