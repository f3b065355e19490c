// SPDX-License-Identifier: GPL-2.0-only
/* connect(2) to a service: translated once, before there is any packet. */
#include <linux/in.h>
#include <bpf/bpf_endian.h>

#include "bpf/count.bpf.h"
#include "bpf/service.bpf.h"

#define GOES_ON 1 /* every other answer gives EPERM */

/*
 * Nobody listens at port 0: the attempt is refused at once, on every kernel, with the error that a
 * closed port gives.
 */
static __always_inline void connect_refuse(struct bpf_sock_addr *ctx)
{
	count(COUNT_REFUSED_CONNECT);
	ctx->user_ip4 = bpf_htonl(INADDR_LOOPBACK);
	ctx->user_port = 0;
}

SEC("cgroup/connect4")
int sock_connect4(struct bpf_sock_addr *ctx)
{
	__be32 vip = ctx->user_ip4;
	__be16 port = ctx->user_port;
	struct service *service;
	struct choice choice;

	if (ctx->protocol != IPPROTO_TCP)
		return GOES_ON;
	service = service_find(vip, port, IPPROTO_TCP, SCOPE_INTERNAL);
	if (!service)
		return GOES_ON;
	if (!service_choose(service,
		    hash_mix(hash_mix((__u64)vip << 16 | port) ^ bpf_get_socket_cookie(ctx)),
		    &choice)) {
		connect_refuse(ctx);
		return GOES_ON;
	}
	ctx->user_ip4 = choice.address;
	ctx->user_port = choice.port;
	count(COUNT_CONNECTS);
	return GOES_ON;
}

char LICENSE[] SEC("license")
= "GPL";
