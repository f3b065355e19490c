// SPDX-License-Identifier: Apache-2.0
#include "user/datapath/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "podnet/pins.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/datapath/pindir.h"
#include "user/net/netlink.h"

static struct nlmsghdr *filter_request(
	void *buffer, uint16_t type, uint16_t flags, const struct tcmsg *tc)
{
	struct nlmsghdr *request = netlink_request(buffer, type, flags);
	struct tcmsg *payload = mnl_nlmsg_put_extra_header(request, sizeof(*payload));

	*payload = *tc;
	return request;
}

/* One that is there, with whatever filters, will do. */
static int clsact_make(struct netlink *nl, uint32_t ifindex, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct tcmsg tc = {.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0),
		.tcm_parent = TC_H_CLSACT};
	struct nlmsghdr *request =
		filter_request(buffer, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &tc);
	char what[64];
	int r;

	mnl_attr_put_strz(request, TCA_KIND, "clsact");
	snprintf(what, sizeof(what), "make clsact on interface %u", ifindex);
	r = netlink_talk(nl, request, NULL, NULL, what, err);
	return r == -EEXIST ? 0 : r;
}

/* @parent: TC_H_MIN_INGRESS or TC_H_MIN_EGRESS. */
static int filter_put(struct netlink *nl, const struct datapath_config *config, uint32_t ifindex,
	uint32_t parent, const char *program, struct err *err)
{
	char buffer[NETLINK_BUFFER] __attribute__((aligned(8)));
	struct tcmsg tc = {.tcm_family = AF_UNSPEC,
		.tcm_ifindex = (int)ifindex,
		.tcm_handle = TC_HANDLE,
		.tcm_parent = TC_H_MAKE(TC_H_CLSACT, parent),
		.tcm_info = TC_H_MAKE(TC_PRIORITY << 16, htons(ETH_P_ALL))};
	struct nlmsghdr *request = filter_request(buffer, RTM_NEWTFILTER, NLM_F_CREATE, &tc);
	struct nlattr *options;
	AUTO_FD fd = -1;
	char what[96];
	int r;

	r = pindir_get(config, program, &fd, err);
	if (r < 0)
		return r;
	mnl_attr_put_strz(request, TCA_KIND, "bpf");
	options = mnl_attr_nest_start(request, TCA_OPTIONS);
	mnl_attr_put_u32(request, TCA_BPF_FD, (uint32_t)fd);
	mnl_attr_put_strz(request, TCA_BPF_NAME, program);
	mnl_attr_put_u32(request, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	mnl_attr_nest_end(request, options);
	snprintf(what, sizeof(what), "attach '%s' to interface %u", program, ifindex);
	return netlink_talk(nl, request, NULL, NULL, what, err);
}

int filter_attach(const struct datapath_config *config, uint32_t ifindex, struct err *err)
{
	AUTO_NETLINK nl = NETLINK_CLOSED;
	int r;

	r = netlink_open(NETLINK_ROUTE, &nl, err);
	if (r < 0)
		return r;
	r = clsact_make(&nl, ifindex, err);
	if (r < 0)
		return r;
	r = filter_put(&nl, config, ifindex, TC_H_MIN_INGRESS, PIN_POD_OUT, err);
	if (r < 0)
		return r;
	return filter_put(&nl, config, ifindex, TC_H_MIN_EGRESS, PIN_POD_IN, err);
}
