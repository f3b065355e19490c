// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/maglev.h"

#include <errno.h>
#include <string.h>

#include "podnet/abi.h"
#include "user/base/cleanup.h"

#define ELEMENTS_PER_BACKEND 100 /* keeps the shares of any two backends within a few per cent */
#define UNFILLED	     UINT32_MAX

/*
 * A backend's permutation of the row: offset, offset + skip, offset + 2 skip, ... modulo the
 * length.
 */
struct turn {
	const char *name;
	uint32_t index;
	uint32_t next;
	uint32_t skip;
};

uint32_t maglev_length(size_t count)
{
	static const uint32_t lengths[] = ROW_LENGTHS;

	for (size_t i = 0; i < COUNT(lengths); i++) {
		if (lengths[i] >= count * ELEMENTS_PER_BACKEND)
			return lengths[i];
	}
	return lengths[COUNT(lengths) - 1];
}

/* FNV-1a with Murmur3's finalizer: all nodes must agree, so it is fixed for ever. */
static uint64_t name_hash(const char *name, uint64_t seed)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

static int turn_compare(const void *a, const void *b)
{
	return strcmp(((const struct turn *)a)->name, ((const struct turn *)b)->name);
}

/* The next element of its permutation that is still unfilled. */
static uint32_t turn_take(struct turn *turn, const uint32_t *row, uint32_t length)
{
	uint32_t taken;

	do {
		taken = turn->next;
		turn->next = (turn->next + turn->skip) % length;
	} while (row[taken] != UNFILLED);
	return taken;
}

int maglev_build(const char *const *names, size_t count, uint32_t *row, uint32_t length)
{
	AUTO_FREE struct turn *turns = calloc(count, sizeof(*turns));

	if (!turns)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		turns[i] = (struct turn){
			.name = names[i],
			.index = (uint32_t)i,
			.next = (uint32_t)(name_hash(names[i], 0) % length),
			.skip = (uint32_t)(name_hash(names[i], 1) % (length - 1)) + 1,
		};
	}
	qsort(turns, count, sizeof(*turns), turn_compare);
	memset(row, 0xff, length * sizeof(*row));
	for (uint32_t filled = 0; filled < length; filled++) {
		struct turn *turn = &turns[filled % count];

		row[turn_take(turn, row, length)] = turn->index;
	}
	return 0;
}
