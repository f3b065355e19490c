/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and permanent neighbours of interfaces.  IPv4 addresses are in network byte order. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

struct err;
struct netlink;

/* Adds @address/32 with @scope (RT_SCOPE_UNIVERSE, RT_SCOPE_LINK).  -EEXIST: it is there. */
int address_add(
	struct netlink *nl, int index, struct in_addr address, uint8_t scope, struct err *err);

/* Says for good that @address has @mac (6 bytes) on this link: nobody ever asks by ARP. */
int neighbour_set(struct netlink *nl, int index, struct in_addr address, const uint8_t mac[6],
	struct err *err);
