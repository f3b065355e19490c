// SPDX-License-Identifier: Apache-2.0
/* What this machine offers: an OCI runtime that works with its cgroups, an address, a CNI configuration. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/net/netlink.h"
#include "user/net/prefix.h"
#include "user/net/route.h"
#include "user/node/cgroup.h"

/* Looks @name up in PATH, or takes it as a path when it holds a slash. */
static bool host_find(const char *name, char *ret, size_t size)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(ret, size, "%s", name);
		return access(ret, X_OK) == 0;
	}
	if (!path)
		path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	while (*path) {
		size_t len = strcspn(path, ":");

		snprintf(ret, size, "%.*s/%s", (int)len, path, name);
		if (len && access(ret, X_OK) == 0)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* crun wants cgroup2 without controllers on a hybrid host: the shims claim what is left over on v1. */
static int host_hybrid(struct agent *agent, const char *left_over, struct err *err)
{
	/* The claim's last path component has to be the controller's name. */
	if (strchr(left_over, ','))
		return -ENOTSUP;
	agent->claim_dir = fs_format("%s/cgroup/%s", agent->options->run_dir, left_over);
	if (!agent->claim_dir)
		return err_set(err, ENOMEM, "prepare the cgroups");
	agent->node_config.claim_dir = agent->claim_dir;
	log_info("hybrid cgroups: crun runs with '%s' claimed for cgroup v1", left_over);
	return fs_mkdir(agent->claim_dir, 0700, err);
}

static int host_choose(struct agent *agent, const struct cgroups *cgroups, struct err *err)
{
	const char *wanted = agent->options->runtime;
	size_t size = sizeof(agent->runtime);
	const char *left_over = cgroups_left_over(cgroups);
	const char *base;
	int r;

	agent->node_config.runtime = agent->runtime;
	if (wanted && !host_find(wanted, agent->runtime, size))
		return err_refuse(
			err, ENOENT, "--runtime '%s' is not there or cannot be run", wanted);
	if (!wanted && !host_find("crun", agent->runtime, size) &&
		!host_find("runc", agent->runtime, size))
		return err_refuse(
			err, ENOENT, "neither crun nor runc is installed: no container can run");
	base = strrchr(agent->runtime, '/') + 1;
	if (!left_over[0] || strcmp(base, "crun") != 0)
		return 0;
	r = host_hybrid(agent, left_over, err);
	if (r != -ENOTSUP)
		return r;
	if (wanted || !host_find("runc", agent->runtime, size))
		return err_refuse(err, ENOTSUP,
			"hybrid cgroups: crun cannot run while cgroup2 holds '%s'; runc could",
			left_over);
	log_info("hybrid cgroups: runc is used, crun cannot run while cgroup2 holds '%s'",
		left_over);
	return 0;
}

int host_runtime(struct agent *agent, struct err *err)
{
	struct cgroups *cgroups;
	int r = cgroups_open(agent->options->cgroup_root, &cgroups, err);

	if (r < 0)
		return r;
	r = host_choose(agent, cgroups, err);
	cgroups_free(cgroups);
	return r;
}

/* The interface that /proc/net/route names for destination 0. */
static bool host_default_interface(char ret[IF_NAMESIZE])
{
	AUTO_FILE file = fopen("/proc/net/route", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned long destination;

		if (sscanf(line, "%15s %lx", ret, &destination) == 2 && destination == 0)
			return true;
	}
	return false;
}

struct in_addr host_address(void)
{
	struct in_addr address = {.s_addr = htonl(INADDR_LOOPBACK)};
	char interface[IF_NAMESIZE];
	struct ifaddrs *list;

	if (!host_default_interface(interface) || getifaddrs(&list) < 0)
		return address;
	for (struct ifaddrs *at = list; at; at = at->ifa_next)
		if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET &&
			strcmp(at->ifa_name, interface) == 0) {
			address = ((struct sockaddr_in *)at->ifa_addr)->sin_addr;
			break;
		}
	freeifaddrs(list);
	return address;
}

static bool host_has_cni_conf(const char *path)
{
	AUTO_DIR dir = opendir(path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot && dot != entry->d_name &&
			(strcmp(dot, ".conflist") == 0 || strcmp(dot, ".conf") == 0))
			return true;
	}
	return false;
}

int host_cni_conf(const struct options *options, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/10-podnet.conflist", options->cni_conf_dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON conf = NULL;
	int r;

	if (host_has_cni_conf(options->cni_conf_dir))
		return 0;
	conf = json_pack("{s:s, s:s, s:[{s:s, s:b, s:s, s:s, s:s, s:s, s:{s:s, s:[[{s:s}]]}}]}",
		"cniVersion", "1.0.0", "name", "podnet", "plugins", "type", "podnet", "ipMasq", 1,
		"instance", options->instance, "bpfDir", options->bpf_dir, "stateDir",
		options->state_dir, "serviceCIDR", options->service_cidr, "ipam", "type", "podnet",
		"ranges", "subnet", options->pod_cidr);
	text = conf ? json_dumps(conf, JSON_INDENT(2)) : NULL;
	if (!path || !text)
		return err_set(err, ENOMEM, "write the CNI configuration");
	r = fs_mkdir(options->cni_conf_dir, 0755, err);
	if (r == 0)
		r = fs_replace(path, text, strlen(text), 0644, FS_DURABLE, err);
	return r;
}

static int host_services(const struct options *options,
	int (*change)(struct netlink *nl, const struct prefix *destination, struct err *err),
	struct err *err)
{
	AUTO_NETLINK nl = NETLINK_CLOSED;
	struct prefix services;
	int r = prefix_parse(options->service_cidr, &services, err);

	if (r == 0)
		r = netlink_open(NETLINK_ROUTE, &nl, err);
	return r == 0 ? change(&nl, &services, err) : r;
}

void host_refuse_services(const struct options *options)
{
	struct err err;

	if (host_services(options, route_add_unreachable, &err) < 0)
		log_warning("%s: what the host sends to unknown Services may leave it", err.text);
}

int host_allow_services(const struct options *options, struct err *err)
{
	return host_services(options, route_del_unreachable, err);
}
