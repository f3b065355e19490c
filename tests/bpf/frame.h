/* SPDX-License-Identifier: Apache-2.0 */
/* Frames for tests of BPF programs: made from a description, and read back with their checksums. */
#pragma once

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
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

/* A TCP segment, in host byte order. */
struct segment {
	uint32_t source, destination;
	uint16_t source_port, destination_port;
	uint8_t flags;
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

static inline uint32_t tcp_sum(const struct iphdr *ip, const void *tcp, size_t size)
{
	uint8_t rest[4] = {0, IPPROTO_TCP, (uint8_t)(size >> 8), (uint8_t)size};

	return sum_add(sum_add(sum_add(0, &ip->saddr, 8), rest, 4), tcp, size);
}

static inline void frame_make(struct frame *frame, const struct segment *segment)
{
	struct ethhdr *eth = (void *)frame->bytes;
	struct iphdr *ip = (void *)(eth + 1);
	size_t head = sizeof(*ip) + 4u * segment->option_words;
	struct tcphdr *tcp = (void *)((uint8_t *)ip + head);
	size_t size = sizeof(*tcp) + segment->payload;

	memset(frame, 0, sizeof(*frame));
	memcpy(eth->h_dest, "\2\0\0\0\1\2", ETH_ALEN);
	memcpy(eth->h_source, "\2\0\0\0\0\2", ETH_ALEN);
	eth->h_proto = htons(ETH_P_IP);
	memset(ip + 1, 1, 4u * segment->option_words);
	memset(tcp + 1, 'x', segment->payload);
	*ip = (struct iphdr){.version = 4,
		.ihl = head / 4,
		.tot_len = htons(head + size),
		.frag_off = htons(segment->fragment),
		.ttl = 64,
		.protocol = IPPROTO_TCP,
		.saddr = htonl(segment->source),
		.daddr = htonl(segment->destination)};
	*tcp = (struct tcphdr){.source = htons(segment->source_port),
		.dest = htons(segment->destination_port),
		.seq = htonl(segment->sequence),
		.ack_seq = htonl(segment->acknowledged),
		.doff = sizeof(*tcp) / 4};
	((uint8_t *)tcp)[13] = segment->flags;
	ip->check = htons((uint16_t)~sum_add(0, ip, head));
	tcp->check = htons((uint16_t)~tcp_sum(ip, tcp, size));
	frame->size = sizeof(*eth) + head + size;
}

/* False when the frame is no whole TCP segment, or a checksum is wrong. */
static inline bool frame_read(const struct frame *frame, struct segment *ret)
{
	const struct iphdr *ip = (const void *)(frame->bytes + sizeof(struct ethhdr));
	const struct tcphdr *tcp = (const void *)((const uint8_t *)ip + ip->ihl * 4u);
	size_t size = ntohs(ip->tot_len) - ip->ihl * 4u;

	if (frame->size != sizeof(struct ethhdr) + ntohs(ip->tot_len) ||
		sum_add(0, ip, ip->ihl * 4u) != 0xffff || tcp_sum(ip, tcp, size) != 0xffff)
		return false;
	*ret = (struct segment){
		.source = ntohl(ip->saddr),
		.destination = ntohl(ip->daddr),
		.source_port = ntohs(tcp->source),
		.destination_port = ntohs(tcp->dest),
		.flags = ((const uint8_t *)tcp)[13],
		.sequence = ntohl(tcp->seq),
		.acknowledged = ntohl(tcp->ack_seq),
		.option_words = ip->ihl - 5,
		.fragment = ntohs(ip->frag_off),
		.payload = (uint8_t)(size - tcp->doff * 4u),
	};
	return true;
}
