/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was read last.  One change is looked at by every watcher of its object: the first who needs it as an object, or
 * in protobuf, leaves it here for the others.  Bounded; what is not here any more is read anew.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct blob;
struct kind;
struct memo;

#define MEMO_SLOTS 1024
#define MEMO_BYTES (1u << 20) /* of what is stored; as objects it takes about ten times as much */

/* What is stored, and as what it is to be read. */
struct memo_key {
	struct blob *blob;
	uint64_t revision;
	const struct kind *kind;
	const char *version; /* of kind->versions */
};

/* The caller owns it; NULL when memory is out. */
struct memo *memo_new(void);

/* Accepts NULL; returns NULL. */
struct memo *memo_free(struct memo *memo);

/* Forgets everything. */
void memo_clear(struct memo *memo);

/* The object, which nobody may change; the caller owns a reference.  NULL: nobody has read it lately. */
json_t *memo_find(struct memo *memo, const struct memo_key *key);

/* The same, read if need be.  As stored_decode. */
int memo_read(struct memo *memo, const struct memo_key *key, json_t **ret);

/* As a protobuf body; borrowed until the next call.  -ENOMEM, -EUCLEAN. */
int memo_body(struct memo *memo, const struct memo_key *key, const void **ret, size_t *ret_len);
