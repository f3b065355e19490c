// SPDX-License-Identifier: Apache-2.0
#include "cni/add.h"

#include <arpa/inet.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cni/names.h"
#include "cni/result.h"
#include "podnet/cniwire.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/datapath/attach.h"
#include "user/datapath/datapath.h"
#include "user/net/address.h"
#include "user/net/forwarding.h"
#include "user/net/link.h"
#include "user/net/masquerade.h"
#include "user/net/netlink.h"
#include "user/net/netns.h"
#include "user/net/route.h"

#define ADD_MTU_FALLBACK 1500
#define ADD_TABLE	 1000 /* + ifindex: routing table of a further interface */

struct add {
	const struct config *config;
	const struct environment *environment;
	struct attachment_names names;
	struct attachment attachment;
	int netns_fd, output_fd;
	struct netlink host, pod; /* rtnetlink on either side */
	int host_index, pod_index;
};

/* --- the address -------------------------------------------------------------------------- */

static int add_address(struct add *add, struct fault *fault)
{
	const struct config *config = add->config;
	const struct ipam_pool pool = {config->pool_dir, config->ranges, config->range_count};
	struct ipam_owner owner = {.tag = add->names.tag};
	AUTO_JSON note = json_pack("{s:s, s:s}", "containerID", add->environment->container_id,
		"ifname", add->environment->ifname);
	AUTO_FREE char *text = note ? json_text(note) : NULL;
	int r;

	if (!text)
		return err_set(&fault->err, ENOMEM, "describe the attachment");
	owner.note = text;
	r = ipam_take(&pool, &owner, &add->attachment.address, &fault->err);
	if (r == -EADDRNOTAVAIL)
		fault->code = CNI_TRY_AGAIN; /* a deletion makes room */
	if (r == -EEXIST)
		return err_wrap(&fault->err, "container '%.64s', interface '%s'",
			add->environment->container_id, add->environment->ifname);
	return r;
}

static int add_undo_address(struct add *add, struct err *err)
{
	return ipam_release(add->config->pool_dir, add->names.tag, err);
}

/* --- the veth pair ------------------------------------------------------------------------ */

/* That of the interface with the default route: what is larger could not leave without fragments. */
static int add_uplink_mtu(struct add *add, unsigned *ret, struct err *err)
{
	/* An address that nothing but a default route leads to (RFC 5737). */
	struct in_addr outside = {htonl(0xcb007101)};
	struct link uplink;
	int index, r;

	r = route_find(&add->host, outside, &index, err);
	if (r == -ENETUNREACH || r == -EHOSTUNREACH || r == -EACCES) {
		*ret = ADD_MTU_FALLBACK;
		return 0;
	}
	if (r == 0)
		r = link_find_index(&add->host, index, &uplink, err);
	if (r == 0)
		*ret = uplink.mtu;
	return r;
}

static int add_undo_pair(struct add *add, struct err *err)
{
	struct link link;
	int r = link_find(&add->host, add->names.host_ifname, &link, err);

	if (r == -ENODEV)
		return 0;
	return r < 0 ? r : link_delete(&add->host, link.index, err);
}

static int add_pair(struct add *add, struct fault *fault)
{
	struct veth veth = {
		.name = add->names.host_ifname,
		.peer_name = add->environment->ifname,
		.peer_netns_fd = add->netns_fd,
		.mtu = add->config->mtu,
	};
	struct err *err = &fault->err;
	int r = 0;

	if (!veth.mtu)
		r = add_uplink_mtu(add, &veth.mtu, err);
	if (r == 0)
		r = link_make_mac(veth.mac, err);
	if (r == 0)
		r = link_make_mac(veth.peer_mac, err);
	if (r == 0)
		r = link_make_veth(&add->host, &veth, err);
	if (r < 0 && r != -EEXIST) {
		struct err ignored;

		/* Without the kernel's answer the pair may be there all the same. */
		add_undo_pair(add, &ignored);
	}
	if (r < 0)
		return r;
	add->attachment.mtu = veth.mtu;
	memcpy(add->attachment.host_mac, veth.mac, LINK_MAC_LEN);
	memcpy(add->attachment.mac, veth.peer_mac, LINK_MAC_LEN);
	return 0;
}

static int add_find_pair(struct add *add, struct fault *fault)
{
	struct link link;
	int r;

	r = link_find(&add->host, add->names.host_ifname, &link, &fault->err);
	if (r < 0)
		return r;
	add->host_index = link.index;
	r = link_find(&add->pod, add->environment->ifname, &link, &fault->err);
	if (r == 0)
		add->pod_index = link.index;
	return r;
}

/* --- the data plane ------------------------------------------------------------------------ */

