/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 routes and rules.  Addresses are in network byte order. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

struct err;
struct netlink;
struct prefix;

struct route {
	struct in_addr destination;
	uint8_t prefix_len;
	struct in_addr gateway; /* 0.0.0.0: on the link */
	struct in_addr source;	/* preferred source; 0.0.0.0: the kernel's choice */
	int index;
	uint32_t table; /* 0: main */
};

/* -EEXIST when the destination has a route already, whoever made it: none is ever replaced. */
int route_add(struct netlink *nl, const struct route *route, struct err *err);

/* What comes from @source is routed by @table first. */
int route_add_rule(struct netlink *nl, struct in_addr source, uint32_t table, struct err *err);

/* The interface a packet to @destination leaves by.  -ENETUNREACH: there is no route. */
int route_find(struct netlink *nl, struct in_addr destination, int *ret_index, struct err *err);

/*
 * Packets to @destination that nothing else routes are refused at once, instead of leaving by the default
 * route.  Idempotent.  -EEXIST: part of it is routed already, or all of it by more than the default
 * route; that stays alone.
 */
int route_add_unreachable(struct netlink *nl, const struct prefix *destination, struct err *err);

/* Removes it.  None is success. */
int route_del_unreachable(struct netlink *nl, const struct prefix *destination, struct err *err);
