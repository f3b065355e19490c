/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of BPF programs: made from a description, and read back with their checksums. */
#pragma once

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define FRAME_MOST 256

#define FLAG_FIN 0x01
#define FLAG_SYN 0x02
#define FLAG_RST 0x04
#define FLAG_ACK 0x10

struct frame {
	size_t size;
	uint16_t pad; /* so that the IP header is aligned */
	uint8_t bytes[FRAME_MOST];
} __attribute__((aligned(8)));

/* A TCP segment or UDP datagram, in host byte order. */
struct segment {
	uint32_t source, destination;
	uint16_t source_port, destination_port;
	uint8_t flags;	  /* of TCP */
	uint8_t protocol; /* 0: TCP */
	bool no_sum;	  /* UDP without a checksum */
	uint32_t sequence, acknowledged;
	uint8_t option_words; /* of IP options: no-operations */
	uint16_t fragment;    /* as in the header */
	uint8_t payload;      /* bytes */
};

static inline uint32_t sum_add(uint32_t sum, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < size; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline uint32_t l4_sum(const struct iphdr *ip, const void *l4, size_t size)
{
	uint8_t rest[4] = {0, ip->protocol, (uint8_t)(size >> 8), (uint8_t)size};

	return sum_add(sum_add(sum_add(0, &ip->saddr, 8), rest, 4), l4, size);
}

static inline void frame_tcp(
	const struct iphdr *ip, struct tcphdr *tcp, size_t size, const struct segment *segment)
{
	*tcp = (struct tcphdr){.source = htons(segment->source_port),
		.dest = htons(segment->destination_port),
		.seq = htonl(segment->sequence),
		.ack_seq = htonl(segment->acknowledged),
		.doff = sizeof(*tcp) / 4};
	((uint8_t *)tcp)[13] = segment->flags;
	tcp->check = htons((uint16_t)~l4_sum(ip, tcp, size));
}

static inline void frame_udp(
	const struct iphdr *ip, struct udphdr *udp, size_t size, const struct segment *segment)
{
	*udp = (struct udphdr){.source = htons(segment->source_port),
		.dest = htons(segment->destination_port),
		.len = htons((uint16_t)size)};
	if (!segment->no_sum)
		udp->check = htons((uint16_t)~l4_sum(ip, udp, size));
}

static inline void frame_make(struct frame *frame, const struct segment *segment)
{
	struct ethhdr *eth = (void *)frame->bytes;
	struct iphdr *ip = (void *)(eth + 1);
	bool udp = segment->protocol == IPPROTO_UDP;
	size_t head = sizeof(*ip) + 4u * segment->option_words;
	size_t own = udp ? sizeof(struct udphdr) : sizeof(struct tcphdr);
	size_t size = own + segment->payload;
	uint8_t *l4 = (uint8_t *)ip + head;

	memset(frame, 0, sizeof(*frame));
	memcpy(eth->h_dest, "\2\0\0\0\1\2", ETH_ALEN);
	memcpy(eth->h_source, "\2\0\0\0\0\2", ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	memset(ip + 1, 1, 4u * segment->option_words);
	memset(l4 + own, 'x', segment->payload);
	*ip = (struct iphdr){.version = 4,
		.ihl = head / 4,
		.tot_len = htons(head + size),
		.frag_off = htons(segment->fragment),
		.ttl = 64,
		.protocol = udp ? IPPROTO_UDP : IPPROTO_TCP,
		.saddr = htonl(segment->source),
		.daddr = htonl(segment->destination)};
	ip->check = htons((uint16_t)~sum_add(0, ip, head));
	if (udp)
		frame_udp(ip, (void *)l4, size, segment);
	else
		frame_tcp(ip, (void *)l4, size, segment);
	frame->size = sizeof(*eth) + head + size;
}

/* False when the frame is no whole TCP segment or UDP datagram, or a checksum is wrong. */
static inline bool frame_read(const struct frame *frame, struct segment *ret)
{
	const struct iphdr *ip = (const void *)(frame->bytes + sizeof(struct ethhdr));
	const struct tcphdr *tcp = (const void *)((const uint8_t *)ip + ip->ihl * 4u);
	const struct udphdr *udp = (const void *)tcp;
	bool is_udp = ip->protocol == IPPROTO_UDP;
	size_t size = ntohs(ip->tot_len) - ip->ihl * 4u;
	bool no_sum = is_udp && !udp->check;

	if (frame->size != sizeof(struct ethhdr) + ntohs(ip->tot_len) ||
		(!is_udp && ip->protocol != IPPROTO_TCP) ||
		sum_add(0, ip, ip->ihl * 4u) != 0xffff ||
		(!no_sum && l4_sum(ip, tcp, size) != 0xffff))
		return false;
	*ret = (struct segment){
		.source = ntohl(ip->saddr),
		.destination = ntohl(ip->daddr),
		.source_port = ntohs(tcp->source),
		.destination_port = ntohs(tcp->dest),
		.option_words = ip->ihl - 5,
		.fragment = ntohs(ip->frag_off),
		.payload = (uint8_t)(size - (is_udp ? sizeof(*udp) : tcp->doff * 4u)),
	};
	if (is_udp) {
		ret->protocol = IPPROTO_UDP;
		ret->no_sum = no_sum;
		return true;
	}
	ret->flags = ((const uint8_t *)tcp)[13];
	ret->sequence = ntohl(tcp->seq);
	ret->acknowledged = ntohl(tcp->ack_seq);
	return true;
}
