/* SPDX-License-Identifier: Apache-2.0 */
/* pod_out with two Pods, a third, and their Services, and what a frame through it gives. */
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/pkt_cls.h>

#include "bpf/pod_out.skel.h"
#include "podnet/abi.h"
#include "podnet/cniwire.h"
#include "tests/bpf/frame.h"
#include "tests/check.h"

#define OWN_IFINDEX   1 /* of lo, where test runs take place */
#define OTHER_IFINDEX 2

#define POD	0x0af40002 /* 10.244.0.2, the sender */
#define OTHER	0x0af40003
#define THIRD	0x0af40004
#define OUTSIDE 0xc0000201 /* 192.0.2.1 */
#define VIP \
	0x0a60000a /* 10.96.0.10: port 80 OTHER:8080; 81 nobody; 82 POD:8080; 83 OTHER:8080;
			    * TCP and UDP */

#define TCP(from, to, from_port, to_port, tcp_flags, ...)                      \
	{                                                                      \
		.source = from, .destination = to, .source_port = from_port,   \
		.destination_port = to_port, .flags = tcp_flags, ##__VA_ARGS__ \
	}

#define UDP(from, to, from_port, to_port, ...)                                      \
	{                                                                           \
		.source = from, .destination = to, .source_port = from_port,        \
		.destination_port = to_port, .protocol = IPPROTO_UDP, ##__VA_ARGS__ \
	}

#define VERDICT_STACK ((uint32_t)TC_ACT_UNSPEC)
#define VERDICT_DROP  TC_ACT_SHOT
#define VERDICT_POD   TC_ACT_REDIRECT
#define NO_COUNT      -1
#define CPUS_MOST     1024

static struct pod_out_bpf *program;

static inline void put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY) < 0)
		BAIL("cannot write a map");
}

static inline void put_pod(uint32_t address, uint32_t ifindex, const char *mac)
{
	struct pod4 pod = {.ifindex = ifindex, .address = htonl(address), .flags = POD_CHECK_MAC};

	memcpy(pod.mac, mac, sizeof(pod.mac));
	put(program->maps.pods4, &pod.address, &pod);
}

static inline void put_endpoint(uint32_t id, uint32_t address, uint32_t state, uint32_t generation)
{
	struct endpoint endpoint = {
		.state = state, .generation = generation, .address4 = htonl(address)};

	put(program->maps.endpoints, &id, &endpoint);
}

static inline void put_backend(uint32_t id, uint32_t endpoint, uint16_t generation)
{
	struct backend backend = {
		.endpoint = endpoint, .port = htons(8080), .generation = generation};

	put(program->maps.backends, &id, &backend);
}

/* A service at VIP:@port whose row, of 61, names only @backend; 0: it has no row. */
static inline void put_service(uint32_t id, uint16_t port, uint8_t protocol, uint32_t backend)
{
	struct svc4_key key = {htonl(VIP), htons(port), protocol, SCOPE_INTERNAL};
	struct service service = {.accepts = 1 << ENDPOINT_READY};
	struct row_line line = {};
	uint32_t first = id * 8;

	memcpy(&service.tag, &key, sizeof(key));
	for (int i = 0; i < ROW_LINE_IDS; i++)
		line.backends[i] = backend;
	for (uint32_t at = first; at < first + 8; at++)
		put(program->maps.rows, &at, &line);
	service.row = ROW_WORD(first, backend ? 61 : 0, 0);
	put(program->maps.services, &id, &service);
	put(program->maps.svc4, &key, &id);
}

static inline void empty(struct bpf_map *map)
{
	uint8_t key[64];

	while (bpf_map_get_next_key(bpf_map__fd(map), NULL, key) == 0)
		if (bpf_map_delete_elem(bpf_map__fd(map), key) < 0)
			BAIL("cannot empty a map");
}

static inline void zero_counters(void)
{
	static const uint64_t zeros[CPUS_MOST];

	for (uint32_t counter = 0; counter < COUNTERS; counter++)
		put(program->maps.counters, &counter, zeros);
}

/* Loaded once: the verifier is the slowest of all where the machine is emulated. */
static inline void load_or_clear(void)
{
	if (!program)
		program = pod_out_bpf__open_and_load();
	if (!program)
		BAIL("cannot load pod_out");
	if (libbpf_num_possible_cpus() > CPUS_MOST)
		BAIL("more CPUs than counters are read of");
	empty(program->maps.pods4);
	empty(program->maps.svc4);
	empty(program->maps.flows4_tcp);
	empty(program->maps.flows4_any);
	zero_counters();
}

static inline void setup(void)
{
	load_or_clear();
	put_pod(POD, OWN_IFINDEX, "\2\0\0\0\0\2");
	put_pod(OTHER, OTHER_IFINDEX, "\2\0\0\0\0\3");
	put_pod(THIRD, OTHER_IFINDEX, "\2\0\0\0\0\4");
	put_endpoint(1, POD, ENDPOINT_READY, 0);
	put_endpoint(2, OTHER, ENDPOINT_READY, 0);
	put_endpoint(3, THIRD, ENDPOINT_READY, 0);
	for (uint32_t id = 1; id <= 3; id++)
		put_backend(id, id, 0);
	put_backend(4, 2, 0);
	put_service(1, 80, IPPROTO_TCP, 2);
	put_service(2, 81, IPPROTO_TCP, 0);
	put_service(3, 82, IPPROTO_TCP, 1);
	put_service(4, 83, IPPROTO_TCP, 2);
	put_service(5, 80, IPPROTO_UDP, 2);
	put_service(6, 81, IPPROTO_UDP, 0);
	put_service(7, 82, IPPROTO_UDP, 1);
	put_service(8, 83, IPPROTO_UDP, 4);
}

/* Programs see the sender as the owner of lo: who that is changes with the direction. */
static inline void sender_is(uint32_t address)
{
	put_pod(POD, address == POD ? OWN_IFINDEX : OTHER_IFINDEX, "\2\0\0\0\0\2");
	put_pod(OTHER, address == OTHER ? OWN_IFINDEX : OTHER_IFINDEX,
		address == OTHER ? "\2\0\0\0\0\2" : "\2\0\0\0\0\3");
}

static inline uint64_t counted(uint32_t counter)
{
	uint64_t values[CPUS_MOST], sum = 0;
	int cpus = libbpf_num_possible_cpus();

	if (bpf_map_lookup_elem(bpf_map__fd(program->maps.counters), &counter, values) < 0)
		BAIL("cannot read the counters");
	for (int cpu = 0; cpu < cpus; cpu++)
		sum += values[cpu];
	return sum;
}

static inline uint32_t run(struct frame *frame)
{
	struct frame out = {};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame->bytes,
		.data_size_in = (uint32_t)frame->size, .data_out = out.bytes,
		.data_size_out = sizeof(out.bytes));

	if (bpf_prog_test_run_opts(bpf_program__fd(program->progs.pod_out), &options) < 0)
		BAIL("cannot run pod_out");
	out.size = options.data_size_out;
	*frame = out;
	return options.retval;
}

/* Runs a segment through the program; *@segment becomes what came out. */
static inline uint32_t run_segment(struct segment *segment)
{
	struct frame frame;
	uint32_t verdict;

	frame_make(&frame, segment);
	verdict = run(&frame);
	if (verdict != VERDICT_DROP)
		CHECK("the checksums are right", frame_read(&frame, segment));
	return verdict;
}
