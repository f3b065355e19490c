// SPDX-License-Identifier: Apache-2.0
#include "user/agent/agent.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "user/agent/nodeapi.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/lock.h"
#include "user/base/log.h"
#include "user/node/cgroup.h"

static int agent_dirs(struct agent *agent, struct err *err)
{
	int r = fs_mkdir(agent->options->run_dir, 0700, err);

	if (r == 0)
		r = fs_mkdir(agent->options->state_dir, 0700, err);
	return r < 0 ? r : lock_take(agent->options->run_dir, "podnetd", &agent->lock_fd, err);
}

/* --- what the node tells --- */

static void agent_changed(void *userdata, struct node_pod *pod)
{
	control_follow(userdata, pod);
	clusterpods_changed(userdata, pod);
}

static void agent_gone(void *userdata, struct node_pod *pod)
{
	struct agent *agent = userdata;

	control_logs_gone(agent, pod);
	control_exec_gone(agent, pod);
	control_forward_gone(agent, pod);
	clusterpods_gone(agent, pod);
	if (agent->options->remove)
		removal_pod_gone(agent);
	if (!agent->manifests)
		return;
	pods_gone(agent, pod);
	pods_sync(agent);
	timer_arm(agent->apply_timer, 0);
}

static const struct object *agent_object(
	void *userdata, enum object_kind kind, const char *namespace, const char *name)
{
	struct agent *agent = userdata;
	const struct manifests_entry *entry =
		agent->manifests ? manifests_find(agent->manifests, kind, namespace, name) : NULL;

	return entry ? entry->object : cluster_source(agent, kind, namespace, name);
}

static const char *agent_token(
	void *userdata, const struct pod *pod, const struct projection *projection, struct err *err)
{
	return cluster_token(userdata, pod, projection, err);
}

/* --- what the manifests tell --- */

static void agent_report(const struct agent *agent)
{
	uint64_t revision = manifests_revision(agent->manifests);
	const struct manifests_refusal *refusals;
	size_t count;

	refusals = manifests_refusals(agent->manifests, &count);
	for (size_t i = 0; i < count; i++)
		if (refusals[i].revision == revision)
			log_error("refused: %s", refusals[i].text);
}

static bool agent_sources_changed(const struct agent *agent)
{
	uint64_t revision = manifests_revision(agent->manifests);
	const struct manifests_entry *entries;
	size_t count;

	entries = manifests_entries(agent->manifests, &count);
	for (size_t i = 0; i < count; i++)
		if (entries[i].revision == revision &&
			(entries[i].object->kind == KIND_SECRET ||
				entries[i].object->kind == KIND_CONFIG_MAP))
			return true;
	return false;
}

static void agent_manifests_changed(struct manifests *manifests, void *userdata)
{
	struct agent *agent = userdata;
	struct err err;

	agent->manifests = manifests;
	agent_report(agent);
	services_sync(agent);
	pods_sync(agent);
	if (agent_sources_changed(agent))
		node_sources_changed(agent->node);
	agent->scanned = true;
	timer_arm(agent->apply_timer, 0);
	orphans_look(agent);
	if (!agent->told_ready) {
		if (cluster_begin(agent, &err) < 0) {
			log_error("%s", err.text);
			sd_event_exit(agent->loop, 1);
			return;
		}
		nodeapi_open(agent);
		agent->told_ready = true;
		log_info("ready");
		sd_notify(0, "READY=1");
	}
}

/* All that ran is known again: only now may anything be decided. */
static void agent_adopted(void *userdata)
{
	struct agent *agent = userdata;
	const struct options *options = agent->options;
	AUTO_FREE char *state = fs_format("%s/manifests", options->state_dir);
	struct manifests_config config = {
		.dir = options->manifests,
		.state_dir = state,
		.max_bytes = options->max_manifest,
	};
	struct err err;
	int r;

	if (options->remove) {
		removal_begin(agent);
		return;
	}
	r = state ? manifests_new(agent->loop, &config, agent_manifests_changed, agent,
			    &agent->manifests, &err)
		  : err_set(&err, ENOMEM, "follow the manifests");
	if (r == 0)
		r = control_open(agent, &err);
	if (r < 0) {
		log_error("%s", err.text);
		sd_event_exit(agent->loop, 1);
	}
}

/* --- life --- */

