/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that are written once and shared by everybody who still needs them: the store's index, its
 * log, watchers and answers under way.  Counted on the loop only; a worker thread may read a value while
 * somebody on the loop holds it for it.
 */
#pragma once

#include <stddef.h>

struct blob {
	unsigned references;
	size_t size; /* without the NUL behind @data */
	char data[];
};

/* A copy of @size bytes with one reference, the caller's; NULL when memory is out. */
struct blob *blob_new(const void *data, size_t size);

/* One more reference.  Accepts NULL; returns @value. */
struct blob *blob_ref(struct blob *value);

/* One less; the last one frees.  Accepts NULL; returns NULL. */
struct blob *blob_unref(struct blob *value);
