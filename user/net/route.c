// SPDX-License-Identifier: Apache-2.0
#include "user/net/route.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

#include "user/base/err.h"
#include "user/net/netlink.h"
#include "user/net/prefix.h"

#define UNREACHABLE_METRIC 0x7fffffff /* any other route to the same destination goes first */

int route_add(struct netlink *nl, const struct route *route, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	char text[INET_ADDRSTRLEN], what[96];
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	struct rtmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->rtm_family = AF_INET;
	body->rtm_dst_len = route->prefix_len;
	body->rtm_table = route->table ? RT_TABLE_UNSPEC : RT_TABLE_MAIN;
	body->rtm_protocol = RTPROT_STATIC;
	body->rtm_scope = route->gateway.s_addr ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
	body->rtm_type = RTN_UNICAST;
	if (route->table)
		mnl_attr_put_u32(request, RTA_TABLE, route->table);
	if (route->prefix_len)
		mnl_attr_put_u32(request, RTA_DST, route->destination.s_addr);
	if (route->gateway.s_addr)
		mnl_attr_put_u32(request, RTA_GATEWAY, route->gateway.s_addr);
	if (route->source.s_addr)
		mnl_attr_put_u32(request, RTA_PREFSRC, route->source.s_addr);
	mnl_attr_put_u32(request, RTA_OIF, (uint32_t)route->index);
	snprintf(what, sizeof(what), "add route to %s/%u on interface %d",
		inet_ntop(AF_INET, &route->destination, text, sizeof(text)), route->prefix_len,
		route->index);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

int route_add_rule(struct netlink *nl, struct in_addr source, uint32_t table, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	char text[INET_ADDRSTRLEN], what[96];
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
	struct fib_rule_hdr *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->family = AF_INET;
	body->src_len = 32;
	body->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(request, FRA_SRC, source.s_addr);
	mnl_attr_put_u32(request, FRA_TABLE, table);
	snprintf(what, sizeof(what), "add a rule for packets from %s",
		inet_ntop(AF_INET, &source, text, sizeof(text)));
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

static int route_read(const struct nlmsghdr *message, void *userdata)
{
	const struct nlattr *attr;
	int *index = userdata;

	mnl_attr_for_each(attr, message, sizeof(struct rtmsg))
	{
		if (mnl_attr_get_type(attr) == RTA_OIF &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			*index = (int)mnl_attr_get_u32(attr);
	}
	return 0;
}

int route_find(struct netlink *nl, struct in_addr destination, int *ret_index, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	char text[INET_ADDRSTRLEN], what[64];
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETROUTE, 0);
	struct rtmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	int index = 0, r;

	body->rtm_family = AF_INET;
	body->rtm_dst_len = 32;
	mnl_attr_put_u32(request, RTA_DST, destination.s_addr);
	snprintf(what, sizeof(what), "look up the route to %s",
		inet_ntop(AF_INET, &destination, text, sizeof(text)));
	r = netlink_talk(nl, request, route_read, &index, what, err);
	if (r < 0)
		return r;
	if (index == 0)
		return err_set(err, ENETUNREACH, "%s", what);
	*ret_index = index;
	return 0;
}

/* What the main table says about a destination. */
struct routed {
	const struct prefix *destination;
	bool ours, others;
};

static int routed_read(const struct nlmsghdr *message, void *userdata)
{
	const struct rtmsg *body = mnl_nlmsg_get_payload(message);
	struct routed *routed = userdata;
	const struct prefix *destination = routed->destination;
	struct prefix route = {.len = body->rtm_dst_len};
	const struct nlattr *attr;

	if (body->rtm_table != RT_TABLE_MAIN || route.len == 0)
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*body))
	{
		if (mnl_attr_get_type(attr) == RTA_DST &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			route.address.s_addr = mnl_attr_get_u32(attr);
	}
	if (!prefix_holds(&route, destination->address) &&
		!prefix_holds(destination, route.address))
		return 0;
	if (body->rtm_type == RTN_UNREACHABLE && route.len == destination->len)
		routed->ours = true;
	else
		routed->others = true;
	return 0;
}

static int routed_find(struct netlink *nl, struct routed *routed, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->rtm_family = AF_INET;
	return netlink_talk(nl, request, routed_read, routed, "list the routes", err);
}

static int unreachable_talk(struct netlink *nl, uint16_t type, uint16_t flags,
	const struct prefix *destination, const char *what, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, type, flags);
	struct rtmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));
	char text[PREFIX_TEXT], action[96];

	body->rtm_family = AF_INET;
	body->rtm_dst_len = destination->len;
	body->rtm_table = RT_TABLE_MAIN;
	body->rtm_protocol = RTPROT_STATIC;
	body->rtm_scope = RT_SCOPE_UNIVERSE;
	body->rtm_type = RTN_UNREACHABLE;
	mnl_attr_put_u32(request, RTA_DST, destination->address.s_addr);
	mnl_attr_put_u32(request, RTA_PRIORITY, UNREACHABLE_METRIC);
	prefix_print(destination, text);
	snprintf(action, sizeof(action), "%s an unreachable route to %s", what, text);
	return netlink_talk(nl, request, NULL, NULL, action, err);
}

int route_add_unreachable(struct netlink *nl, const struct prefix *destination, struct err *err)
{
	struct routed routed = {.destination = destination};
	char text[PREFIX_TEXT];
	int r = routed_find(nl, &routed, err);

	if (r < 0 || routed.ours)
		return r;
	prefix_print(destination, text);
	if (routed.others)
		return err_refuse(err, EEXIST, "%s is part of a network that has a route", text);
	return unreachable_talk(
		nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, destination, "add", err);
}

int route_del_unreachable(struct netlink *nl, const struct prefix *destination, struct err *err)
{
	int r = unreachable_talk(nl, RTM_DELROUTE, 0, destination, "remove", err);

	return r == -ESRCH ? 0 : r;
}
