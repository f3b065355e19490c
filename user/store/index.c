// SPDX-License-Identifier: Apache-2.0
#include "user/store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/store/blob.h"

#define INDEX_FIRST_ROOM 64

size_t index_seek(const struct index *index, const char *key)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(index->entries[middle]->key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t index_prefix_end(const struct index *index, size_t at, const char *prefix)
{
	size_t low = at, high = index->count, length = strlen(prefix);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncmp(index->entries[middle]->key, prefix, length) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct store_entry *index_find(const struct index *index, const char *key)
{
	size_t at = index_seek(index, key);

	if (at == index->count || strcmp(index->entries[at]->key, key) != 0)
		return NULL;
	return index->entries[at];
}

static struct store_entry *entry_new(const char *key)
{
	size_t size = strlen(key) + 1;
	struct store_entry *entry = malloc(sizeof(*entry) + size);

	if (entry) {
		*entry = (struct store_entry){0};
		memcpy(entry->key, key, size);
	}
	return entry;
}

static int index_insert(struct index *index, size_t at, const char *key)
{
	struct store_entry *entry;

	if (index->count == index->room) {
		size_t room = index->room ? index->room * 2 : INDEX_FIRST_ROOM;
		void *grown = realloc(index->entries, room * sizeof(struct store_entry *));

		if (!grown)
			return -ENOMEM;
		index->entries = grown;
		index->room = room;
	}
	entry = entry_new(key);
	if (!entry)
		return -ENOMEM;
	memmove(index->entries + at + 1, index->entries + at,
		(index->count - at) * sizeof(struct store_entry *));
	index->entries[at] = entry;
	index->count++;
	return 0;
}

int index_put(struct index *index, const char *key, struct blob *value, uint64_t created,
	uint64_t modified)
{
	size_t at = index_seek(index, key);
	struct store_entry *entry;

	if (at == index->count || strcmp(index->entries[at]->key, key) != 0) {
		int r = index_insert(index, at, key);

		if (r < 0)
			return r;
	}
	entry = index->entries[at];
	blob_ref(value);
	blob_unref(entry->value);
	entry->value = value;
	entry->created = created;
	entry->modified = modified;
	return 0;
}

static void entry_free(struct store_entry *entry)
{
	blob_unref(entry->value);
	free(entry);
}

void index_remove(struct index *index, const char *key)
{
	size_t at = index_seek(index, key);

	if (at == index->count || strcmp(index->entries[at]->key, key) != 0)
		return;
	entry_free(index->entries[at]);
	index->count--;
	memmove(index->entries + at, index->entries + at + 1,
		(index->count - at) * sizeof(struct store_entry *));
}

void index_clear(struct index *index)
{
	for (size_t i = 0; i < index->count; i++)
		entry_free(index->entries[i]);
	free(index->entries);
	*index = (struct index){0};
}
