/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes addresses and ports.  TCP's and UDP's sums by the checksum helpers only: a frame straight
 * from a socket may have CHECKSUM_PARTIAL, where the field holds no more than the pseudo header's
 * sum.
 */
#pragma once

#include <stddef.h>

#include "bpf/parse.bpf.h"

static __always_inline bool tuple_same(const struct tuple4 *a, const struct tuple4 *b)
{
	return a->source == b->source && a->destination == b->destination &&
	       a->source_port == b->source_port && a->destination_port == b->destination_port;
}

/* As the other end's packets carry it. */
static __always_inline struct tuple4 tuple_turned(const struct tuple4 *tuple)
{
	return (struct tuple4){
		.source = tuple->destination,
		.destination = tuple->source,
		.source_port = tuple->destination_port,
		.destination_port = tuple->source_port,
	};
}

static __always_inline __u16 csum_fold(__u64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	return ~sum;
}

/* What a sum of words changes by, in 32 bits: bpf_csum_diff, without the call. */
static __always_inline __u32 csum_change(__u32 old, __u32 old2, __u32 becomes, __u32 becomes2)
{
	__u64 sum = (__u64)(__u32)~old + (__u32)~old2 + becomes + becomes2;

	sum = (sum & 0xffffffff) + (sum >> 32);
	return (sum & 0xffffffff) + (sum >> 32);
}

/* The end of an IP header without options, and what follows it; each field is aligned. */
struct ip4_end {
	__u16 before;
	__u16 check;
	struct tuple4 tuple;
};

#define IP_CHECK_OFFSET (IP_OFFSET + offsetof(struct iphdr, check))
#define IP4_END_SIZE	(sizeof(struct ip4_end) - offsetof(struct ip4_end, check))

/* The IP checksum is never partial, so it is stored with the addresses, and mostly the ports. */
static __always_inline bool rewrite_store(
	struct __sk_buff *skb, const struct packet *packet, const struct ip4_end *end)
{
	if (packet->l4 == IP_OFFSET + sizeof(struct iphdr))
		return !bpf_skb_store_bytes(skb, IP_CHECK_OFFSET, &end->check, IP4_END_SIZE, 0);
	return !bpf_skb_store_bytes(skb, IP_CHECK_OFFSET, &end->check, IP4_END_SIZE - 4, 0) &&
	       !bpf_skb_store_bytes(skb, packet->l4, &end->tuple.source_port, 4, 0);
}

/* False: the packet could not be made writable, and may be half changed. */
static __always_inline bool rewrite(
	struct __sk_buff *skb, const struct packet *packet, const struct tuple4 *becomes)
{
	const struct tuple4 *tuple = &packet->tuple;
	bool tcp = packet->protocol == IPPROTO_TCP;
	__u32 check = packet->l4 +
		      (tcp ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check));
	__u64 flags = tcp ? 0 : BPF_F_MARK_MANGLED_0; /* UDP: 0 is no sum, and stays so */
	__u32 by_addresses = csum_change(
		tuple->source, tuple->destination, becomes->source, becomes->destination);
	__u32 by_ports =
		csum_change(0xffff0000 | tuple->source_port, 0xffff0000 | tuple->destination_port,
			becomes->source_port, becomes->destination_port);
	struct ip4_end end = {.tuple = *becomes};

	end.check = csum_fold(
		(__u64)(__u16)~packet->ip_check + (by_addresses & 0xffff) + (by_addresses >> 16));
	return !bpf_l4_csum_replace(skb, check, 0, by_addresses, flags | BPF_F_PSEUDO_HDR) &&
	       !bpf_l4_csum_replace(skb, check, 0, by_ports, flags) &&
	       rewrite_store(skb, packet, &end);
}
