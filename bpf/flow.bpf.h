/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Translated connections.  An entry says what a packet with these addresses and ports becomes; each
 * connection has one for either direction.
 *
 * Two connections may not become the same packets on the wire: a client's kernel gives one source
 * port to connections with several services, and one backend may stand behind all of them.  Nor
 * may a new one meet the TIME_WAIT that a closed one has left at the backend: its sequence
 * numbers would come from another destination's secret, and be challenged.  The later one then
 * gets another source port, from a range that no kernel gives out by default.
 */
#pragma once

#include "bpf/count.bpf.h"
#include "bpf/rewrite.bpf.h"
#include "bpf/service.bpf.h"

#define FLOW_CLOSED_NS	60000000000ULL /* TIME_WAIT */
#define FLOW_PORT_FIRST 61000
#define FLOW_PORTS	(65536 - FLOW_PORT_FIRST)
#define FLOW_PORT_TRIES 16

/* Each call names one map: the kernel then inlines the look-up. */
static __always_inline struct flow4 *flow_lookup(const struct tuple4 *tuple, __u8 protocol)
{
	struct flow4_key key = {.tuple = *tuple, .protocol = protocol};
	struct flow4 *flow;

	if (protocol == IPPROTO_TCP) {
		flow = bpf_map_lookup_elem(&flows4_tcp, &key);
		asm volatile("" : "+r"(flow)); /* else the two calls become one */
		return flow;
	}
	return bpf_map_lookup_elem(&flows4_any, &key);
}

/*
 * The endpoint has left for good; its address may be another Pod's by now.  UDP has no end and no
 * reset: for it, one that is DOWN is gone.
 */
static __always_inline bool flow_endpoint_is_gone(const struct flow4 *flow, __u8 protocol)
{
	struct endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &flow->endpoint);

	if (!endpoint || endpoint->generation != flow->generation)
		return true;
	return protocol != IPPROTO_TCP && *(volatile __u32 *)&endpoint->state == ENDPOINT_DOWN;
}

/* No client's packet follows it any more: UDP leaves a backend that has left its service, too. */
static __always_inline bool flow_is_void(const struct flow4 *flow, __u8 protocol)
{
	struct backend *backend;

	if (flow_endpoint_is_gone(flow, protocol))
		return true;
	if (protocol == IPPROTO_TCP || !flow->backend)
		return false;
	backend = bpf_map_lookup_elem(&backends, &flow->backend);
	return !backend || *(volatile __u16 *)&backend->generation != flow->backend_generation;
}

/*
 * The flow that a packet follows.  Answers that a former backend still owes come from the service.
 */
static __always_inline struct flow4 *flow_find(const struct tuple4 *tuple, __u8 protocol)
{
	struct flow4 *flow = flow_lookup(tuple, protocol);

	if (!flow)
		return NULL;
	if (flow->flags & FLOW_REPLY)
		return flow_endpoint_is_gone(flow, protocol) ? NULL : flow;
	return flow_is_void(flow, protocol) ? NULL : flow;
}

/*
 * Notes the end of a TCP connection in its reply entry, the one that a later flow would collide
 * with.  It is over when the backend has said so, or either side has reset it.
 */
static __always_inline void flow_note(struct flow4 *flow, __u8 tcp_flags)
{
	struct tuple4 reply;

	if (!(flow->flags & FLOW_REPLY)) {
		if (!(tcp_flags & TCP_RST))
			return;
		reply = tuple_turned(&flow->becomes);
		flow = flow_lookup(&reply, IPPROTO_TCP);
		if (!flow)
			return;
	} else if (!flow->closed && !(tcp_flags & (TCP_FIN | TCP_RST))) {
		return;
	}
	flow->closed = bpf_ktime_get_ns();
}

/* Whether @becomes is free for the connection whose replies become @reply. */
static __always_inline bool flow_may_take(
	const struct tuple4 *becomes, const struct tuple4 *reply, __u8 protocol)
{
	struct tuple4 turned = tuple_turned(becomes);
	struct flow4 *taken = flow_lookup(&turned, protocol);

	if (!taken || tuple_same(&taken->becomes, reply))
		return true;
	return flow_is_void(taken, protocol) ||
	       (taken->closed && bpf_ktime_get_ns() - taken->closed > FLOW_CLOSED_NS);
}

/* Two addresses, or two ports, in one number: a global function takes no pointers on 5.10. */
#define PAIR(first, second) ((__u64)(first) << 32 | (second))
#define PAIR_FIRST(pair)    ((__u32)((pair) >> 32))
#define PAIR_SECOND(pair)   ((__u32)(pair))

/*
 * A source port of ours for packets that would become @addresses (source, destination) and @ports,
 * whose replies become @reply_addresses and @reply_ports; 0: none is left.  Always the same one
 * first, so that a SYN sent again keeps it.  A global function: the verifier looks at it once.
 */
__attribute__((noinline)) __u32 flow_find_port(
	__u64 addresses, __u64 ports, __u64 reply_addresses, __u64 reply_ports, __u32 protocol)
{
	struct tuple4 becomes = {.source = PAIR_FIRST(addresses),
		.destination = PAIR_SECOND(addresses),
		.destination_port = PAIR_SECOND(ports)};
	struct tuple4 reply = {.source = PAIR_FIRST(reply_addresses),
		.destination = PAIR_SECOND(reply_addresses),
		.source_port = PAIR_FIRST(reply_ports),
		.destination_port = PAIR_SECOND(reply_ports)};
	__u32 start = (__u32)hash_mix(PAIR(reply.source, becomes.destination)) ^ PAIR_FIRST(ports);
	int i;

	for (i = 0; i < FLOW_PORT_TRIES; i++) {
		becomes.source_port = bpf_htons(FLOW_PORT_FIRST + (start + i) % FLOW_PORTS);
		if (flow_may_take(&becomes, &reply, protocol))
			return becomes.source_port;
	}
	return 0;
}

/* False: none is left. */
static __always_inline bool flow_change_port(
	struct tuple4 *becomes, const struct tuple4 *reply, __u8 protocol)
{
	__u32 port = flow_find_port(PAIR(becomes->source, becomes->destination),
		PAIR(becomes->source_port, becomes->destination_port),
		PAIR(reply->source, reply->destination),
		PAIR(reply->source_port, reply->destination_port), protocol);

	if (!port)
		return false;
	becomes->source_port = port;
	count(COUNT_PORT_CHANGED);
	return true;
}

static __always_inline bool flow_put(const struct tuple4 *tuple, const struct tuple4 *becomes,
	const struct choice *to, __u8 protocol, __u16 flags)
{
	struct flow4_key key = {.tuple = *tuple, .protocol = protocol};
	struct flow4 flow = {
		.becomes = *becomes,
		.endpoint = to->endpoint,
		.generation = to->generation,
		.backend = to->backend,
		.backend_generation = to->backend_generation,
		.flags = flags,
	};

	if (protocol == IPPROTO_TCP)
		return !bpf_map_update_elem(&flows4_tcp, &key, &flow, BPF_ANY);
	return !bpf_map_update_elem(&flows4_any, &key, &flow, BPF_ANY);
}

/* Enters both directions of @tuple, which goes on as @becomes. */
static __always_inline bool flow_enter(const struct tuple4 *tuple, const struct tuple4 *becomes,
	const struct choice *to, __u8 protocol)
{
	struct tuple4 turned = tuple_turned(becomes), reply = tuple_turned(tuple);

	return flow_put(&turned, &reply, to, protocol, FLOW_REPLY) &&
	       flow_put(tuple, becomes, to, protocol, 0);
}
