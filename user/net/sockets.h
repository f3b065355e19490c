/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which TCP connections a Pod has, and how many of those are left later: what a graceful deletion
 * waits for.  The accept queue counts: the application just has not picked those up yet.
 */
#pragma once

#include <stddef.h>

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

/* Accepts NULL; returns NULL. */
struct sockets *sockets_free(struct sockets *sockets);
