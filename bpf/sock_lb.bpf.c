// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that ask for a service: translated before there is any packet.  TCP once, at connect(2);
 * UDP there or, without one, at each datagram, and what is heard from the backend then comes from
 * the service.
 */
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

/* A datagram of ours may only be the next one of many: what is known is not written again. */
static __always_inline void peer_remember(
	__u64 cookie, __be32 vip, __be16 port, const struct choice *choice)
{
	struct peer4_key key = {.cookie = cookie, .address = choice->address, .port = choice->port};
	struct peer4 *known = bpf_map_lookup_elem(&peers4, &key);
	struct peer4 peer = {.vip = vip,
		.port = port,
		.backend = choice->backend,
		.generation = choice->backend_generation};

	if (known && known->vip == vip && known->port == port && known->backend == peer.backend &&
		known->generation == peer.generation)
		return;
	/* Without an entry the socket hears from the backend's own address. */
	bpf_map_update_elem(&peers4, &key, &peer, BPF_ANY);
	count(COUNT_CONNECTS);
}

static __always_inline const struct peer4 *peer_find(
	struct bpf_sock_addr *ctx, __be32 address, __be16 port)
{
	struct peer4_key key = {
		.cookie = bpf_get_socket_cookie(ctx), .address = address, .port = port};

	return bpf_map_lookup_elem(&peers4, &key);
}

/*
 * Nothing to go to: UDP is left to the packet path, which refuses each datagram, and serves later
 * ones when there is a backend again.
 */
static __always_inline int translate(struct bpf_sock_addr *ctx, __u8 protocol)
{
	__be32 vip = ctx->user_ip4;
	__be16 port = ctx->user_port;
	struct service *service;
	struct choice choice;
	__u64 cookie;

	service = service_find(vip, port, protocol, SCOPE_INTERNAL);
	if (!service)
		return GOES_ON;
	cookie = bpf_get_socket_cookie(ctx);
	if (!service_choose(
		    service, hash_mix(hash_mix((__u64)vip << 16 | port) ^ cookie), &choice)) {
		if (protocol == IPPROTO_TCP)
			connect_refuse(ctx);
		return GOES_ON;
	}
	ctx->user_ip4 = choice.address;
	ctx->user_port = choice.port;
	if (protocol == IPPROTO_UDP)
		peer_remember(cookie, vip, port, &choice);
	else
		count(COUNT_CONNECTS);
	return GOES_ON;
}

SEC("cgroup/connect4")
int sock_connect4(struct bpf_sock_addr *ctx)
{
	switch (ctx->protocol) {
	case IPPROTO_TCP: return translate(ctx, IPPROTO_TCP);
	case IPPROTO_UDP: return translate(ctx, IPPROTO_UDP);
	default: return GOES_ON;
	}
}

/* Also runs for IPv6 sockets that send to a mapped address. */
SEC("cgroup/sendmsg4")
int sock_sendmsg4(struct bpf_sock_addr *ctx)
{
	return ctx->protocol == IPPROTO_UDP ? translate(ctx, IPPROTO_UDP) : GOES_ON;
}

/* Whom the socket hears from, or is connected to: the service. */
static __always_inline int translate_back(struct bpf_sock_addr *ctx)
{
	const struct peer4 *peer;

	if (ctx->protocol != IPPROTO_UDP)
		return GOES_ON;
	peer = peer_find(ctx, ctx->user_ip4, ctx->user_port);
	if (peer) {
		ctx->user_ip4 = peer->vip;
		ctx->user_port = peer->port;
	}
	return GOES_ON;
}

SEC("cgroup/recvmsg4")
int sock_recvmsg4(struct bpf_sock_addr *ctx)
{
	return translate_back(ctx);
}

SEC("cgroup/getpeername4")
int sock_getpeername4(struct bpf_sock_addr *ctx)
{
	return translate_back(ctx);
}

SEC("cgroup/recvmsg6")
int sock_recvmsg6(struct bpf_sock_addr *ctx)
{
	const struct peer4 *peer;

	if (ctx->protocol != IPPROTO_UDP || ctx->user_ip6[0] || ctx->user_ip6[1] ||
		ctx->user_ip6[2] != bpf_htonl(0xffff))
		return GOES_ON;
	peer = peer_find(ctx, ctx->user_ip6[3], ctx->user_port);
	if (peer) {
		ctx->user_ip6[3] = peer->vip;
		ctx->user_port = peer->port;
	}
	return GOES_ON;
}

char LICENSE[] SEC("license")
= "GPL";