static struct datapath_config add_datapath(const struct add *add)
{
	return (struct datapath_config){
		.bpf_dir = add->config->bpf_dir,
		.instance = add->config->instance,
	};
}

/* Before either end is up: no packet passes by the filters.  They go with the link. */
static int add_filters(struct add *add, struct fault *fault)
{
	const struct datapath_config datapath = add_datapath(add);

	return pod_attach(&datapath, (uint32_t)add->host_index, &fault->err);
}

/* The last step: from here on other Pods reach this one directly. */
static int add_entry(struct add *add, struct fault *fault)
{
	const struct datapath_config datapath = add_datapath(add);
	struct pod_entry pod = {
		.address = add->attachment.address,
		.ifindex = (uint32_t)add->host_index,
		.flags = POD_CHECK_MAC,
	};

	memcpy(pod.mac, add->attachment.mac, LINK_MAC_LEN);
	return pod_put(&datapath, &pod, &fault->err);
}

static int add_undo_entry(struct add *add, struct err *err)
{
	const struct datapath_config datapath = add_datapath(add);

	return pod_del(&datapath, add->attachment.address, (uint32_t)add->host_index, err);
}

/* --- both ends ---------------------------------------------------------------------------- */

static int add_pod_routes_in(struct add *add, uint32_t table, struct err *err)
{
	const struct in_addr gateway = {htonl(CNI_GATEWAY)};
	const struct route link = {
		.destination = gateway,
		.prefix_len = 32,
		.index = add->pod_index,
		.table = table,
	};
	const struct route all = {
		.gateway = gateway,
		.source = add->attachment.address,
		.index = add->pod_index,
		.table = table,
	};
	int r = route_add(&add->pod, &link, err);

	return r < 0 ? r : route_add(&add->pod, &all, err);
}

/*
 * The first interface has the default route.  A further one answers to what comes in by it: its
 * routes stand in a table of their own, asked for packets from its address only.
 */
static int add_pod_routes(struct add *add, struct err *err)
{
	uint32_t table = ADD_TABLE + (uint32_t)add->pod_index;
	int r;

	r = add_pod_routes_in(add, 0, err);
	if (r != -EEXIST)
		return r;
	r = add_pod_routes_in(add, table, err);
	return r < 0 ? r : route_add_rule(&add->pod, add->attachment.address, table, err);
}

static int add_pod_side(struct add *add, struct fault *fault)
{
	const struct in_addr gateway = {htonl(CNI_GATEWAY)};
	struct err *err = &fault->err;
	struct link loopback;
	int r;

	r = link_find(&add->pod, "lo", &loopback, err);
	if (r == 0)
		r = link_up(&add->pod, loopback.index, err);
	if (r == 0)
		r = address_add(
			&add->pod, add->pod_index, add->attachment.address, RT_SCOPE_UNIVERSE, err);
	if (r == 0)
		r = link_up(&add->pod, add->pod_index, err);
	if (r == 0)
		r = neighbour_set(
			&add->pod, add->pod_index, gateway, add->attachment.host_mac, err);
	if (r == 0)
		r = add_pod_routes(add, err);
	return r < 0 ? err_wrap(err, "set up '%s' in the container", add->environment->ifname) : 0;
}

/* A setting that this kernel does not have (no IPv6) needs no value. */
static int add_setting(
	const char *family, const char *ifname, const char *key, const char *value, struct err *err)
{
	char path[PATH_MAX];
	int r;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, ifname, key);
	r = fs_write(path, value, err);
	return r == -ENOENT && strcmp(family, "ipv6") == 0 ? 0 : r;
}

static int add_host_side(struct add *add, struct fault *fault)
{
	const struct in_addr host = {htonl(CNI_HOST_ADDRESS)};
	const struct route route = {
		.destination = add->attachment.address,
		.prefix_len = 32,
		.index = add->host_index,
	};
	const char *ifname = add->names.host_ifname;
	struct err *err = &fault->err;
	int r;

	/* While the link is down no router advertisement can come in. */
	r = add_setting("ipv6", ifname, "accept_ra", "0", err);
	if (r == 0)
		r = add_setting("ipv4", ifname, "forwarding", "1", err);
	if (r == 0)
		r = address_add(&add->host, add->host_index, host, RT_SCOPE_LINK, err);
	if (r == 0)
		r = link_up(&add->host, add->host_index, err);
	if (r == 0)
		r = neighbour_set(&add->host, add->host_index, add->attachment.address,
			add->attachment.mac, err);
	if (r == 0)
		r = route_add(&add->host, &route, err);
	return r < 0 ? err_wrap(err, "set up '%s' on the host", ifname) : 0;
}

/* --- what all Pods of the instance share: written when missing, never undone here ---------- */

