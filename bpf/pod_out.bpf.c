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

	if (!rewrite(skb, packet, becomes))
		return drop(COUNT_DROP_MALFORMED);
	return deliver(skb, destination);
}

/* Says where the first packet of a flow goes.  False: no backend accepts it. */
static __always_inline bool open_choose(
	const struct service *service, struct tuple4 *becomes, struct choice *ret)
{
	__u64 hash = hash_mix((__u64)becomes->source << 32 | becomes->destination);

	hash = hash_mix(hash ^ ((__u64)becomes->source_port << 16 | becomes->destination_port));
	if (!service_choose(service, hash, ret))
		return false;
	becomes->destination = ret->address;
	becomes->destination_port = ret->port;
	/* To itself: an answer to its own address would never leave the Pod. */
	if (ret->address == becomes->source)
		becomes->source = bpf_htonl(CNI_GATEWAY);
	return true;
}

/* Forgets the void flow whose replies those to @becomes would be taken for. */
static __always_inline void open_untake(const struct tuple4 *becomes, __u8 protocol)
{
	struct flow4_key key = {.tuple = tuple_turned(becomes), .protocol = protocol};

	if (protocol == IPPROTO_TCP)
		bpf_map_delete_elem(&flows4_tcp, &key);
	else
		bpf_map_delete_elem(&flows4_any, &key);
}

/*
 * A flow's first packet, to a service, or to a backend itself: that one too must not become what a
 * translated flow already is.  A global function: the verifier looks at it once, and the packets
 * that follow do not pay for it.
 */
__attribute__((noinline)) int open_flow(struct __sk_buff *skb)
{
	struct tuple4 becomes, reply;
	struct choice choice = {};
	struct service *service;
	struct packet packet;
	struct flow4 *taken;

	if (!parse_ip4(skb, &packet))
		return drop(COUNT_DROP_MALFORMED);
	becomes = packet.tuple;
	reply = tuple_turned(&packet.tuple);
	service = service_find(
		becomes.destination, becomes.destination_port, packet.protocol, SCOPE_INTERNAL);
	if (service) {
		if (!open_choose(service, &becomes, &choice))
			return refuse(skb, COUNT_REFUSED);
	} else {
		taken = flow_lookup(&reply, packet.protocol);
		if (taken) {
			choice.endpoint = taken->endpoint;
			choice.generation = taken->generation;
		}
	}
	if (flow_may_take(&becomes, &reply, packet.protocol)) {
		if (!service) {
			open_untake(&becomes, packet.protocol);
			return deliver(skb, becomes.destination);
		}
	} else if (!flow_change_port(&becomes, &reply, packet.protocol)) {
		return drop(COUNT_DROP_EXHAUSTED);
	}
	if (!flow_enter(&packet.tuple, &becomes, &choice, packet.protocol))
		return drop(COUNT_DROP_EXHAUSTED);
	if (service)
		count(COUNT_FLOWS);
	return translate(skb, &packet, &becomes);
}

/* TCP and UDP. */
static __always_inline int flow_out(struct __sk_buff *skb, const struct packet *packet)
{
	const struct tuple4 *tuple = &packet->tuple;
	bool tcp = packet->protocol == IPPROTO_TCP;
	bool opens = tcp && (packet->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
	struct tuple4 becomes, turned;
	struct flow4 *flow;

	if (!opens) {
		flow = flow_find(tuple, packet->protocol);
		if (flow) {
			becomes = flow->becomes;
			if (tcp)
				flow_note(flow, packet->tcp_flags);
			return translate(skb, packet, &becomes);
		}
	}
	if (service_find(
		    tuple->destination, tuple->destination_port, packet->protocol, SCOPE_INTERNAL))
		return tcp && !opens ? refuse(skb, COUNT_REFUSED_UNKNOWN) : open_flow(skb);
	turned = tuple_turned(tuple);
	if ((opens || !tcp) && flow_lookup(&turned, packet->protocol))
		return open_flow(skb);
	return deliver(skb, tuple->destination);
}

static __always_inline int ip4_out(struct __sk_buff *skb)
{
	struct packet packet;

	if (!parse_ip4(skb, &packet))
		return drop(COUNT_DROP_MALFORMED);
	if (!source_is_own(skb, packet.tuple.source))
		return drop(COUNT_DROP_SPOOFED);
	return packet.protocol ? flow_out(skb, &packet) : deliver(skb, packet.tuple.destination);
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
