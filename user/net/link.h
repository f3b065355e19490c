/* SPDX-License-Identifier: Apache-2.0 */
/* Network interfaces: make a veth pair across two namespaces, look up, change, delete. */
#pragma once

#include <net/if.h>
#include <stdint.h>

struct err;
struct netlink;

#define LINK_MAC_LEN  6
#define LINK_MAC_TEXT 18 /* "02:00:00:00:00:01" and NUL */

struct link {
	int index;
	unsigned mtu; /* bytes */
	uint8_t mac[LINK_MAC_LEN];
};

/* MACs are given, not left to the kernel: udev replaces those that the kernel made up. */
struct veth {
	const char *name, *peer_name;
	int peer_netns_fd; /* where the peer is born; nothing is ever moved */
	unsigned mtu;	   /* bytes, both ends */
	uint8_t mac[LINK_MAC_LEN], peer_mac[LINK_MAC_LEN];
};

/* Makes both ends in one request: there is a pair or there is nothing.  -EEXIST: a name is taken. */
int link_make_veth(struct netlink *nl, const struct veth *veth, struct err *err);

/* -ENODEV when there is no such interface. */
int link_find(struct netlink *nl, const char *name, struct link *ret, struct err *err);
int link_find_index(struct netlink *nl, int index, struct link *ret, struct err *err);

/* Brings the interface up; one that is up already is success. */
int link_up(struct netlink *nl, int index, struct err *err);

/* Deletes an interface (with its peer).  One that is gone is success. */
int link_delete(struct netlink *nl, int index, struct err *err);

/* A fresh locally administered unicast address. */
int link_make_mac(uint8_t ret[LINK_MAC_LEN], struct err *err);

/* Writes "02:00:00:00:00:01". */
void link_print_mac(const uint8_t mac[LINK_MAC_LEN], char ret[LINK_MAC_TEXT]);