static void agent_node_config(struct agent *agent)
{
	const struct options *options = agent->options;

	agent->node_config = (struct node_config){
		.state_dir = options->state_dir,
		.run_dir = options->run_dir,
		.log_dir = options->log_dir,
		.log_links = options->log_links,
		.libexec_dir = options->libexec_dir,
		.cgroup_root = options->cgroup_root,
		.cni_conf_dir = options->cni_conf_dir,
		.cni_bin_dir = options->cni_bin_dir,
		.registries_conf = options->registries_conf,
		.node_name = options->node_name,
		.host_ip = host_address(),
	};
}

static int agent_datapath(struct agent *agent, struct err *err)
{
	struct cgroups *cgroups;
	struct datapath_config config = {
		.bpf_dir = agent->options->bpf_dir,
		.instance = agent->options->instance,
	};
	int r = cgroups_open(agent->options->cgroup_root, &cgroups, err);

	if (r < 0)
		return r;
	config.cgroup_root = cgroups_root2(cgroups);
	if (!config.cgroup_root[0]) {
		log_warning("no cgroup2 is mounted: no connect hooks, Services work for Pods only");
		config.cgroup_root = NULL;
	}
	r = datapath_open(&config, &agent->datapath, err);
	cgroups_free(cgroups);
	return r;
}

static int agent_node(struct agent *agent, struct err *err)
{
	struct node_events events = {
		.serving = services_serving,
		.was_ready = services_was_ready,
		.changed = agent_changed,
		.happened = clusterpods_happened,
		.eject = eject_start,
		.gone = agent_gone,
		.adopted = agent_adopted,
		.wanted = orphans_wanted,
		.swept = orphans_swept,
		.userdata = agent,
	};
	struct object_source source = {
		.get = agent_object, .token = agent_token, .userdata = agent};
	int r = node_new(agent->loop, agent->worker, &agent->node_config, &events, &source,
		&agent->node, err);

	return r < 0 ? r : node_adopt(agent->node, err);
}

static int agent_open(struct agent *agent, struct err *err)
{
	int r = agent_dirs(agent, err);

	agent_node_config(agent);
	if (r == 0)
		r = host_runtime(agent, err);
	if (r == 0 && !agent->options->remove)
		r = host_cni_conf(agent->options, err);
	if (r == 0)
		r = worker_new(agent->loop, &agent->worker, err);
	if (r == 0)
		r = worker_new(agent->loop, &agent->looker, err);
	if (r == 0)
		r = timer_new(agent->loop, services_apply, agent, &agent->apply_timer, err);
	if (r == 0)
		r = timer_new(agent->loop, store_retry, agent, &agent->store_timer, err);
	if (r == 0)
		r = timer_new(agent->loop, pods_again, agent, &agent->pods_timer, err);
	if (r == 0)
		r = vips_new(agent->options->service_cidr, &agent->vips, err);
	if (r == 0)
		r = services_load(agent, err);
	if (r == 0)
		r = pods_load(agent, err);
	if (r == 0)
		r = cluster_open(agent, err);
	if (r == 0)
		r = agent_datapath(agent, err);
	if (r < 0)
		return r;
	if (!agent->options->remove)
		host_refuse_services(agent->options);
	return agent_node(agent, err);
}

int agent_new(sd_event *loop, const struct options *options, struct agent **ret, struct err *err)
{
	struct agent *agent = calloc(1, sizeof(*agent));
	int r;

	if (!agent)
		return err_set(err, ENOMEM, "start");
	agent->loop = loop;
	agent->options = options;
	agent->lock_fd = -1;
	r = agent_open(agent, err);
	if (r < 0) {
		agent_free(agent);
		return r;
	}
	*ret = agent;
	return 0;
}

struct agent *agent_free(struct agent *agent)
{
	if (!agent)
		return NULL;
	control_exec_end(agent);
	control_forward_end(agent);
	http_server_free(agent->server);
	nodeapi_free(agent->nodeapi);
	worker_free(agent->worker);
	worker_free(agent->looker);
	eject_end_all(agent);
	agent->cluster = cluster_free(agent->cluster);
	node_free(agent->node);
	manifests_free(agent->manifests);
	datapath_close(agent->datapath);
	timer_free(agent->apply_timer);
	timer_free(agent->store_timer);
	timer_free(agent->pods_timer);
	services_free(agent);
	vips_free(agent->vips);
	json_decref(agent->service_times);
	json_decref(agent->incarnations);
	free(agent->claim_dir);
	close_fd(&agent->lock_fd);
	free(agent);
	return NULL;
}
