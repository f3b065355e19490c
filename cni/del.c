// SPDX-License-Identifier: Apache-2.0
#include "cni/del.h"

#include "cni/names.h"
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

int del_run(const struct config *config, const struct environment *environment, struct fault *fault)
{
	struct attachment_names names;
	int r;

	attachment_name(environment->container_id, environment->ifname, &names);
	r = del_pair(&names, &fault->err);
	/* The address comes last: until then a DEL that was killed finds the rest again. */
	return r < 0 ? r : ipam_release(config->pool_dir, names.tag, &fault->err);
}
