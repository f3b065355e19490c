// SPDX-License-Identifier: Apache-2.0
/* What a plan asks for the Pod as a whole.  Each action sets observed.busy and ends in nodepod_done. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/net/sockets.h"
#include "user/node/mountinfo.h"
#include "user/node/nodepod.h"
#include "user/node/podlog.h"

#define DRAIN_MAX  (2 * USEC_PER_SEC)
#define DRAIN_LOOK (10 * USEC_PER_MSEC)

/* --- sandbox and network --- */

static void sandbox_ready(void *userdata, int result, pid_t pause_pid, const char *reason)
{
	struct node_pod *pod = userdata;
	struct err err;

	if (result == 0) {
		pod->observed.pause_pid = pause_pid;
		result = adopt_netns(pod, &err);
		reason = err.text;
	}
	if (result == 0)
		pod->observed.sandbox = SANDBOX_RUNNING;
	else
		pod->shim = shim_free(pod->shim);
	nodepod_done(pod, result, "FailedCreatePodSandBox", reason);
}

static void podaction_sandbox(struct node_pod *pod)
{
	const struct node_config *config = pod->node->config;
	AUTO_FREE char *program = fs_format("%s/podnet-shim", config->libexec_dir);
	AUTO_FREE char *pause = fs_format("%s/podnet-pause", config->libexec_dir);
	AUTO_FREE char *runtime_root = fs_format("%s/runtime", pod->run_dir);
	AUTO_FREE char *cgroup = cgroups_pod_path(pod->node->cgroups, pod->spec);
	AUTO_FREE char *shim_cgroup = cgroups_shim_path(pod->node->cgroups);
	struct shim_config shim = {
		.program = program,
		.pause = pause,
		.runtime = config->runtime,
		.runtime_root = runtime_root,
		.dir = pod->run_dir,
		.cgroup = cgroup,
		.shim_cgroup = shim_cgroup,
		.hostname = pod->spec->hostname,
		.claim = config->claim_dir,
	};
	struct shim_events events;
	struct err err;
	int r;

	if (!program || !pause || !runtime_root || !cgroup || !shim_cgroup)
		r = err_set(&err, ENOMEM, "start the shim");
	else {
		adopt_events(pod, &events);
		r = shim_start(
			pod->node->loop, &shim, &events, sandbox_ready, pod, &pod->shim, &err);
	}
	if (r < 0)
		nodepod_done(pod, r, "FailedCreatePodSandBox", err.text);
}

static void network_attachment(
	const struct node_pod *pod, char netns[32], struct cni_attachment *ret)
{
	const struct object_meta *meta = &pod->spec->meta;

	netns[0] = '\0';
	if (pod->observed.sandbox == SANDBOX_RUNNING)
		snprintf(netns, 32, "/proc/%d/ns/net", (int)pod->observed.pause_pid);
	*ret = (struct cni_attachment){
		.container_id = meta->uid,
		.netns = netns,
		.pod_name = meta->name,
		.pod_namespace = meta->namespace,
		.pod_uid = meta->uid,
	};
}

static void network_added(
	void *userdata, int result, const struct cni_result *added, const char *reason)
{
	struct node_pod *pod = userdata;

	pod->cni_call = NULL;
	if (result == 0) {
		pod->observed.networked = true;
		pod->observed.ip = added->address;
	}
	nodepod_done(pod, result, "FailedCreatePodSandBox", reason);
}

static void network_add(struct node_pod *pod)
{
	struct cni_attachment attachment;
	struct err err;
	char netns[32];
	int r;

	network_attachment(pod, netns, &attachment);
	r = cni_add(pod->node->cni, &attachment, network_added, pod, &pod->cni_call, &err);
	if (r < 0)
		nodepod_done(pod, r, "FailedCreatePodSandBox", err.text);
}

static void network_made_sure(
	void *userdata, int result, const struct cni_result *added, const char *reason)
{
	struct node_pod *pod = userdata;

	(void)added;
	pod->cni_call = NULL;
	if (result < 0) {
		nodepod_done(pod, result, "FailedCreatePodSandBox", reason);
		return;
	}
	pod->network_unsure = false;
	network_add(pod);
}

/* Calls DEL for the attachment; @done goes on. */
static void network_del(struct node_pod *pod, cni_done_fn done)
{
	struct cni_attachment attachment;
	struct err err;
	char netns[32];
	int r;

	network_attachment(pod, netns, &attachment);
	r = cni_del(pod->node->cni, &attachment, done, pod, &pod->cni_call, &err);
	if (r < 0)
		nodepod_done(pod, r, "FailedKillPodSandBox", err.text);
}

static void podaction_network(struct node_pod *pod)
{
	/* An ADD that a killed podnetd had begun may or may not be there: DEL makes it certain. */
	if (pod->network_unsure)
		network_del(pod, network_made_sure);
	else
		network_add(pod);
}

