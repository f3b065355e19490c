// SPDX-License-Identifier: GPL-2.0-only
/*
 * From a Pod: tc ingress of the host side of its veth.  Is the packet the Pod's own?  Does it
 * belong to a service, or answer for one?  Then straight into the Pod it goes to, or on to the
 * host's stack.
 */
#include <linux/ipv6.h>

#include "bpf/flow.bpf.h"
#include "bpf/refuse.bpf.h"
#include "podnet/cniwire.h"

/* RFC 826 for Ethernet and IPv4. */
struct arp4 {
	__be16 hardware, protocol;
	__u8 hardware_length, protocol_length;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__u8 sender[4];
	__u8 target_mac[ETH_ALEN];
	__u8 target[4];
};

static __always_inline struct pod4 *pod_find(__be32 address)
{
	struct pod4 *pod = bpf_map_lookup_elem(&pods4, &address);

	return pod && pod->address == address ? pod : NULL;
}

static __always_inline bool mac_same(const __u8 a[ETH_ALEN], const __u8 b[ETH_ALEN])
{
	return *(__u16 *)a == *(__u16 *)b && *(__u16 *)(a + 2) == *(__u16 *)(b + 2) &&
	       *(__u16 *)(a + 4) == *(__u16 *)(b + 4);
}

/* Whether the Pod behind this interface may say it is @address. */
static __always_inline bool source_is_own(struct __sk_buff *skb, __be32 address)
{
	struct pod4 *pod = pod_find(address);
	struct ethhdr *eth;

	if (!pod || pod->ifindex != skb->ifindex)
		return false;
	if (!(pod->flags & POD_CHECK_MAC))
		return true;
	eth = frame_at(skb, 0, sizeof(*eth));
	return eth && mac_same(eth->h_source, pod->mac);
}

static __always_inline int arp_out(struct __sk_buff *skb)
{
	struct arp4 *arp = frame_at(skb, sizeof(struct ethhdr), sizeof(*arp));
	__be32 sender;

	if (!arp)
		return drop(COUNT_DROP_MALFORMED);
	__builtin_memcpy(&sender, arp->sender, sizeof(sender));
	if (sender && !source_is_own(skb, sender)) /* 0: a probe for a duplicate address */
		return drop(COUNT_DROP_SPOOFED);
	return TC_ACT_UNSPEC;
}

/* Pods have no IPv6 addresses of ours: only what stays on the link is theirs to send. */
static __always_inline int ip6_out(struct __sk_buff *skb)
{
	struct ipv6hdr *ip = frame_at(skb, sizeof(struct ethhdr), sizeof(*ip));
	__be32 *source;

	if (!ip)
		return drop(COUNT_DROP_MALFORMED);
	source = ip->saddr.in6_u.u6_addr32;
	if ((source[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000))
		return TC_ACT_UNSPEC;
	if (!source[0] && !source[1] && !source[2] && !source[3])
		return TC_ACT_UNSPEC;
	return drop(COUNT_DROP_SPOOFED);
}

/* Into the Pod that has @address, else to the stack. */
static __always_inline int deliver(struct __sk_buff *skb, __be32 address)
{
	struct pod4 *pod = pod_find(address);

	if (!pod)
		return TC_ACT_UNSPEC;
	if (!(pod->flags & POD_NO_PEER))
		return bpf_redirect_peer(pod->ifindex, 0);
	if (bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_dest), pod->mac, ETH_ALEN, 0))
		return drop(COUNT_DROP_MALFORMED);
	return bpf_redirect(pod->ifindex, 0);
}

static __always_inline int translate(
	struct __sk_buff *skb, const struct packet *packet, const struct tuple4 *becomes)
{
	__be32 destination = becomes->destination;

	if (!rewrite_tcp(skb, packet, becomes))
		return drop(COUNT_DROP_MALFORMED);
	return deliver(skb, destination);
}

