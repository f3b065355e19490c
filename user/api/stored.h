/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an object lies in the store: compact JSON that begins with its metadata, without apiVersion, kind
 * and resourceVersion.  An answer is these bytes with the three put before them: nothing is parsed, and
 * one stored form serves every version of a kind.  Events of both groups are stored as core/v1's.
 */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct blob;
struct buffer;
struct kind;
struct store;

#define STORED_KEY_MAX 768

/* "/deployments/default/web"; @namespace NULL for a kind without namespaces. */
void stored_key(
	const struct kind *kind, const char *namespace, const char *name, char ret[STORED_KEY_MAX]);

/* "/deployments/default/", or "/deployments/" for all namespaces. */
void stored_prefix(const struct kind *kind, const char *namespace, char ret[STORED_KEY_MAX]);

/*
 * The v1 object @name of a core kind ("pods"); @namespace NULL for a kind without namespaces.  NULL: it is not there,
 * or memory is out.  The caller owns it.
 */
json_t *stored_find(
	struct store *store, const char *plural, const char *namespace, const char *name);

/* The caller owns *@ret.  -ENOMEM. */
int stored_encode(const json_t *object, struct blob **ret);

/*
 * The whole object as version @version of @kind, at @revision.  The caller owns *@ret.  -ENOMEM; -EUCLEAN:
 * the bytes are no object of ours.
 */
int stored_decode(const struct blob *blob, uint64_t revision, const struct kind *kind,
	const char *version, json_t **ret);

/*
 * Appends the object's JSON; @version NULL: without apiVersion and kind, as the items of a list are.
 * -ENOMEM, which leaves @out as it was or with a part.
 */
int stored_write(const struct blob *blob, uint64_t revision, const struct kind *kind,
	const char *version, struct buffer *out);
