// SPDX-License-Identifier: Apache-2.0
/* Connections of a fresh network namespace whose lo has 192.0.2.1 besides 127.0.0.1. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/net/address.h"
#include "user/net/link.h"
#include "user/net/netlink.h"
#include "user/net/netns.h"
#include "user/net/sockets.h"

#define OUTSIDE "192.0.2.1"

/* The new namespace; the thread itself stays outside but for the sockets it makes. */
static int pod_new(void)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	AUTO_NETLINK nl = NETLINK_CLOSED;
	struct in_addr address;
	struct link lo;
	struct err err;
	int own, pod;

	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0 || unshare(CLONE_NEWNET) < 0)
		BAIL("unshare: this test runs as root");
	token.fd = own;
	inet_pton(AF_INET, OUTSIDE, &address);
	if (netns_open("/proc/thread-self/ns/net", &pod, &err) < 0 ||
		netlink_open(NETLINK_ROUTE, &nl, &err) < 0 || link_find(&nl, "lo", &lo, &err) < 0 ||
		address_add(&nl, lo.index, address, RT_SCOPE_UNIVERSE, &err) < 0 ||
		link_up(&nl, lo.index, &err) < 0)
		BAIL(err.text);
	return pod;
}

static int listen_in(int pod, int family)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	struct err err;
	int fd;

	if (netns_enter(pod, &token, &err) < 0)
		BAIL(err.text);
	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* Without bind: any address, and a port of the kernel's choice. */
	if (fd < 0 || listen(fd, 8) < 0)
		BAIL("listen");
	return fd;
}

static int connect_in(int pod, int listener, const char *address)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	struct sockaddr_in to = {.sin_family = AF_INET};
	struct sockaddr_storage own;
	socklen_t len = sizeof(own);
	struct err err;
	int fd;

	if (netns_enter(pod, &token, &err) < 0)
		BAIL(err.text);
	/* The port stands at the same place for both families. */
	getsockname(listener, (struct sockaddr *)&own, &len);
	to.sin_port = ((struct sockaddr_in *)&own)->sin_port;
	inet_pton(AF_INET, address, &to.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		BAIL("connect");
	return fd;
}

static size_t remaining(const struct sockets *sockets, int pod)
{
	struct err err;
	size_t left = 0;

	CHECK_OK("they are counted", sockets_remaining(sockets, pod, &left, &err), &err);
	return left;
}

/* The kernel may delay the acknowledgement of a FIN. */
static size_t remaining_soon(const struct sockets *sockets, int pod, size_t want)
{
	uint64_t deadline = clock_now() + 5 * USEC_PER_SEC;
	size_t left = remaining(sockets, pod);

	while (left != want && clock_now() < deadline) {
		poll(NULL, 0, 1);
		left = remaining(sockets, pod);
	}
	return left;
}

/* Both ends of our connections are in the namespace, so each of them counts twice. */
static void check_family(const char *what, int family)
{
	AUTO_FD pod = pod_new(), listener = listen_in(pod, family);
	AUTO_FD one = connect_in(pod, listener, OUTSIDE), late = -1, accepted = -1;
	struct sockets *sockets = NULL;
	struct err err;

	if (!CHECK_OK(what, sockets_snapshot(pod, &sockets, &err), &err))
		return;
	CHECK_EQ("a connection in the accept queue is there", sockets_count(sockets), 2);
	CHECK_EQ("and remains", remaining(sockets, pod), 2);
	accepted = accept(listener, NULL, NULL);
	CHECK_EQ("accepting changes nothing", remaining(sockets, pod), 2);
	late = connect_in(pod, listener, OUTSIDE);
	CHECK_EQ("a later connection does not count", remaining(sockets, pod), 2);
	close_fd(&one);
	CHECK_EQ("a half-closed one still owes an answer", remaining_soon(sockets, pod, 1), 1);
	close_fd(&accepted);
	CHECK_EQ("a closed one is gone", remaining_soon(sockets, pod, 0), 0);
	sockets_free(sockets);
}

TEST(connections_are_followed_from_the_accept_queue_to_the_end)
{
	check_family("an IPv4 server", AF_INET);
}

TEST(connections_of_a_server_on_all_ipv6_addresses_count_as_well)
{
	check_family("an IPv6 server", AF_INET6);
}

TEST(loopback_and_listening_sockets_do_not_count)
{
	AUTO_FD pod = pod_new(), listener = listen_in(pod, AF_INET);
	AUTO_FD listener6 = listen_in(pod, AF_INET6);
	AUTO_FD one = connect_in(pod, listener, "127.0.0.1");
	AUTO_FD mapped = connect_in(pod, listener6, "127.0.0.1");
	struct sockets *sockets = NULL;
	struct err err;

	CHECK_OK("snapshot", sockets_snapshot(pod, &sockets, &err), &err);
	CHECK_EQ("nothing", sockets_count(sockets), 0);
	CHECK_EQ("remains", remaining(sockets, pod), 0);
	sockets_free(sockets);
}

