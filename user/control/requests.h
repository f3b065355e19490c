/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller wants to be written, as requests to an API server.  Pure. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct api_write {
	const char *method;
	char *target;
	const char *content_type; /* a constant; NULL: JSON */
	json_t *body;		  /* owned; NULL: none */
};

/* Born as {.again = USEC_NEVER}. */
struct requests {
	struct api_write *writes;
	size_t count, room;
	uint64_t again; /* look again then (clock_now() microseconds) */
	int no_memory;	/* a write was lost: none of them may be done */
};

/* "/api/v1/namespaces/NS/pods/NAME/SUB": @group "" is core; @namespace, @name, @sub may be NULL.  The caller frees it. */
char *request_target(const char *group, const char *version, const char *namespace,
	const char *plural, const char *name, const char *sub);

/* Each takes @target and @body, which may be NULL for lack of memory. */
void requests_create(struct requests *requests, char *target, json_t *body);
void requests_delete(struct requests *requests, char *target, const char *uid);
void requests_patch(
	struct requests *requests, char *target, const char *content_type, json_t *body);

/* Releases everything; they are empty again. */
void requests_clear(struct requests *requests);
