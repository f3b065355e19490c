/* SPDX-License-Identifier: Apache-2.0 */
/* What the server itself writes into an object's metadata. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct failure;

#define META_UUID_LEN 37

/* A new random UUID.  False: the kernel gives none. */
bool meta_uuid(char ret[META_UUID_LEN]);

/* Completes the metadata of a new object and settles its name in @request.  -1: refused. */
int meta_create(struct api_request *request, json_t *object, struct failure *failure);

/*
 * Checks that @object is a later state of @old and gives it what no client may change.  -1: refused: another
 * name, another uid, or a revision that is not that of @old.
 */
int meta_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure);

/* The name and namespace of a body must be those of the path. */
int meta_check_path(
	const struct api_request *request, const json_t *object, struct failure *failure);

/* It is being deleted and nobody holds it back any more. */
bool meta_is_over(const json_t *object);

/* Somebody has to let go of it before it can go. */
bool meta_has_finalizers(const json_t *object);

/* Marks it as being deleted, @grace seconds from now on. */
int meta_mark_deleted(json_t *object, long long grace);

/* One more spec: metadata.generation + 1. */
void meta_raise_generation(json_t *object);
