// SPDX-License-Identifier: Apache-2.0
/* What pod_out is measured with: the least a program can do, and a new flow in each run. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 1024

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} next SEC(".maps");

__u16 source_port = FIRST_PORT;

SEC("tc")
int nothing(struct __sk_buff *skb __attribute__((unused)))
{
	return TC_ACT_UNSPEC;
}

/* The frame is what the run before has made of it: only its source port changes. */
SEC("tc")
int new_flow(struct __sk_buff *skb)
{
	struct ethhdr *eth = (void *)(long)skb->data;
	struct tcphdr *tcp = (void *)(eth + 1) + sizeof(struct iphdr);

	if ((void *)(tcp + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	tcp->source = bpf_htons(source_port++);
	bpf_tail_call(skb, &next, 0);
	return TC_ACT_SHOT;
}

char _license[] SEC("license")
= "GPL";