static int pod_reap(struct node_pod *pod, reap_fn done, struct err *err)
{
	const struct node *node = pod->node;

	return reap_start(node->loop, node->worker, node->cgroups, pod->spec->meta.uid, done, pod,
		&pod->reap, err);
}

/* --- lost sandbox --- */

/* What ran in a sandbox that is gone has ended in a way nobody saw. */
static void reset_container(struct node_pod *pod, size_t i)
{
	struct container_observed *container = &pod->observed.containers[i];
	struct shim_exit exit = {.code = 137, .signal = 9};
	struct err err;
	bool known;

	if (container->phase != CONTAINER_RUNNING)
		return;
	container_id(pod, i, container->attempt, exit.id);
	known = shim_exit_read(pod->run_dir, exit.id, &exit, &err) == 0;
	if (!known) {
		exit.started_wall = container->started_wall;
		exit.finished_wall = clock_wall();
	}
	containeraction_exited(pod, i, &exit, !known);
}

static void sandbox_forget(struct node_pod *pod)
{
	pod->shim = shim_free(pod->shim);
	close_fd(&pod->netns_fd);
	pod->observed.sandbox = SANDBOX_ABSENT;
	pod->observed.pause_pid = 0;
	pod->observed.networked = false;
	pod->observed.ip.s_addr = 0;
}

/* What init containers did to the old sandbox has to be done to the new one: they run again, as in Kubernetes. */
static void reset_init(struct node_pod *pod)
{
	bool failed, finished = pod_is_finished(pod->spec, &pod->observed, &failed);

	for (size_t i = 0; !finished && i < pod->spec->init_count; i++) {
		struct container_observed *container = &pod->observed.containers[i];

		if (container->phase != CONTAINER_EXITED || container->exit.code != 0)
			continue;
		container->last = container->exit;
		container->has_last = true;
		container->last_unknown_exit = container->unknown_exit;
		container->has_exit = false;
		container->phase = CONTAINER_ABSENT;
		container->attempt++;
	}
}

static void reset_network_gone(
	void *userdata, int result, const struct cni_result *added, const char *reason)
{
	struct node_pod *pod = userdata;

	(void)added;
	pod->cni_call = NULL;
	if (result == 0) {
		sandbox_forget(pod);
		reset_init(pod);
		pod->observed.prepared = false; /* the cgroup went with the processes */
	}
	nodepod_done(pod, result, "FailedKillPodSandBox", reason);
}

static void reset_killed(void *userdata, int result, const char *reason)
{
	struct node_pod *pod = userdata;

	pod->reap = NULL;
	if (result < 0) {
		nodepod_done(pod, result, "FailedKillPodSandBox", reason);
		return;
	}
	for (size_t i = 0; i < pod->observed.count; i++) {
		reset_container(pod, i);
		if (!pod->work[i]->pull && !pod->work[i]->erasing)
			pod->observed.containers[i].busy = false;
	}
	network_del(pod, reset_network_gone);
}

static void podaction_reset(struct node_pod *pod)
{
	struct err err;
	int r;

	log_warning("pod %s: its sandbox is gone, it will be killed and re-created", pod->id);
	podevent(pod, EVENT_NORMAL, "SandboxChanged",
		"Pod sandbox changed, it will be killed and re-created.");
	pod->shim = shim_free(pod->shim);
	r = pod_reap(pod, reset_killed, &err);
	if (r < 0)
		nodepod_done(pod, r, "FailedKillPodSandBox", err.text);
}

/* --- deletion: eject, drain, release, erase --- */

static void eject_acknowledged(void *cookie)
{
	struct node_pod *pod = cookie;

	pod->observed.ejected = true;
	nodepod_done(pod, 0, "", "");
}

static void podaction_eject(struct node_pod *pod)
{
	if (!pod->observed.networked) {
		eject_acknowledged(pod);
		return;
	}
	pod->node->events.eject(pod->node->events.userdata, pod, eject_acknowledged, pod);
}

static uint64_t drain_deadline(const struct node_pod *pod)
{
	uint64_t half = (uint64_t)pod->observed.grace * USEC_PER_SEC / 2;

	return pod->observed.deleted_at + (half < DRAIN_MAX ? half : DRAIN_MAX);
}

static void drain_end(struct node_pod *pod)
{
	pod->drain = sockets_free(pod->drain);
	pod->drain_timer = timer_free(pod->drain_timer);
	pod->observed.drained = true;
	nodepod_done(pod, 0, "", "");
}

/* How many of the connections are open that were so at the first look. */
static int drain_count(struct node_pod *pod, size_t *ret, struct err *err)
{
	if (!pod->drain) {
		int r = sockets_snapshot(pod->netns_fd, &pod->drain, err);

		if (r < 0)
			return r;
	}
	return sockets_remaining(pod->drain, pod->netns_fd, ret, err);
}