static int add_shared(struct add *add, struct fault *fault)
{
	const struct config *config = add->config;
	const struct masquerade masquerade = {
		config->instance, config->subnets, config->range_count, &config->service, 1};
	int r;

	r = forwarding_enable(&fault->err);
	if (r == 0)
		r = forwarding_accept(
			config->instance, config->subnets, config->range_count, &fault->err);
	if (r == 0 && config->masquerade)
		r = masquerade_set(&masquerade, &fault->err);
	return r;
}

static int add_answer(struct add *add, struct fault *fault)
{
	AUTO_JSON result = NULL;
	int r = result_make(add->config, &add->attachment, &result, fault);

	if (r < 0)
		return r;
	r = result_print(result, add->output_fd, &fault->err);
	if (r < 0)
		fault->code = CNI_IO_FAILURE;
	return r;
}

/* --- the steps ---------------------------------------------------------------------------- */

/* An undo is called only for a finished step; steps without one leave nothing of their own. */
static const struct {
	int (*run)(struct add *add, struct fault *fault);
	int (*undo)(struct add *add, struct err *err);
} steps[] = {
	{add_address, add_undo_address},
	{add_pair, add_undo_pair},
	{add_find_pair, NULL},
	{add_filters, NULL},
	{add_pod_side, NULL},
	{add_host_side, NULL},
	{add_shared, NULL},
	{add_entry, add_undo_entry},
	{add_answer, NULL},
};

/* A failed undo is told behind the failure that led to it; the others are tried all the same. */
static void add_undo(struct add *add, size_t done, struct fault *fault)
{
	for (size_t i = done; i-- > 0;) {
		size_t used = strlen(fault->err.text);
		struct err err;

		if (steps[i].undo && steps[i].undo(add, &err) < 0)
			snprintf(fault->err.text + used, sizeof(fault->err.text) - used,
				"; undoing it: %.120s", err.text);
	}
}

static int add_run_steps(struct add *add, struct fault *fault)
{
	for (size_t i = 0; i < COUNT(steps); i++) {
		int r = steps[i].run(add, fault);

		if (r < 0) {
			add_undo(add, i, fault);
			return r;
		}
	}
	return 0;
}

/* The container's namespace must be one, and not ours: its interface would become the host's. */
static int add_open_netns(const char *path, int *ret_fd, struct fault *fault)
{
	AUTO_FD fd = -1, own = -1;
	int r;

	r = netns_open(path, &fd, &fault->err);
	if (r < 0) {
		fault->code = r == -ENOENT ? CNI_UNKNOWN_CONTAINER : CNI_INVALID_NETNS;
		return r;
	}
	r = netns_open("/proc/self/ns/net", &own, &fault->err);
	if (r == 0)
		r = netns_is_same(fd, own, &fault->err);
	if (r < 0)
		return r;
	if (r == 1 && !getenv("CNI_NETNS_OVERRIDE"))
		return fault_set(fault, CNI_INVALID_NETNS,
			"CNI_NETNS '%.128s' is the plugin's own network namespace", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/*
 * podnetd would go on in the wrong namespace and has to abort when it cannot leave.  The plugin can say so:
 * nothing has been made yet, and it ends with its answer.
 */
static int add_open_pod(int netns_fd, struct netlink *ret, struct err *err)
{
	struct netns_token token = NETNS_OUTSIDE;
	struct err stuck;
	int r = netns_enter(netns_fd, &token, err);

	if (r < 0)
		return r;
	r = netlink_open(NETLINK_ROUTE, ret, err);
	if (netns_try_leave(&token, &stuck) < 0) {
		*err = stuck;
		return -stuck.code;
	}
	return r;
}

int add_run(const struct config *config, const struct environment *environment, int output_fd,
	struct fault *fault)
{
	AUTO_NETLINK host = NETLINK_CLOSED, pod = NETLINK_CLOSED;
	AUTO_FD netns_fd = -1;
	struct add add = {.config = config, .environment = environment};
	int r;

	attachment_name(environment->container_id, environment->ifname, &add.names);
	r = add_open_netns(environment->netns, &netns_fd, fault);
	if (r == 0)
		r = netlink_open(NETLINK_ROUTE, &host, &fault->err);
	if (r == 0)
		r = add_open_pod(netns_fd, &pod, &fault->err);
	if (r < 0)
		return r;
	add.netns_fd = netns_fd;
	add.output_fd = output_fd;
	add.host = host;
	add.pod = pod;
	add.attachment.host_ifname = add.names.host_ifname;
	add.attachment.ifname = environment->ifname;
	add.attachment.netns = environment->netns;
	return add_run_steps(&add, fault);
}
