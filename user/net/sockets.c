// SPDX-License-Identifier: Apache-2.0
#include "user/net/sockets.h"

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "user/base/err.h"
#include "user/net/netlink.h"

#define SOCKETS_MAX (1u << 20) /* a snapshot of 8 MiB */

/* States in which killing the Pod would lose bytes that somebody waits for. */
#define SOCKETS_STATES                                                                             \
	(1u << TCP_SYN_RECV | 1u << TCP_ESTABLISHED | 1u << TCP_CLOSE_WAIT | 1u << TCP_FIN_WAIT1 | \
		1u << TCP_CLOSING | 1u << TCP_LAST_ACK)

struct sockets {
	uint64_t *cookies; /* sorted: the kernel's id of a socket, never used twice */
	size_t count;
};

static int sockets_compare(const void *one, const void *other)
{
	uint64_t a = *(const uint64_t *)one, b = *(const uint64_t *)other;

	return a < b ? -1 : a > b;
}

static bool sockets_is_loopback(uint8_t family, const __be32 address[4])
{
	const struct in6_addr *address6 = (const void *)address;

	if (family == AF_INET)
		return ntohl(address[0]) >> 24 == IN_LOOPBACKNET;
	if (IN6_IS_ADDR_V4MAPPED(address6))
		return ntohl(address[3]) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(address6);
}

static int sockets_append(struct sockets *sockets, uint64_t cookie)
{
	/* Grows at powers of two. */
	if ((sockets->count & (sockets->count - 1)) == 0) {
		size_t room = sockets->count ? sockets->count * 2 : 1;
		uint64_t *grown = reallocarray(sockets->cookies, room, sizeof(*grown));

		if (!grown || sockets->count >= SOCKETS_MAX)
			return -ENOMEM;
		sockets->cookies = grown;
	}
	sockets->cookies[sockets->count++] = cookie;
	return 0;
}

static int sockets_read(const struct nlmsghdr *message, void *userdata)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
	const struct inet_diag_sockid *id = &socket->id;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket))
		return -EBADMSG;
	if (sockets_is_loopback(socket->idiag_family, id->idiag_src) ||
		sockets_is_loopback(socket->idiag_family, id->idiag_dst))
		return 0;
	return sockets_append(userdata, (uint64_t)id->idiag_cookie[1] << 32 | id->idiag_cookie[0]);
}

static int sockets_dump(
	struct netlink *nl, uint8_t family, struct sockets *sockets, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);
	struct inet_diag_req_v2 *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->sdiag_family = family;
	body->sdiag_protocol = IPPROTO_TCP;
	body->idiag_states = SOCKETS_STATES;
	return netlink_talk(nl, request, sockets_read, sockets, "list TCP connections", err);
}

struct sockets *sockets_free(struct sockets *sockets)
{
	if (sockets)
		free(sockets->cookies);
	free(sockets);
	return NULL;
}

static void cleanup_sockets(struct sockets **sockets)
{
	sockets_free(*sockets);
}

int sockets_snapshot(int netns_fd, struct sockets **ret, struct err *err)
{
	AUTO_CLEANUP(cleanup_sockets) struct sockets *sockets = calloc(1, sizeof(*sockets));
	AUTO_NETLINK nl = NETLINK_CLOSED;
	int r;

	if (!sockets)
		return err_set(err, ENOMEM, "list TCP connections");
	r = netlink_open_in(netns_fd, NETLINK_SOCK_DIAG, &nl, err);
	if (r == 0)
		r = sockets_dump(&nl, AF_INET, sockets, err);
	/* Servers that listen on [::] hold their IPv4 connections as IPv6 sockets. */
	if (r == 0)
		r = sockets_dump(&nl, AF_INET6, sockets, err);
	if (r < 0)
		return r;
	if (sockets->count)
		qsort(sockets->cookies, sockets->count, sizeof(*sockets->cookies), sockets_compare);
	*ret = take_ptr(sockets);
	return 0;
}

