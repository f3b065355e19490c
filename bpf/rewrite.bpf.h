/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Changes addresses and ports.  By the checksum helpers only: a frame straight from a socket may
 * have CHECKSUM_PARTIAL, where the field holds no more than the pseudo header's sum.
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

/* False: the packet could not be made writable, and may be half changed. */
static __always_inline bool rewrite(
	struct __sk_buff *skb, const struct packet *packet, const struct tuple4 *becomes)
{
	__be32 addresses[2] = {becomes->source, becomes->destination};
	__be32 old_addresses[2] = {packet->tuple.source, packet->tuple.destination};
	__be16 ports[2] = {becomes->source_port, becomes->destination_port};
	__be16 old_ports[2] = {packet->tuple.source_port, packet->tuple.destination_port};
	bool tcp = packet->protocol == IPPROTO_TCP;
	__u32 check = packet->l4 +
		      (tcp ? offsetof(struct tcphdr, check) : offsetof(struct udphdr, check));
	__u64 flags = tcp ? 0 : BPF_F_MARK_MANGLED_0; /* UDP: 0 is no sum, and stays so */
	__s64 by_addresses, by_ports;

	by_addresses = bpf_csum_diff(old_addresses, 8, addresses, 8, 0);
	by_ports = bpf_csum_diff((__be32 *)old_ports, 4, (__be32 *)ports, 4, 0);
	return !bpf_l4_csum_replace(skb, check, 0, by_addresses, flags | BPF_F_PSEUDO_HDR) &&
	       !bpf_l4_csum_replace(skb, check, 0, by_ports, flags) &&
	       !bpf_l3_csum_replace(
		       skb, IP_OFFSET + offsetof(struct iphdr, check), 0, by_addresses, 0) &&
	       !bpf_skb_store_bytes(
		       skb, IP_OFFSET + offsetof(struct iphdr, saddr), addresses, 8, 0) &&
	       !bpf_skb_store_bytes(skb, packet->l4, ports, 4, 0);
}
