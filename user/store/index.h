/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in order of their bytes, each with its value and when it came to be. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blob;

struct store_entry {
	struct blob *value;
	uint64_t created, modified; /* revisions */
	char key[];
};

struct index {
	struct store_entry **entries; /* owned, ascending */
	size_t count, room;
};

/* The position of the first entry whose key is not before @key. */
size_t index_seek(const struct index *index, const char *key);

/* The first position from @at on whose key does not begin with @prefix. */
size_t index_prefix_end(const struct index *index, size_t at, const char *prefix);

/* NULL: there is none. */
struct store_entry *index_find(const struct index *index, const char *key);

/* Makes or changes the entry of @key; takes a reference to @value.  0 or -ENOMEM: nothing changed. */
int index_put(struct index *index, const char *key, struct blob *value, uint64_t created,
	uint64_t modified);

/* Does nothing when there is no such key. */
void index_remove(struct index *index, const char *key);

/* Releases everything; the index is empty again. */
void index_clear(struct index *index);
