/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks for, read from method, path and query. */
#pragma once

#include <stdbool.h>

#include "user/auth/identity.h"
#include "user/model/kinds.h"

struct api;
struct failure;
struct http_exchange;

#define REQUEST_NAME_MAX 256

struct api_request {
	struct api *api;
	struct http_exchange *exchange;
	struct identity who; /* of api_handle; a write under way holds a reference of its own */
	const struct kind *kind;
	const char *version;			    /* of kind->versions */
	const struct kind_subresource *subresource; /* NULL: the object itself */
	enum kind_verb verb;
	bool has_namespace, has_name;
	char namespace[REQUEST_NAME_MAX]; /* "" unless has_namespace */
	char name[REQUEST_NAME_MAX];
	bool dry_run;
};

/*
 * Reads a request below /api or /apis.  What is not served is 404, a verb that is not, 405; bad values
 * of parameters are 400.  -1: refused.
 */
int request_read(struct api *api, struct http_exchange *exchange, struct api_request *ret,
	struct failure *failure);

/* NULL for a kind without namespaces and for all namespaces at once. */
const char *request_namespace(const struct api_request *request);

/* The value of a parameter that may be "true", "1", "false", "0" or missing. */
bool request_flag(const struct http_exchange *exchange, const char *name);
