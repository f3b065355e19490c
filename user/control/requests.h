/* SPDX-License-Identifier: Apache-2.0 */
/* What a controller wants to be written, as requests to an API server.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

/* When what is behind a request may be done. */
enum request_expects {
	EXPECTS_SUCCESS,
	EXPECTS_NONE, /* the list that it reads is empty */
	EXPECTS_GONE, /* the object that it reads is not there, or is another one */
};

/* What people are told of a request. */
struct request_event {
	const char *type, *reason; /* "Normal", "SuccessfulCreate"; constants; NULL: nothing */
	const char *failed; /* the reason when a creation was refused: "FailedCreate"; or NULL */
	char *message;	    /* owned */
	bool names;	    /* the name of what was written stands behind the message */
	json_t *about;	    /* owned: an ObjectReference */
};

struct api_write {
	const char *method;
	char *target;
	const char *content_type; /* a constant; NULL: JSON */
	json_t *body;		  /* owned; NULL: none */
	enum request_expects expects;
	char *uid; /* of EXPECTS_GONE; owned */
	struct request_event event;
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
void requests_update(struct requests *requests, char *target, json_t *body);
void requests_delete(struct requests *requests, char *target, const char *uid);
/* @policy: of its dependents, "Foreground", "Background" or "Orphan". */
void requests_delete_as(
	struct requests *requests, char *target, const char *uid, const char *policy);
/* At once, without a grace. */
void requests_delete_now(struct requests *requests, char *target, const char *uid);
void requests_delete_all(struct requests *requests, char *target);
void requests_patch(
	struct requests *requests, char *target, const char *content_type, json_t *body);

/* What follows is done only if the list of @target is empty. */
void requests_expect_none(struct requests *requests, char *target);
/* What follows is done only if @target is not the object with @uid ("": if there is none at all). */
void requests_expect_gone(struct requests *requests, char *target, const char *uid);

/*
 * What is told once the last request that was added is done.  Takes @message.  @about is the object that it is
 * told of.  @failed: the reason of the warning when a creation was refused, or NULL.
 */
void requests_tell(struct requests *requests, const json_t *about, const char *reason,
	const char *failed, char *message);
void requests_warn(
	struct requests *requests, const json_t *about, const char *reason, char *message);
/* The name of the object that the last request makes stands behind its message. */
void requests_tell_name(struct requests *requests);

/* Looks again at @at at the latest. */
void requests_again(struct requests *requests, uint64_t at);

/* Releases everything; they are empty again. */
void requests_clear(struct requests *requests);
