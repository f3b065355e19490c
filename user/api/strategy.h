/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is special about a kind, beyond its row in the table: which part of an object a request may change,
 * when its generation grows, what the server adds, how it goes.
 */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct causes;
struct failure;
struct kind;
struct write;

struct strategy {
	const char *plural;
	bool has_status;     /* belongs to the subresource alone */
	bool brings_status;  /* but when it is created */
	bool has_generation; /* counts changes of spec */
	bool needs_revision; /* an update must say which state it is of */
	bool updates_parts;  /* ->update looks at changes of subresources, too */
	bool keeps_owners;   /* a change of its status does not say whose it is */
	/* Completes a new object, or a new state of one; -1: refused.  NULL: nothing to do. */
	int (*create)(const struct api_request *request, json_t *object, struct failure *failure);
	int (*update)(const struct api_request *request, json_t *object, const json_t *old,
		struct failure *failure);
	/* What must be its own: see service_claim.  NULL: nothing. */
	int (*claim)(struct write *write, json_t *object, const json_t *old, struct causes *causes,
		struct failure *failure);
	bool (*is_immortal)(const char *name); /* it may not be deleted */
	/* The grace in seconds with which @object may go; 0: at once. */
	long long (*grace)(const json_t *object, long long asked);
};

/* Never NULL: kinds without a row are plain. */
const struct strategy *strategy_of(const struct kind *kind);

/* Makes @object, just read, a new one: status is the server's, defaults follow.  -1: refused. */
int strategy_prepare(const struct api_request *request, json_t *object, struct failure *failure);
/* Then comes what is the kind's own, and it is validated.  -1: refused. */
int strategy_create(const struct api_request *request, json_t *object, struct failure *failure);

/* Refuses what @request says of one field: 422 with @why as its cause, FieldValueInvalid; it names the resource, not
 * the kind.  -1. */
int strategy_refuse_field(const struct api_request *request, const char *field, const char *why,
	struct failure *failure);

/* It is about "ephemeralcontainers", a part of a Pod's spec. */
bool strategy_adds_containers(const struct api_request *request);

/*
 * Makes @object, just read, a later state of @old: a subresource changes its own part alone, everything else
 * leaves that part as it was.
 */
int strategy_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure);

/* Takes and gives up what goes along with a change from @old (NULL: new) to @object (NULL: gone). */
int strategy_claim(struct write *write, json_t *object, const json_t *old, struct failure *failure);
