// SPDX-License-Identifier: Apache-2.0
#include "user/net/link.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/random.h>

#include "user/base/err.h"
#include "user/net/netlink.h"

static void link_put_end(
	struct nlmsghdr *request, const char *name, unsigned mtu, const uint8_t mac[LINK_MAC_LEN])
{
	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	mnl_attr_put_u32(request, IFLA_MTU, mtu);
	mnl_attr_put(request, IFLA_ADDRESS, LINK_MAC_LEN, mac);
}

int link_make_veth(struct netlink *nl, const struct veth *veth, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct nlattr *info, *data, *peer;
	char what[96];

	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	link_put_end(request, veth->name, veth->mtu, veth->mac);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
	link_put_end(request, veth->peer_name, veth->mtu, veth->peer_mac);
	mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)veth->peer_netns_fd);
	mnl_attr_nest_end(request, peer);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);

	snprintf(what, sizeof(what), "make the veth pair '%s' and '%s'", veth->name,
		veth->peer_name);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

static int link_read(const struct nlmsghdr *message, void *userdata)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct link *link = userdata;
	const struct nlattr *attr;

	link->index = info->ifi_index;
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		if (mnl_attr_get_type(attr) == IFLA_MTU &&
			mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			link->mtu = mnl_attr_get_u32(attr);
		if (mnl_attr_get_type(attr) == IFLA_ADDRESS &&
			mnl_attr_get_payload_len(attr) == LINK_MAC_LEN)
			memcpy(link->mac, mnl_attr_get_payload(attr), LINK_MAC_LEN);
	}
	return 0;
}

static int link_get(
	struct netlink *nl, const char *name, int index, struct link *ret, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	struct link link = {.index = 0};
	char what[64];
	int r;

	info->ifi_index = index;
	if (name)
		mnl_attr_put_strz(request, IFLA_IFNAME, name);
	snprintf(what, sizeof(what), name ? "look up interface '%s'" : "look up interface %s%d",
		name ? name : "", index);
	r = netlink_talk(nl, request, link_read, &link, what, err);
	if (r < 0)
		return r;
	*ret = link;
	return 0;
}

int link_find(struct netlink *nl, const char *name, struct link *ret, struct err *err)
{
	return link_get(nl, name, 0, ret, err);
}

int link_find_index(struct netlink *nl, int index, struct link *ret, struct err *err)
{
	return link_get(nl, NULL, index, ret, err);
}

int link_up(struct netlink *nl, int index, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	char what[48];

	info->ifi_index = index;
	info->ifi_flags = info->ifi_change = IFF_UP;
	snprintf(what, sizeof(what), "bring up interface %d", index);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

int link_delete(struct netlink *nl, int index, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct nlmsghdr *request = netlink_request(buffer, RTM_DELLINK, 0);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	char what[48];
	int r;

	info->ifi_index = index;
	snprintf(what, sizeof(what), "delete interface %d", index);
	r = netlink_talk(nl, request, NULL, NULL, what, err);
	return r == -ENODEV ? 0 : r;
}

int link_make_mac(uint8_t ret[LINK_MAC_LEN], struct err *err)
{
	if (getrandom(ret, LINK_MAC_LEN, 0) != LINK_MAC_LEN)
		return err_set(err, errno, "make up a MAC address");
	ret[0] = (ret[0] & ~1) | 2;
	return 0;
}

void link_print_mac(const uint8_t mac[LINK_MAC_LEN], char ret[LINK_MAC_TEXT])
{
	snprintf(ret, LINK_MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
}