/* Who cannot look waits as long as for connections that do not end. */
static void drain_look(void *userdata)
{
	struct node_pod *pod = userdata;
	size_t open = 0;
	struct err err;
	int r = drain_count(pod, &open, &err);

	if ((r < 0 || open) && clock_now() < drain_deadline(pod)) {
		timer_arm(pod->drain_timer, clock_now() + DRAIN_LOOK);
		return;
	}
	if (r < 0)
		log_warning("pod %s: %s, connections may still be open after the drain wait",
			pod->id, err.text);
	else if (open)
		log_info("pod %s: %zu connections are still open after the drain wait", pod->id,
			open);
	drain_end(pod);
}

static void podaction_drain(struct node_pod *pod)
{
	struct err err;

	if (!pod->observed.networked || pod->netns_fd < 0 || clock_now() >= drain_deadline(pod)) {
		drain_end(pod);
		return;
	}
	if (timer_new(pod->node->loop, drain_look, pod, &pod->drain_timer, &err) < 0) {
		log_warning("pod %s: %s, not waiting for open connections", pod->id, err.text);
		drain_end(pod);
		return;
	}
	timer_arm(pod->drain_timer, 0);
}

static void release_shut_down(void *userdata, int result, const char *reason)
{
	struct node_pod *pod = userdata;

	if (result == 0)
		sandbox_forget(pod);
	nodepod_done(pod, result, "FailedKillPodSandBox", reason);
}

static void release_network_gone(
	void *userdata, int result, const struct cni_result *added, const char *reason)
{
	struct node_pod *pod = userdata;

	(void)added;
	pod->cni_call = NULL;
	if (result < 0) {
		nodepod_done(pod, result, "FailedKillPodSandBox", reason);
		return;
	}
	pod->observed.networked = false;
	nodepod_touch(pod); /* the address may be another Pod's from now on */
	if (!pod->shim) {
		sandbox_forget(pod);
		nodepod_done(pod, 0, "", "");
		return;
	}
	result = shim_shutdown(pod->shim, release_shut_down, pod);
	if (result < 0)
		nodepod_done(pod, result, "FailedKillPodSandBox", "the shim is gone");
}

/* The Pod stays busy, and thereby alive, until the worker thread is done with its directories. */
struct erasure {
	struct node_pod *pod;
	int result;
	struct err err;
};

/* ENOENT-proof: every step succeeds when its object is not there.  Volumes may be large. */
static void erase_dirs(void *arg)
{
	struct erasure *erasure = arg;
	const struct node_pod *pod = erasure->pod;
	struct err *err = &erasure->err;
	int r = volumes_remove(pod->volume_dir, err);

	if (r == 0)
		r = podlog_remove(pod->node->config, pod->spec, pod->log_dir, err);
	if (r == 0)
		r = mounts_detach(pod->run_dir, err);
	if (r == 0)
		r = fs_remove(pod->run_dir, err);
	if (r == 0)
		r = fs_remove(pod->state_dir, err);
	erasure->result = r;
}

static void erase_done(void *arg)
{
	struct erasure *erasure = arg;
	struct node_pod *pod = erasure->pod;
	struct err err = erasure->err;
	int r = erasure->result;

	free(erasure);
	if (r < 0) {
		nodepod_done(pod, r, "FailedCleanup", err.text);
		return;
	}
	pod->observed.erased = true;
	node_pod_gone(pod);
}

/* Behind the bundles of its containers in the eraser's queue. */
static void erase_reaped(void *userdata, int result, const char *reason)
{
	struct node_pod *pod = userdata;
	struct erasure *erasure;

	pod->reap = NULL;
	if (result < 0) {
		nodepod_done(pod, result, "FailedCleanup", reason);
		return;
	}
	erasure = calloc(1, sizeof(*erasure));
	if (erasure)
		erasure->pod = pod;
	if (erasure && worker_post(pod->node->eraser, erase_dirs, erase_done, free, erasure) == 0)
		return;
	free(erasure);
	nodepod_done(pod, -ENOMEM, "FailedCleanup", "no memory to erase the Pod");
}

static void podaction_erase(struct node_pod *pod)
{
	struct err err;
	int r;

	pod->run_made = false; /* nothing is recorded there any more */
	r = pod_reap(pod, erase_reaped, &err);
	if (r < 0)
		nodepod_done(pod, r, "FailedCleanup", err.text);
}

void podaction_run(struct node_pod *pod, enum pod_action action)
{
	pod->observed.busy = true;
	switch (action) {
	case POD_PREPARE: podprepare_run(pod); break;
	case POD_SANDBOX: podaction_sandbox(pod); break;
	case POD_NETWORK: podaction_network(pod); break;
	case POD_RESET: podaction_reset(pod); break;
	case POD_EJECT: podaction_eject(pod); break;
	case POD_DRAIN: podaction_drain(pod); break;
	case POD_RELEASE: network_del(pod, release_network_gone); break;
	case POD_ERASE: podaction_erase(pod); break;
	case POD_NOTHING: pod->observed.busy = false; break;
	}
}
