/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an address that a client asks for to a backend that accepts new flows: one code for all
 * hooks.
 */
#pragma once

#include <stdbool.h>

#include "bpf/maps.bpf.h"

#define WALK_STEPS 16

struct choice {
	__u32 endpoint;
	__u32 generation;
	__u32 backend;
	__u16 backend_generation;
	__be32 address;
	__be16 port;
};

/* Murmur3's finalizer: every bit of @value reaches every bit of the result. */
static __always_inline __u64 hash_mix(__u64 value)
{
	value ^= value >> 33;
	value *= 0xff51afd7ed558ccdULL;
	value ^= value >> 33;
	value *= 0xc4ceb9fe1a85ec53ULL;
	return value ^ value >> 33;
}

static __always_inline struct service *service_find(
	__be32 vip, __be16 port, __u8 protocol, __u8 scope)
{
	struct svc4_key key = {.vip = vip, .port = port, .protocol = protocol, .scope = scope};
	struct service *service;
	__u32 *id;
	__u64 tag;

	id = bpf_map_lookup_elem(&svc4, &key);
	if (!id)
		return NULL;
	service = bpf_map_lookup_elem(&services, id);
	__builtin_memcpy(&tag, &key, sizeof(tag));
	/* Another's entry: the key was deleted while we held its recycled element. */
	return service && service->tag == tag ? service : NULL;
}

/*
 * The id at @position of the lines from @first on, if that backend accepts new flows, else 0.  Id 0
 * needs no case of its own: endpoint 0 is DOWN for ever, and nothing accepts DOWN.  A global
 * function: the verifier looks at it once, not at each step of the walk.
 */
__attribute__((noinline)) __u32 row_take(__u32 first, __u32 position, __u8 accepts)
{
	__u32 index = first + position / ROW_LINE_IDS, id;
	struct endpoint *endpoint;
	struct backend *backend;
	struct row_line *line;

	line = bpf_map_lookup_elem(&rows, &index);
	if (!line)
		return 0;
	id = line->backends[position % ROW_LINE_IDS];
	backend = bpf_map_lookup_elem(&backends, &id);
	if (!backend)
		return 0;
	endpoint = bpf_map_lookup_elem(&endpoints, &backend->endpoint);
	if (!endpoint || !(accepts >> (*(volatile __u32 *)&endpoint->state & 7) & 1))
		return 0;
	return id;
}

/*
 * Walks from @row's element for @hash to the next backend that accepts new flows; when a row is
 * out of date by so much that 16 steps do not meet one, the list of all (of the first 64)
 * decides.  Returns its id, 0 when there is none.  A global function: the verifier looks at it
 * once.
 */
__attribute__((noinline)) __u32 row_choose(__u64 row, __u32 hash, __u8 accepts)
{
	__u32 length = ROW_LENGTH(row), position, id;
	int i;

	if (!length)
		return 0;
	position = hash % length;
	for (i = 0; i < WALK_STEPS; i++) {
		id = row_take(ROW_LINE(row) + ROW_LIST_LINES, (position + i) % length, accepts);
		if (id)
			return id;
	}
	for (i = 0; i < ROW_LIST; i++) {
		id = row_take(ROW_LINE(row), (hash + i) % ROW_LIST, accepts);
		if (id)
			return id;
	}
	return 0;
}

/*
 * False: no backend accepts new flows.  Those on their way out serve on while there is nobody else:
 * decided here and by state alone, so that nothing is refused in the moment when the last one is
 * told to go.
 */
static __always_inline bool service_choose(
	const struct service *service, __u64 hash, struct choice *ret)
{
	__u64 row = *(volatile __u64 *)&service->row;
	__u32 id = row_choose(row, hash, service->accepts);
	struct endpoint *endpoint;
	struct backend *backend;

	if (!id)
		id = row_choose(row, hash, 1 << ENDPOINT_TERMINATING);
	backend = bpf_map_lookup_elem(&backends, &id);
	if (!id || !backend)
		return false;
	endpoint = bpf_map_lookup_elem(&endpoints, &backend->endpoint);
	if (!endpoint)
		return false;
	ret->backend = id;
	/* If it has just left, the generation to come when the id is freed still tells. */
	ret->backend_generation = *(volatile __u16 *)&backend->generation;
	ret->endpoint = backend->endpoint;
	ret->generation = endpoint->generation;
	ret->address = endpoint->address4;
	ret->port = backend->port;
	return true;
}
