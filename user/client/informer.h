/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of one collection, kept as the server has them: list, then watch from there on, and again
 * when that breaks off.  Objects in it are never changed in place: who wants to change one copies it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct client;
struct informer;

struct informer_events {
	/* @old NULL: new; @object NULL: gone.  Both are borrowed during the call. */
	void (*changed)(void *userdata, const json_t *object, const json_t *old);
	/* Once, when the first list is complete.  May be NULL. */
	void (*synced)(void *userdata);
	/* The server cannot be reached (or can again, @message ""); may be NULL. */
	void (*lost)(void *userdata, const char *message);
	/* Forgets, in place, what of an object nobody will look at; may be NULL. */
	void (*trim)(void *userdata, json_t *object);
};

/*
 * Follows "/api/v1/pods" with more parameters in @query ("fieldSelector=...", or "").  Both are copied.
 * The caller owns *@ret, and frees it before the client.  -ENOMEM.
 */
int informer_new(struct client *client, const char *path, const char *query,
	const struct informer_events *events, void *userdata, struct informer **ret);

/* Accepts NULL; returns NULL. */
struct informer *informer_free(struct informer *informer);

/* The first list is complete. */
bool informer_is_synced(const struct informer *informer);

/* The revision that it has seen; 0: none yet. */
uint64_t informer_revision(const struct informer *informer);

/* NULL: there is none.  @namespace "" for kinds without.  Borrowed until the next change. */
const json_t *informer_get(
	const struct informer *informer, const char *namespace, const char *name);

/* "namespace/name" (or "/name") -> object.  Borrowed. */
const json_t *informer_objects(const struct informer *informer);

/* The key of an object in informer_objects. */
#define INFORMER_KEY_MAX 512
void informer_key(const json_t *object, char ret[INFORMER_KEY_MAX]);