TEST(a_token_brings_the_thread_back)
{
	AUTO_FD pod = pod_new(), before = -1, after = -1, inside = -1;
	struct netns_token token = NETNS_OUTSIDE;
	struct err err;

	CHECK_OK("before", netns_open("/proc/thread-self/ns/net", &before, &err), &err);
	CHECK_OK("enter", netns_enter(pod, &token, &err), &err);
	CHECK_OK("inside", netns_open("/proc/thread-self/ns/net", &inside, &err), &err);
	netns_leave(&token);
	CHECK_OK("after", netns_open("/proc/thread-self/ns/net", &after, &err), &err);
	CHECK_EQ("inside is the Pod's", netns_is_same(inside, pod, &err), 1);
	CHECK_EQ("after is before", netns_is_same(before, after, &err), 1);
	netns_leave(&token);
	CHECK_EQ("leaving twice does nothing", token.fd, -1);
	CHECK_FAILS("a file is no namespace", netns_open("/etc/passwd", &after, &err), EINVAL, &err,
		"not a network namespace");
}

static int udp_open(int pod, int family)
{
	AUTO_NETNS token = NETNS_OUTSIDE;
	struct err err;
	int fd;

	if (netns_enter(pod, &token, &err) < 0)
		BAIL(err.text);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		BAIL("socket");
	return fd;
}

static int udp_in(int pod, int to_port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)to_port)};
	int fd = udp_open(pod, AF_INET);

	inet_pton(AF_INET, OUTSIDE, &to.sin_addr);
	if (to_port && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		BAIL("connect");
	return fd;
}

static int udp6_in(int pod, const char *address, int to_port)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)to_port)};
	int fd = udp_open(pod, AF_INET6);

	inet_pton(AF_INET6, address, &to.sin6_addr);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		BAIL("connect");
	return fd;
}

struct asked {
	uint64_t cookies[8];
	size_t count;
	in_port_t ends;
};

static bool asked_add(uint64_t cookie, struct in_addr address, in_port_t port, void *userdata)
{
	struct asked *asked = userdata;

	if (address.s_addr == inet_addr(OUTSIDE) && asked->count < COUNT(asked->cookies))
		asked->cookies[asked->count++] = cookie;
	return port == asked->ends;
}

static int error_of(int fd)
{
	socklen_t size = sizeof(int);
	int error = -1;

	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	return error;
}

TEST(udp_sockets_end_by_whom_they_are_connected_to)
{
	AUTO_FD pod = pod_new(), one = udp_in(pod, 53), other = udp_in(pod, 54);
	AUTO_FD free_one = udp_in(pod, 0);
	struct asked asked = {.ends = htons(53)};
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;
	size_t count = 9;
	struct err err;

	CHECK_OK("abort", sockets_abort_udp(pod, asked_add, &asked, &count, &err), &err);
	CHECK_EQ("both connected ones were asked about", asked.count, 2);
	CHECK_EQ("one was ended", count, 1);
	CHECK_EQ("its owner is told", error_of(one), ECONNABORTED);
	CHECK("it is not connected any more", send(one, "x", 1, 0) < 0 && errno == EDESTADDRREQ);
	CHECK_EQ("the other goes on", error_of(other), 0);
	CHECK_EQ("so does one that is not connected", error_of(free_one), 0);
	CHECK_EQ("cookie", getsockopt(other, SOL_SOCKET, SO_COOKIE, &cookie, &size), 0);
	CHECK("sockets have the cookies that BPF knows",
		asked.cookies[0] == cookie || asked.cookies[1] == cookie);
	asked.count = 0;
	CHECK_OK("again", sockets_abort_udp(pod, asked_add, &asked, &count, &err), &err);
	CHECK_EQ("one is left", asked.count, 1);
	CHECK_EQ("none was ended", count, 0);
}

TEST(udp_sockets_with_a_mapped_address_end_too)
{
	AUTO_FD pod = pod_new(), one = udp6_in(pod, "::ffff:" OUTSIDE, 53);
	AUTO_FD other = udp6_in(pod, "::ffff:" OUTSIDE, 54);
	AUTO_FD six = udp6_in(pod, "::1", 53);
	struct asked asked = {.ends = htons(53)};
	size_t count = 9;
	struct err err;

	CHECK_OK("abort", sockets_abort_udp(pod, asked_add, &asked, &count, &err), &err);
	CHECK_EQ("both mapped ones were asked about", asked.count, 2);
	CHECK_EQ("one was ended", count, 1);
	CHECK_EQ("its owner is told", error_of(one), ECONNABORTED);
	CHECK_EQ("the other goes on", error_of(other), 0);
	CHECK_EQ("so does one of IPv6", error_of(six), 0);
}
