/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Netlink requests over libmnl.  A socket belongs to the namespace it was opened in for good, so all
 * work inside a Pod's netns needs only netlink_open_in, not a stay there.
 */
#pragma once

#include <stdint.h>
#include <libmnl/libmnl.h>

#include "user/base/cleanup.h"

#define NETLINK_BUFFER 8192 /* bytes: enough for any single request built here */

struct err;

/* Born empty: AUTO_NETLINK nl = NETLINK_CLOSED; */
struct netlink {
	struct mnl_socket *socket;
	uint32_t sequence;
};

#define NETLINK_CLOSED ((struct netlink){.socket = NULL})

/* Opens a socket of @family (NETLINK_ROUTE, ...) in the thread's namespace. */
int netlink_open(int family, struct netlink *ret, struct err *err);

/* The same inside @netns_fd; the thread is back in its own namespace on return. */
int netlink_open_in(int netns_fd, int family, struct netlink *ret, struct err *err);

/* Accepts an empty one. */
void netlink_close(struct netlink *nl);

#define AUTO_NETLINK AUTO_CLEANUP(netlink_close) struct netlink

/* Starts a request in @buffer (NETLINK_BUFFER bytes); NLM_F_REQUEST is added to @flags. */
struct nlmsghdr *netlink_request(void *buffer, uint16_t type, uint16_t flags);

/* Called for each message of an answer; a negative errno ends the reading and is returned. */
typedef int (*netlink_fn)(const struct nlmsghdr *message, void *userdata);

/*
 * Sends @request and reads until the kernel has acknowledged it or ended the dump.  @fn may be NULL.
 * A refusal is described by @what and the kernel's own words.
 */
int netlink_talk(struct netlink *nl, struct nlmsghdr *request, netlink_fn fn, void *userdata,
	const char *what, struct err *err);

/*
 * The same for @size bytes of requests that stand or fall together (nf_tables); those with NLM_F_ACK
 * are waited for, and at least one has it.
 */
int netlink_talk_batch(
	struct netlink *nl, void *batch, size_t size, const char *what, struct err *err);
