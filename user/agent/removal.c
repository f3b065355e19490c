// SPDX-License-Identifier: Apache-2.0
/* podnetd --remove: the end of all Pods, whoever wanted them, and of what podnetd has in the kernel. */
#include "user/agent/state.h"
#include "user/base/log.h"
#include "user/datapath/datapath.h"
#include "user/net/masquerade.h"

static void removal_sweep(void *cookie)
{
	struct agent *agent = cookie;

	node_sweep(agent->node);
}

static void removal_look(struct agent *agent)
{
	if (node_pod_next(agent->node, NULL) || agent->orphans == ORPHANS_SWEPT)
		return;
	agent->orphans = ORPHANS_SWEPT;
	eject_start(agent, NULL, removal_sweep, agent);
}

void removal_begin(struct agent *agent)
{
	struct node_pod *pod, *next;
	unsigned count = 0;

	for (pod = node_pod_next(agent->node, NULL); pod; pod = next) {
		next = node_pod_next(agent->node, pod);
		node_pod_delete(pod, -1);
		count++;
	}
	log_info("ending %u Pods", count);
	removal_look(agent);
}

void removal_pod_gone(struct agent *agent)
{
	removal_look(agent);
}

void removal_swept(struct agent *agent)
{
	sd_event_exit(agent->loop, 0);
}

int agent_remove(const struct options *options, struct err *err)
{
	struct datapath_config config = {
		.bpf_dir = options->bpf_dir,
		.instance = options->instance,
	};
	int r = datapath_remove(&config, err);

	if (r == 0)
		r = masquerade_remove(options->instance, err);
	return r == 0 ? host_allow_services(options, err) : r;
}
