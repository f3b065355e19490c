/* SPDX-License-Identifier: GPL-2.0-only */
/* From a frame to the few numbers that decide about it. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "podnet/abi.h"

#define IP_OFFSET sizeof(struct ethhdr)

#define IP_FRAGMENT 0x3fff /* offset or "more fragments" */

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct packet {
	struct tuple4 tuple; /* ports are 0 when @protocol is */
	__u32 l4;	     /* offset in the frame */
	__u8 tcp_flags;
	__u8 protocol;	/* IPPROTO_TCP or _UDP with its ports; 0: others, and fragments */
	__u16 ip_check; /* the IP header's checksum */
};

/*
 * The frame's bounds, loaded anew each time: a compiler that keeps them may truncate the copy to
 * the 32 bits that the context declares, and the verifier then no longer knows a pointer.
 */
#define skb_load(skb, field)                                                      \
	({                                                                        \
		void *loaded_;                                                    \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                             \
			     : "=r"(loaded_)                                      \
			     : "r"(skb), "i"(offsetof(struct __sk_buff, field))); \
		loaded_;                                                          \
	})

/*
 * @size bytes of the frame at @offset, pulled into the linear part if need be; NULL: it is
 * shorter.
 */
static __always_inline void *frame_at(struct __sk_buff *skb, __u32 offset, __u32 size)
{
	void *at = skb_load(skb, data) + offset;

	if (at + size > skb_load(skb, data_end)) {
		if (bpf_skb_pull_data(skb, offset + size))
			return NULL;
		at = skb_load(skb, data) + offset;
		if (at + size > skb_load(skb, data_end))
			return NULL;
	}
	return at;
}

static __always_inline bool parse_tcp(struct __sk_buff *skb, struct packet *packet)
{
	struct tcphdr *tcp = frame_at(skb, packet->l4, sizeof(*tcp));

	if (!tcp || tcp->doff < 5)
		return false;
	packet->protocol = IPPROTO_TCP;
	packet->tuple.source_port = tcp->source;
	packet->tuple.destination_port = tcp->dest;
	packet->tcp_flags = ((__u8 *)tcp)[13];
	return true;
}

static __always_inline bool parse_udp(struct __sk_buff *skb, struct packet *packet)
{
	struct udphdr *udp = frame_at(skb, packet->l4, sizeof(*udp));

	if (!udp)
		return false;
	packet->protocol = IPPROTO_UDP;
	packet->tuple.source_port = udp->source;
	packet->tuple.destination_port = udp->dest;
	return true;
}

/* False: the headers do not fit the frame. */
static __always_inline bool parse_ip4(struct __sk_buff *skb, struct packet *packet)
{
	struct iphdr *ip = frame_at(skb, IP_OFFSET, sizeof(*ip));

	if (!ip || ip->version != 4 || ip->ihl < 5)
		return false;
	*packet = (struct packet){
		.tuple = {.source = ip->saddr, .destination = ip->daddr},
		.l4 = IP_OFFSET + ip->ihl * 4,
		.ip_check = ip->check,
	};
	if (ip->frag_off & bpf_htons(IP_FRAGMENT))
		return true;
	switch (ip->protocol) {
	case IPPROTO_TCP: return parse_tcp(skb, packet);
	case IPPROTO_UDP: return parse_udp(skb, packet);
	default: return true;
	}
}
