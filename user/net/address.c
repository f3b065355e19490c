// SPDX-License-Identifier: Apache-2.0
#include "user/net/address.h"

#include <arpa/inet.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "user/base/err.h"
#include "user/net/netlink.h"

int address_add(
	struct netlink *nl, int index, struct in_addr address, uint8_t scope, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	char text[INET_ADDRSTRLEN], what[96];
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->ifa_family = AF_INET;
	body->ifa_prefixlen = 32;
	body->ifa_scope = scope;
	body->ifa_index = (unsigned)index;
	mnl_attr_put_u32(request, IFA_LOCAL, address.s_addr);
	mnl_attr_put_u32(request, IFA_ADDRESS, address.s_addr);
	snprintf(what, sizeof(what), "add address %s to interface %d",
		inet_ntop(AF_INET, &address, text, sizeof(text)), index);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

int neighbour_set(struct netlink *nl, int index, struct in_addr address, const uint8_t mac[6],
	struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	char text[INET_ADDRSTRLEN], what[96];
	struct nlmsghdr *request =
		netlink_request(buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *body = mnl_nlmsg_put_extra_header(request, sizeof(*body));

	body->ndm_family = AF_INET;
	body->ndm_state = NUD_PERMANENT;
	body->ndm_ifindex = index;
	mnl_attr_put_u32(request, NDA_DST, address.s_addr);
	mnl_attr_put(request, NDA_LLADDR, 6, mac);
	snprintf(what, sizeof(what), "set neighbour %s of interface %d",
		inet_ntop(AF_INET, &address, text, sizeof(text)), index);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}
