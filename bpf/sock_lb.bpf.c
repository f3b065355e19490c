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

/* Whom a socket asks, or hears from. */
struct party {
	__be32 address;
	__be16 port;
};

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

/*
 * Whom the socket asks instead of @party.  Nothing to go to: UDP is left to the packet path, which refuses each
 * datagram, and serves later ones when there is a backend again; TCP is sent to where nobody listens, port 0, and thus
 * refused at once, on every kernel, with the error that a closed port gives.  False: the same as before.
 */
static __always_inline bool translate(struct bpf_sock_addr *ctx, __u8 protocol, struct party *party)
{
	struct service *service;
	struct choice choice;
	__u64 cookie;

	service = service_find(party->address, party->port, protocol, SCOPE_INTERNAL);
	if (!service)
		return false;
	cookie = bpf_get_socket_cookie(ctx);
	if (!service_choose(service,
		    hash_mix(hash_mix((__u64)party->address << 16 | party->port) ^ cookie),
		    &choice)) {
		if (protocol != IPPROTO_TCP)
			return false;
		count(COUNT_REFUSED_CONNECT);
		*party = (struct party){.address = bpf_htonl(INADDR_LOOPBACK)};
		return true;
	}
	if (protocol == IPPROTO_UDP)
		peer_remember(cookie, party->address, party->port, &choice);
	else
		count(COUNT_CONNECTS);
	party->address = choice.address;
	party->port = choice.port;
	return true;
}

/* The service that the socket believes to hear from, or to be connected to.  False: the same. */
static __always_inline bool translate_back(struct bpf_sock_addr *ctx, struct party *party)
{
	struct peer4_key key = {.cookie = bpf_get_socket_cookie(ctx),
		.address = party->address,
		.port = party->port};
	const struct peer4 *peer = bpf_map_lookup_elem(&peers4, &key);

	if (peer)
		*party = (struct party){.address = peer->vip, .port = peer->port};
	return peer;
}

/* --- sockets of IPv4 --- */

static __always_inline int ask4(struct bpf_sock_addr *ctx, __u8 protocol)
{
	struct party party = {.address = ctx->user_ip4, .port = ctx->user_port};

	if (translate(ctx, protocol, &party)) {
		ctx->user_ip4 = party.address;
		ctx->user_port = party.port;
	}
	return GOES_ON;
}

static __always_inline int hear4(struct bpf_sock_addr *ctx)
{
	struct party party = {.address = ctx->user_ip4, .port = ctx->user_port};

	if (ctx->protocol == IPPROTO_UDP && translate_back(ctx, &party)) {
		ctx->user_ip4 = party.address;
		ctx->user_port = party.port;
	}
	return GOES_ON;
}

SEC("cgroup/connect4")
int sock_connect4(struct bpf_sock_addr *ctx)
{
	switch (ctx->protocol) {
	case IPPROTO_TCP: return ask4(ctx, IPPROTO_TCP);
	case IPPROTO_UDP: return ask4(ctx, IPPROTO_UDP);
	default: return GOES_ON;
	}
}

/* Also runs for IPv6 sockets that send to a mapped address. */
SEC("cgroup/sendmsg4")
int sock_sendmsg4(struct bpf_sock_addr *ctx)
{
	return ctx->protocol == IPPROTO_UDP ? ask4(ctx, IPPROTO_UDP) : GOES_ON;
}

SEC("cgroup/recvmsg4")
int sock_recvmsg4(struct bpf_sock_addr *ctx)
{
	return hear4(ctx);
}

SEC("cgroup/getpeername4")
int sock_getpeername4(struct bpf_sock_addr *ctx)
{
	return hear4(ctx);
}

/* --- sockets of IPv6 that ask for a mapped address --- */

static __always_inline bool is_mapped(const struct bpf_sock_addr *ctx)
{
	return !ctx->user_ip6[0] && !ctx->user_ip6[1] && ctx->user_ip6[2] == bpf_htonl(0xffff);
}

static __always_inline int ask6(struct bpf_sock_addr *ctx, __u8 protocol)
{
	struct party party = {.address = ctx->user_ip6[3], .port = ctx->user_port};

	if (is_mapped(ctx) && translate(ctx, protocol, &party)) {
		ctx->user_ip6[3] = party.address;
		ctx->user_port = party.port;
	}
	return GOES_ON;
}

static __always_inline int hear6(struct bpf_sock_addr *ctx)
{
	struct party party = {.address = ctx->user_ip6[3], .port = ctx->user_port};

	if (ctx->protocol == IPPROTO_UDP && is_mapped(ctx) && translate_back(ctx, &party)) {
		ctx->user_ip6[3] = party.address;
		ctx->user_port = party.port;
	}
	return GOES_ON;
}

SEC("cgroup/connect6")
int sock_connect6(struct bpf_sock_addr *ctx)
{
	switch (ctx->protocol) {
	case IPPROTO_TCP: return ask6(ctx, IPPROTO_TCP);
	case IPPROTO_UDP: return ask6(ctx, IPPROTO_UDP);
	default: return GOES_ON;
	}
}

SEC("cgroup/recvmsg6")
int sock_recvmsg6(struct bpf_sock_addr *ctx)
{
	return hear6(ctx);
}

SEC("cgroup/getpeername6")
int sock_getpeername6(struct bpf_sock_addr *ctx)
{
	return hear6(ctx);
}

char LICENSE[] SEC("license")
= "GPL";
