// SPDX-License-Identifier: GPL-2.0-only
/*
 * To a Pod from the host's stack: tc egress of the host side of its veth.  What pod_out delivers
 * never passes here.  Replies of backends that are no Pods of this machine get their service's
 * address back.
 */
#include "bpf/flow.bpf.h"

SEC("tc")
int pod_in(struct __sk_buff *skb)
{
	struct ethhdr *eth = frame_at(skb, 0, sizeof(*eth));
	struct tuple4 becomes;
	struct packet packet;
	struct flow4 *flow;

	if (!eth || eth->h_proto != bpf_htons(ETH_P_IP) || !parse_ip4(skb, &packet))
		return TC_ACT_UNSPEC;
	if (!packet.protocol)
		return TC_ACT_UNSPEC;
	flow = flow_find(&packet.tuple, packet.protocol);
	if (!flow || !(flow->flags & FLOW_REPLY))
		return TC_ACT_UNSPEC;
	becomes = flow->becomes;
	if (packet.protocol == IPPROTO_TCP)
		flow_note(flow, packet.tcp_flags);
	if (!rewrite(skb, &packet, &becomes))
		return drop(COUNT_DROP_MALFORMED);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license")
= "GPL";
