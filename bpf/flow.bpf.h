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

static __always_inline struct flow4 *flow_lookup(const struct tuple4 *tuple)
{
	struct flow4_key key = {.tuple = *tuple, .protocol = IPPROTO_TCP};

	return bpf_map_lookup_elem(&flows4_tcp, &key);
}

/* Void: the endpoint has left for good; its address may be another Pod's by now. */
static __always_inline bool flow_is_void(const struct flow4 *flow)
{
	struct endpoint *endpoint = bpf_map_lookup_elem(&endpoints, &flow->endpoint);

	return !endpoint || endpoint->generation != flow->generation;
}

static __always_inline struct flow4 *flow_find(const struct tuple4 *tuple)
{
	struct flow4 *flow = flow_lookup(tuple);

	return flow && !flow_is_void(flow) ? flow : NULL;
}

/*
 * Notes the end of a connection in its reply entry, the one that a later flow would collide
 * with.  It is over when the backend has said so, or either side has reset it.
 */
static __always_inline void flow_note(struct flow4 *flow, __u8 tcp_flags)
{
	struct tuple4 reply;

	if (!(flow->flags & FLOW_REPLY)) {
		if (!(tcp_flags & TCP_RST))
			return;
		reply = tuple_turned(&flow->becomes);
		flow = flow_lookup(&reply);
		if (!flow)
			return;
	} else if (!flow->closed && !(tcp_flags & (TCP_FIN | TCP_RST))) {
		return;
	}
	flow->closed = bpf_ktime_get_ns();
}

/* Whether @becomes is free for the connection whose replies become @reply. */
static __always_inline bool flow_may_take(const struct tuple4 *becomes, const struct tuple4 *reply)
{
	struct tuple4 turned = tuple_turned(becomes);
	struct flow4 *taken = flow_lookup(&turned);

	if (!taken || tuple_same(&taken->becomes, reply))
		return true;
	return flow_is_void(taken) ||
	       (taken->closed && bpf_ktime_get_ns() - taken->closed > FLOW_CLOSED_NS);
}

/* Sets a source port of ours; always the same one first, so that a SYN sent again keeps it. */
static __always_inline bool flow_change_port(struct tuple4 *becomes, const struct tuple4 *reply)
{
	__u64 hash = hash_mix((__u64)reply->source << 32 | becomes->destination);
	__u32 start = (__u32)(hash ^ becomes->source_port);
	int i;

	for (i = 0; i < FLOW_PORT_TRIES; i++) {
		becomes->source_port = bpf_htons(FLOW_PORT_FIRST + (start + i) % FLOW_PORTS);
		if (flow_may_take(becomes, reply)) {
			count(COUNT_PORT_CHANGED);
			return true;
		}
	}
	return false;
}

static __always_inline bool flow_put(const struct tuple4 *tuple, const struct tuple4 *becomes,
	const struct choice *to, __u32 flags)
{
	struct flow4_key key = {.tuple = *tuple, .protocol = IPPROTO_TCP};
	struct flow4 flow = {
		.becomes = *becomes,
		.endpoint = to->endpoint,
		.generation = to->generation,
		.flags = flags,
	};

	return !bpf_map_update_elem(&flows4_tcp, &key, &flow, BPF_ANY);
}

/* Enters both directions of @tuple, which goes on as @becomes. */
static __always_inline bool flow_enter(
	const struct tuple4 *tuple, const struct tuple4 *becomes, const struct choice *to)
{
	struct tuple4 turned = tuple_turned(becomes), reply = tuple_turned(tuple);

	return flow_put(&turned, &reply, to, FLOW_REPLY) && flow_put(tuple, becomes, to, 0);
}
