/* SPDX-License-Identifier: GPL-2.0-only */
/* Turns a packet from a Pod into what a closed port answers, and sends it back. */
#pragma once

#include "bpf/count.bpf.h"
#include "bpf/rewrite.bpf.h"

#define REFUSAL_TTL 64

#define ICMP_UNREACHABLE      3
#define ICMP_UNREACHABLE_PORT 3

struct refusal_tcp {
	struct iphdr ip;
	struct tcphdr tcp;
};

struct icmp_unreachable { /* <linux/icmp.h> needs a libc */
	__u8 type, code;
	__u16 checksum;
	__u32 unused;
};

struct refusal_udp {
	struct iphdr ip;
	struct icmp_unreachable icmp;
	struct iphdr refused; /* its options are left out */
	struct udphdr refused_udp;
};

struct pseudo_header {
	__be32 source, destination;
	__be16 protocol, length;
};

static __always_inline struct iphdr refusal_ip(
	const struct packet *packet, __u8 protocol, __u16 size)
{
	struct iphdr ip = {.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(size),
		.frag_off = bpf_htons(0x4000),
		.ttl = REFUSAL_TTL,
		.protocol = protocol,
		.saddr = packet->tuple.destination,
		.daddr = packet->tuple.source};

	ip.check = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&ip, sizeof(ip), 0));
	return ip;
}

static __always_inline bool refusal_write(struct __sk_buff *skb, const void *refusal, __u32 size)
{
	struct ethhdr *eth, turned;

	if (bpf_skb_change_tail(skb, IP_OFFSET + size, 0))
		return false;
	eth = frame_at(skb, 0, sizeof(*eth));
	if (!eth)
		return false;
	__builtin_memcpy(turned.h_dest, eth->h_source, ETH_ALEN);
	__builtin_memcpy(turned.h_source, eth->h_dest, ETH_ALEN);
	turned.h_proto = eth->h_proto;
	return !bpf_skb_store_bytes(skb, 0, &turned, sizeof(turned), 0) &&
	       !bpf_skb_store_bytes(skb, IP_OFFSET, refusal, size, 0);
}

/* RFC 9293, 3.10.7.1. */
static __always_inline bool refuse_tcp(
	struct __sk_buff *skb, const struct packet *packet, const struct tcphdr *tcp)
{
	__u32 payload = skb->len - packet->l4 - tcp->doff * 4;
	struct refusal_tcp refusal = {
		.ip = refusal_ip(packet, IPPROTO_TCP, sizeof(refusal)),
		.tcp = {.source = packet->tuple.destination_port,
			.dest = packet->tuple.source_port,
			.doff = sizeof(refusal.tcp) / 4,
			.rst = 1},
	};
	struct pseudo_header pseudo = {
		.source = refusal.ip.saddr,
		.destination = refusal.ip.daddr,
		.protocol = bpf_htons(IPPROTO_TCP),
		.length = bpf_htons(sizeof(refusal.tcp)),
	};

	if (tcp->ack) {
		refusal.tcp.seq = tcp->ack_seq;
	} else {
		refusal.tcp.ack = 1;
		refusal.tcp.ack_seq =
			bpf_htonl(bpf_ntohl(tcp->seq) + payload + tcp->syn + tcp->fin);
	}
	refusal.tcp.check = csum_fold(bpf_csum_diff(NULL, 0, (__be32 *)&refusal.tcp,
		sizeof(refusal.tcp), bpf_csum_diff(NULL, 0, (__be32 *)&pseudo, sizeof(pseudo), 0)));
	return refusal_write(skb, &refusal, sizeof(refusal));
}

/* RFC 1122, 3.2.2.1: "port unreachable", with the header that it is about. */
static __always_inline bool refuse_udp(struct __sk_buff *skb, const struct packet *packet)
{
	struct refusal_udp refusal = {
		.ip = refusal_ip(packet, IPPROTO_ICMP, sizeof(refusal)),
		.icmp = {.type = ICMP_UNREACHABLE, .code = ICMP_UNREACHABLE_PORT},
	};

	if (bpf_skb_load_bytes(skb, IP_OFFSET, &refusal.refused, sizeof(refusal.refused)) ||
		bpf_skb_load_bytes(
			skb, packet->l4, &refusal.refused_udp, sizeof(refusal.refused_udp)))
		return false;
	refusal.refused.ihl = 5;
	refusal.icmp.checksum = csum_fold(bpf_csum_diff(
		NULL, 0, (__be32 *)&refusal.icmp, sizeof(refusal) - sizeof(refusal.ip), 0));
	return refusal_write(skb, &refusal, sizeof(refusal));
}

/*
 * The tc verdict that refuses a TCP or UDP packet, for @reason.  A reset is never answered.  A global
 * function: the verifier looks at it once.
 */
__attribute__((noinline)) int refuse(struct __sk_buff *skb, __u32 reason)
{
	struct packet packet;
	struct tcphdr *tcp;
	bool written;

	if (!parse_ip4(skb, &packet))
		return drop(COUNT_DROP_MALFORMED);
	if (packet.protocol == IPPROTO_TCP) {
		tcp = frame_at(skb, packet.l4, sizeof(*tcp));
		if (!tcp)
			return drop(COUNT_DROP_MALFORMED);
		if (tcp->rst)
			return drop(reason);
		written = refuse_tcp(skb, &packet, tcp);
	} else {
		written = refuse_udp(skb, &packet);
	}
	if (!written)
		return drop(COUNT_DROP_REFUSAL);
	count(reason);
	return bpf_redirect_peer(skb->ifindex, 0);
}