/* A connection's first packet, to a service. */
static __always_inline int tcp_open_service(
	struct __sk_buff *skb, const struct packet *packet, const struct service *service)
{
	struct tuple4 becomes = packet->tuple, reply = tuple_turned(&packet->tuple);
	__u64 hash = hash_mix((__u64)becomes.source << 32 | becomes.destination);
	struct choice choice;

	hash = hash_mix(hash ^ ((__u64)becomes.source_port << 16 | becomes.destination_port));
	if (!service_choose(service, hash, &choice))
		return refuse(skb, packet, COUNT_REFUSED);
	becomes.destination = choice.address;
	becomes.destination_port = choice.port;
	/* To itself: an answer to its own address would never leave the Pod. */
	if (choice.address == becomes.source)
		becomes.source = bpf_htonl(CNI_GATEWAY);
	if (!flow_may_take(&becomes, &reply) && !flow_change_port(&becomes, &reply))
		return drop(COUNT_DROP_EXHAUSTED);
	if (!flow_enter(&packet->tuple, &becomes, &choice))
		return drop(COUNT_DROP_EXHAUSTED);
	count(COUNT_FLOWS);
	return translate(skb, packet, &becomes);
}

/*
 * A connection's first packet, to a backend itself: it too must not become what a translated
 * connection already is.
 */
static __always_inline int tcp_open_direct(struct __sk_buff *skb, const struct packet *packet)
{
	struct tuple4 becomes = packet->tuple, reply = tuple_turned(&packet->tuple);
	struct flow4_key key = {.tuple = reply, .protocol = IPPROTO_TCP};
	struct flow4 *taken = bpf_map_lookup_elem(&flows4_tcp, &key);
	struct choice choice = {};

	if (!taken)
		return deliver(skb, becomes.destination);
	if (flow_may_take(&becomes, &reply)) {
		bpf_map_delete_elem(&flows4_tcp, &key);
		return deliver(skb, becomes.destination);
	}
	choice.endpoint = taken->endpoint;
	choice.generation = taken->generation;
	if (!flow_change_port(&becomes, &reply) || !flow_enter(&packet->tuple, &becomes, &choice))
		return drop(COUNT_DROP_EXHAUSTED);
	return translate(skb, packet, &becomes);
}

static __always_inline int tcp_out(struct __sk_buff *skb, const struct packet *packet)
{
	const struct tuple4 *tuple = &packet->tuple;
	bool opens = (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct service *service;
	struct tuple4 becomes;
	struct flow4 *flow;

	if (!opens) {
		flow = flow_find(tuple);
		if (flow) {
			becomes = flow->becomes;
			flow_note(flow, packet->tcp_flags);
			return translate(skb, packet, &becomes);
		}
	}
	service = service_find(
		tuple->destination, tuple->destination_port, IPPROTO_TCP, SCOPE_INTERNAL);
	if (!opens)
		return service ? refuse(skb, packet, COUNT_REFUSED_UNKNOWN)
			       : deliver(skb, tuple->destination);
	return service ? tcp_open_service(skb, packet, service) : tcp_open_direct(skb, packet);
}

static __always_inline int ip4_out(struct __sk_buff *skb)
{
	struct packet packet;

	if (!parse_ip4(skb, &packet))
		return drop(COUNT_DROP_MALFORMED);
	if (!source_is_own(skb, packet.tuple.source))
		return drop(COUNT_DROP_SPOOFED);
	return packet.is_tcp ? tcp_out(skb, &packet) : deliver(skb, packet.tuple.destination);
}

SEC("tc")
int pod_out(struct __sk_buff *skb)
{
	struct ethhdr *eth = frame_at(skb, 0, sizeof(*eth));

	if (!eth)
		return drop(COUNT_DROP_MALFORMED);
	if (skb->vlan_present)
		return drop(COUNT_DROP_PROTOCOL);
	switch (bpf_ntohs(eth->h_proto)) {
	case ETH_P_IP: return ip4_out(skb);
	case ETH_P_IPV6: return ip6_out(skb);
	case ETH_P_ARP: return arp_out(skb);
	default: return drop(COUNT_DROP_PROTOCOL);
	}
}

char LICENSE[] SEC("license")
= "GPL";