int sockets_remaining(const struct sockets *sockets, int netns_fd, size_t *ret, struct err *err)
{
	AUTO_CLEANUP(cleanup_sockets) struct sockets *now = NULL;
	size_t left = 0;
	int r;

	if (sockets->count == 0) {
		*ret = 0;
		return 0;
	}
	r = sockets_snapshot(netns_fd, &now, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < now->count; i++)
		left += bsearch(&now->cookies[i], sockets->cookies, sockets->count,
				sizeof(*sockets->cookies), sockets_compare) != NULL;
	*ret = left;
	return 0;
}

size_t sockets_count(const struct sockets *sockets)
{
	return sockets->count;
}

/* --- connected UDP sockets --- */

struct udp_socket {
	uint8_t family;
	struct inet_diag_sockid id;
};

struct udp_list {
	struct udp_socket *sockets;
	size_t count, room;
	sockets_udp_fn ends;
	void *userdata;
};

static void cleanup_udp_list(struct udp_list *list)
{
	free(list->sockets);
}

/* The IPv4 address that it is connected to, if it is; IPv6 sockets may have a mapped one. */
static bool udp_peer(const struct inet_diag_msg *socket, struct in_addr *ret)
{
	const __be32 *address = socket->id.idiag_dst;

	if (socket->idiag_family == AF_INET6) {
		ret->s_addr = address[3];
		return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)address);
	}
	ret->s_addr = address[0];
	return true;
}

static int udp_read(const struct nlmsghdr *message, void *userdata)
{
	const struct inet_diag_msg *socket = mnl_nlmsg_get_payload(message);
	const struct inet_diag_sockid *id = &socket->id;
	struct udp_list *list = userdata;
	struct in_addr peer;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*socket))
		return -EBADMSG;
	if (!udp_peer(socket, &peer) ||
		!list->ends((uint64_t)id->idiag_cookie[1] << 32 | id->idiag_cookie[0], peer,
			id->idiag_dport, list->userdata))
		return 0;
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;
		struct udp_socket *grown = reallocarray(list->sockets, room, sizeof(*grown));

		if (!grown || room > SOCKETS_MAX)
			return -ENOMEM;
		list->sockets = grown;
		list->room = room;
	}
	list->sockets[list->count++] = (struct udp_socket){socket->idiag_family, *id};
	return 0;
}

static struct inet_diag_req_v2 *udp_request(struct nlmsghdr *request, uint8_t family)
{
	struct inet_diag_req_v2 *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->sdiag_family = family;
	body->sdiag_protocol = IPPROTO_UDP;
	body->idiag_states = 1u << TCP_ESTABLISHED; /* connected, as UDP has it */
	return body;
}

static int udp_abort(struct netlink *nl, const struct udp_socket *socket, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, SOCK_DESTROY, 0);

	udp_request(request, socket->family)->id = socket->id;
	return netlink_talk(nl, request, NULL, NULL, "end UDP sockets", err);
}

static int udp_dump(struct netlink *nl, uint8_t family, struct udp_list *list, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, SOCK_DIAG_BY_FAMILY, NLM_F_DUMP);

	udp_request(request, family);
	return netlink_talk(nl, request, udp_read, list, "list UDP sockets", err);
}

int sockets_abort_udp(
	int netns_fd, sockets_udp_fn ends, void *userdata, size_t *ret_count, struct err *err)
{
	AUTO_CLEANUP(cleanup_udp_list)
	struct udp_list list = {.ends = ends, .userdata = userdata};
	AUTO_NETLINK nl = NETLINK_CLOSED;
	int r;

	*ret_count = 0;
	r = netns_fd < 0 ? netlink_open(NETLINK_SOCK_DIAG, &nl, err)
			 : netlink_open_in(netns_fd, NETLINK_SOCK_DIAG, &nl, err);
	if (r < 0)
		return r;
	r = udp_dump(&nl, AF_INET, &list, err);
	if (r == 0)
		r = udp_dump(&nl, AF_INET6, &list, err);
	for (size_t i = 0; i < list.count && r == 0; i++) {
		r = udp_abort(&nl, &list.sockets[i], err);
		*ret_count += r == 0;
		if (r == -ENOENT) /* its owner was faster */
			r = 0;
	}
	return r;
}
