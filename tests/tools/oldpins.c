// SPDX-License-Identifier: Apache-2.0
/*
 * oldpins BPFDIR INSTANCE: makes our pins those of ABI 1: its directory, and its elements where they
 * were otherwise.  The programs that run go on with the maps they have.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>

#include "podnet/abi.h"
#include "user/base/cleanup.h"

#define ENTRIES 1024

struct flow4_abi1 {
	struct tuple4 becomes;
	uint32_t endpoint, generation, flags;
	uint64_t closed;
};

struct peer4_abi1 {
	__be32 vip;
	__be16 port;
	uint16_t reserved;
	uint32_t endpoint, generation;
};

static char directory[200];

static void check(int result, const char *what)
{
	if (result < 0) {
		perror(what);
		exit(1);
	}
}

static int map_get(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = bpf_obj_get(path);
	check(fd, path);
	return fd;
}

/* An element of today as it was then. */
static void flow_age(const void *from, void *ret)
{
	const struct flow4 *flow = from;

	*(struct flow4_abi1 *)ret = (struct flow4_abi1){.becomes = flow->becomes,
		.endpoint = flow->endpoint,
		.generation = flow->generation,
		.flags = flow->flags,
		.closed = flow->closed};
}

static void peer_age(const void *from, void *ret)
{
	const struct peer4 *peer = from;
	int backends = map_get("backends"), endpoints = map_get("endpoints");
	struct endpoint endpoint;
	struct backend backend;

	check(bpf_map_lookup_elem(backends, &peer->backend, &backend), "backends");
	check(bpf_map_lookup_elem(endpoints, &backend.endpoint, &endpoint), "endpoints");
	*(struct peer4_abi1 *)ret = (struct peer4_abi1){.vip = peer->vip,
		.port = peer->port,
		.endpoint = backend.endpoint,
		.generation = endpoint.generation};
	close(backends);
	close(endpoints);
}

/* Pins a map of elements of @size bytes, with those of today's, in the place of @name. */
static void map_age(const char *name, uint32_t size, void (*age)(const void *from, void *ret))
{
	char path[256], key[16] = {}, next[16] = {}, from[64], to[64];
	int now = map_get(name), then, r;

	then = bpf_map_create(BPF_MAP_TYPE_LRU_HASH, name, 16, size, ENTRIES, NULL);
	check(then, "make a map");
	for (r = bpf_map_get_next_key(now, NULL, next); r == 0;
		r = bpf_map_get_next_key(now, key, next)) {
		memcpy(key, next, sizeof(key));
		if (bpf_map_lookup_elem(now, key, from) < 0)
			continue;
		age(from, to);
		check(bpf_map_update_elem(then, key, to, BPF_ANY), name);
	}
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	check(unlink(path), path);
	check(bpf_obj_pin(then, path), path);
	close(now);
	close(then);
}

int main(int argc, char **argv)
{
	char old[sizeof(directory)];

	if (argc != 3) {
		fputs("usage: oldpins BPFDIR INSTANCE\n", stderr);
		return 2;
	}
	snprintf(directory, sizeof(directory), "%s/podnet/%s/v%d", argv[1], argv[2], PODNET_ABI);
	map_age("flows4_tcp", sizeof(struct flow4_abi1), flow_age);
	map_age("peers4", sizeof(struct peer4_abi1), peer_age);
	snprintf(old, sizeof(old), "%s/podnet/%s/v1", argv[1], argv[2]);
	check(rename(directory, old), "rename the directory");
	return 0;
}
