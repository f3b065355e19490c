/* SPDX-License-Identifier: GPL-2.0-only */
/* Turns a TCP packet from a Pod into the reset that answers it, and sends it back. */
#pragma once

#include "bpf/count.bpf.h"
#include "bpf/rewrite.bpf.h"

#define REFUSAL_TTL 64

struct refusal {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct pseudo_header {
	__be32 source, destination;
	__be16 protocol, length;
};

static __always_inline __u16 csum_fold(__s64 sum)
{
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff);
	return ~sum;
}

/* RFC 9293, 3.10.7.1: what a closed port answers. */
static __always_inline void refusal_make(struct refusal *refusal, const struct packet *packet,
	const struct tcphdr *tcp, __u32 payload)
{
	struct tuple4 turned = tuple_turned(&packet->tuple);
	struct pseudo_header pseudo = {
		.source = turned.source,
		.destination = turned.destination,
		.protocol = bpf_htons(IPPROTO_TCP),
		.length = bpf_htons(sizeof(refusal->tcp)),
	};

	*refusal = (struct refusal){
		.ip = {.version = 4,
			.ihl = 5,
			.tot_len = bpf_htons(sizeof(*refusal)),
			.frag_off = bpf_htons(0x4000),
			.ttl = REFUSAL_TTL,
			.protocol = IPPROTO_TCP,
			.saddr = turned.source,
			.daddr = turned.destination},
		.tcp = {.source = turned.source_port,
			.dest = turned.destination_port,
			.doff = sizeof(refusal->tcp) / 4,
			.rst = 1},
	};
	if (tcp->ack) {
		refusal->tcp.seq = tcp->ack_seq;
	} else {
		refusal->tcp.ack = 1;
		refusal->tcp.ack_seq =
			bpf_htonl(bpf_ntohl(tcp->seq) + payload + tcp->syn + tcp->fin);
	}
	refusal->ip.check =
		csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&refusal->ip, sizeof(refusal->ip), 0));
	refusal->tcp.check =
		csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&refusal->tcp, sizeof(refusal->tcp),
			bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0)));
}

static __always_inline bool refusal_write(struct __sk_buff *skb, const struct refusal *refusal)
{
	struct ethhdr *eth, turned;

	if (bpf_skb_change_tail(skb, IP_OFFSET + sizeof(*refusal), 0))
		return false;
	eth = frame_at(skb, 0, sizeof(*eth));
	if (!eth)
		return false;
	__builtin_memcpy(turned.h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(turned.h_source, eth->h_dest, ETH_ALEN);
	turned.h_proto = eth->h_proto;
	return !bpf_skb_store_bytes(skb, 0, &turned, sizeof(turned), 0) &&
	       !bpf_skb_store_bytes(skb, IP_OFFSET, refusal, sizeof(*refusal), 0);
}

/* The tc verdict that answers @packet with a reset, for @reason.  A reset is never answered. */
static __always_inline int refuse(struct __sk_buff *skb, const struct packet *packet, __u32 reason)
{
	struct tcphdr *tcp = frame_at(skb, packet->l4, sizeof(*tcp));
	struct refusal refusal;

	if (!tcp)
		return drop(COUNT_DROP_MALFORMED);
	if (tcp->rst)
		return drop(reason);
	refusal_make(&refusal, packet, tcp, skb->len - packet->l4 - tcp->doff * 4);
	if (!refusal_write(skb, &refusal))
		return drop(COUNT_DROP_REFUSAL);
	count(reason);
	return bpf_redirect_peer(skb->ifindex, 0);
}
