/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of store: what makes writes durable. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;
struct store;
struct blob;

/* One change of one key.  Strings and values are borrowed. */
struct record {
	uint64_t revision, created;
	const char *key;
	struct blob *value; /* NULL: deleted */
};

/* What a batch of writes adds, in order; all of it becomes durable, or nothing. */
struct batch {
	const struct record *records;
	size_t count;
	uint64_t compact; /* changes up to this revision may be forgotten; 0: none more */
};

typedef int (*backend_load_fn)(void *userdata, const struct record *record);

struct backend_ops {
	/* Calls @fn for each record that is kept, in order, and tells up to where they were compacted. */
	int (*load)(void *backend, backend_load_fn fn, void *userdata, uint64_t *ret_compacted,
		struct err *err);
	/* In a worker thread; one batch at a time. */
	int (*persist)(void *backend, const struct batch *batch, struct err *err);
	void (*free)(void *backend);
};

/* "sqlite:PATH": makes the file when it is not there. */
int sqlite_open(const char *path, void **ret, struct err *err);
extern const struct backend_ops sqlite_ops;
