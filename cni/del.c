// SPDX-License-Identifier: Apache-2.0
#include "cni/del.h"

#include "cni/names.h"
#include "user/datapath/attach.h"
#include "user/datapath/datapath.h"
#include "user/net/link.h"
#include "user/net/netlink.h"

static int del_pair(const struct attachment_names *names, struct err *err)
{
	AUTO_NETLINK nl = NETLINK_CLOSED;
	struct link link;
	int r;

	r = netlink_open(NETLINK_ROUTE, &nl, err);
	if (r < 0)
		return r;
	r = link_find(&nl, names->host_ifname, &link, err);
	if (r == -ENODEV)
		return 0;
	return r < 0 ? r : link_delete(&nl, link.index, err);
}

/* Whoever holds the record owns the address, so its entry is ours, whatever link it names. */
static int del_entry(
	const struct config *config, const struct attachment_names *names, struct err *err)
{
	const struct datapath_config datapath = {
		.bpf_dir = config->bpf_dir,
		.instance = config->instance,
	};
	struct in_addr address;
	int r;

	r = ipam_find(config->pool_dir, names->tag, &address, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? r : pod_del(&datapath, address, 0, err);
}

int del_run(const struct config *config, const struct environment *environment, struct fault *fault)
{
	struct attachment_names names = {.tag = ""};
	int r;

	attachment_name(environment->container_id, environment->ifname, &names);
	r = del_entry(config, &names, &fault->err);
	if (r == 0)
		r = del_pair(&names, &fault->err);
	/* The address comes last: until then a DEL that was killed finds the rest again. */
	return r < 0 ? r : ipam_release(config->pool_dir, names.tag, &fault->err);
}
