/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TCP connections a Pod has, and how many of those are left later: what a graceful deletion
 * waits for.  The accept queue counts: the application just has not picked those up yet.  And the
 * end of connected UDP sockets whose other end is gone.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct sockets;

/*
 * Lists the connections in @netns_fd that still carry or owe data (from SYN_RECV to LAST_ACK, not
 * FIN_WAIT2 and TIME_WAIT), IPv4 and IPv6 sockets alike, without those of the loopback network.
 * The caller owns *@ret.
 */
int sockets_snapshot(int netns_fd, struct sockets **ret, struct err *err);

/* How many of the listed connections still do. */
int sockets_remaining(const struct sockets *sockets, int netns_fd, size_t *ret, struct err *err);

/* How many there were at the time of the snapshot. */
size_t sockets_count(const struct sockets *sockets);

/* Whether the UDP socket @cookie, connected to @address and @port (network byte order), has to end. */
typedef bool (*sockets_udp_fn)(
	uint64_t cookie, struct in_addr address, in_port_t port, void *userdata);

/*
 * Ends the UDP sockets in @netns_fd (-1: the thread's own) that are connected by IPv4, mapped or not, and that @ends says
 * so of: whoever waits for a datagram gets ECONNABORTED, and they are not connected any more.
 * *@ret_count says how many, also on failure.
 */
int sockets_abort_udp(
	int netns_fd, sockets_udp_fn ends, void *userdata, size_t *ret_count, struct err *err);

/* Accepts NULL; returns NULL. */
struct sockets *sockets_free(struct sockets *sockets);
