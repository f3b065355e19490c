// SPDX-License-Identifier: Apache-2.0
/*
 * After a start podnetd takes over what it finds and changes nothing that is still right: the record of
 * what was observed, corrected by what the shim says now.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/net/netns.h"
#include "user/node/nodepod.h"
#include "user/node/podlog.h"
#include "user/node/podrecord.h"

int adopt_netns(struct node_pod *pod, struct err *err)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pod->observed.pause_pid);
	close_fd(&pod->netns_fd);
	return netns_open(path, &pod->netns_fd, err);
}

static void adopt_exited(void *userdata, const struct shim_exit *exit)
{
	struct node_pod *pod = userdata;
	const struct container_observed *container;
	unsigned attempt;
	size_t i;

	if (!container_of_id(pod, exit->id, &i, &attempt))
		return;
	container = &pod->observed.containers[i];
	if (container->phase == CONTAINER_RUNNING
			? attempt == container->attempt
			: container->busy && attempt == pod->work[i]->starting)
		containeraction_exited(pod, i, exit, false);
}

static void adopt_lost(void *userdata)
{
	struct node_pod *pod = userdata;

	pod->shim = shim_free(pod->shim);
	/* What was asked of the shim has been answered; what else is under way ends by itself. */
	if (pod->observed.sandbox == SANDBOX_RUNNING) {
		pod->observed.sandbox = SANDBOX_LOST;
		pod->observed.retry_at = 0;
	}
	nodepod_touch(pod);
}

void adopt_events(struct node_pod *pod, struct shim_events *ret)
{
	*ret = (struct shim_events){.exited = adopt_exited, .lost = adopt_lost, .userdata = pod};
}

static void adopt_end(struct node_pod *pod)
{
	struct node *node = pod->node;

	pod->adopting = false;
	nodepod_touch(pod);
	if (--node->adopting == 0 && node->adopt_called)
		timer_arm(node->adopt_timer, 0);
}

static void adopt_deleted(void *userdata, int result, const char *reason)
{
	struct container_work *work = userdata;

	if (result < 0)
		log_warning("pod %s: remove a container that never started: %s, ignoring",
			work->pod->id, reason);
	work->pod->observed.containers[work->index].busy = false;
	nodepod_kick(work->pod);
}

/* The verdict to go on from for a container that the record does not know. */
static bool adopt_verdict(const struct node_pod *pod, size_t i)
{
	const struct node_events *events = &pod->node->events;

	if (!observed_container(pod->spec, i)->readiness)
		return true;
	return pod->record_lost && pod->observed.networked &&
	       events->was_ready(events->userdata, pod->observed.ip);
}

/* One container that the shim holds, against what the record says of it. */
static void adopt_container(struct node_pod *pod, const struct shim_container *held)
{
	struct container_observed *container;
	unsigned attempt;
	size_t i;

	if (!container_of_id(pod, held->id, &i, &attempt))
		return;
	container = &pod->observed.containers[i];
	pod->work[i]->starting = attempt;
	if (held->state == SHIM_CREATED) {
		container->busy =
			shim_delete(pod->shim, held->id, adopt_deleted, pod->work[i]) == 0;
		return;
	}
	if (container->phase == CONTAINER_RUNNING && container->attempt == attempt) {
		if (held->state == SHIM_EXITED)
			containeraction_exited(pod, i, &held->exit, false);
		else
			container->pid = held->pid;
		return;
	}
	if (container->phase == CONTAINER_EXITED && container->attempt >= attempt)
		return;
	/* It was started, but podnetd was killed before it could write that down. */
	containeraction_supersede(container);
	container->attempt = attempt;
	container->pid = held->pid;
	container->phase = CONTAINER_RUNNING;
	container->started = held->started_mono;
	container->started_wall = held->started_wall;
	container->probe_ready = adopt_verdict(pod, i);
	if (held->state == SHIM_EXITED)
		containeraction_exited(pod, i, &held->exit, false);
}

static bool adopt_is_held(
	const struct node_pod *pod, size_t i, const struct shim_container *containers, size_t count)
{
	char id[SHIM_ID_MAX];

	container_id(pod, i, pod->observed.containers[i].attempt, id);
	for (size_t k = 0; k < count; k++)
		if (strcmp(containers[k].id, id) == 0)
			return true;
	return false;
}

/* The record says it runs and the shim does not know it: its exit record, or a guess, is what is left. */
static void adopt_vanished(struct node_pod *pod, size_t i)
{
	const struct container_observed *container = &pod->observed.containers[i];
	struct shim_exit exit = {
		.code = 137,
		.signal = 9,
		.started_wall = container->started_wall,
		.finished_wall = clock_wall(),
	};
	struct err err;
	bool known;

	container_id(pod, i, container->attempt, exit.id);
	known = shim_exit_read(pod->run_dir, exit.id, &exit, &err) == 0;
	containeraction_exited(pod, i, &exit, !known);
}

static void adopt_network(struct node_pod *pod)
{
	struct cni_result result;
	struct err err;

	if (pod->observed.networked)
		return;
	if (cni_cached(pod->node->cni, pod->spec->meta.uid, &result, &err) == 0) {
		pod->observed.networked = true;
		pod->observed.ip = result.address;
	} else {
		pod->network_unsure = true;
	}
}

static void adopt_listed(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count)
{
	struct node_pod *pod = userdata;
	struct err err;

	pod->observed.pause_pid = pause_pid;
	if (result < 0 || adopt_netns(pod, &err) < 0) {
		pod->shim = shim_free(pod->shim);
		pod->observed.sandbox = SANDBOX_LOST;
		adopt_end(pod);
		return;
	}
	pod->run_made = true;
	pod->observed.sandbox = SANDBOX_RUNNING;
	pod->observed.prepared = pod->admitted;
	adopt_network(pod);
	for (size_t k = 0; k < count; k++)
		adopt_container(pod, &containers[k]);
	for (size_t i = 0; i < pod->observed.count; i++) {
		if (pod->observed.containers[i].phase != CONTAINER_RUNNING)
			continue;
		if (!adopt_is_held(pod, i, containers, count))
			adopt_vanished(pod, i);
		else
			containeraction_watch(pod, i, true);
	}
	adopt_end(pod);
}

/* Reads the record of this boot; an unreadable one is set aside and the shim is asked for all. */
static int adopt_record(struct node_pod *pod, bool *ret_stale)
{
	AUTO_FREE char *path = fs_format("%s/observed", pod->run_dir);
	AUTO_FREE char *text = NULL;
	AUTO_JSON record = NULL;
	bool this_boot = true;
	struct err err;
	size_t len;
	int r;

	*ret_stale = false;
	if (!path)
		return -ENOMEM;
	r = record_read(path, "observed", &text, &len, &this_boot, &err);
	if (r == -ENOENT)
		return r;
	if (r == 0)
		r = json_parse(text, len, path, &record, &err);
	if (r == 0 && !this_boot) {
		*ret_stale = true;
		return -ENOENT;
	}
	if (r == 0)
		r = podrecord_decode(record, &pod->observed, &err);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	if (r < 0) {
		log_error("pod %s: %s; it is set aside and the Pod is rebuilt from what runs",
			pod->id, err.text);
		record_set_aside(path, NULL);
	}
	return r;
}

/* Nothing of this boot is known: restart counts go on from the logs, as the kubelet's do. */
static void adopt_afresh(struct node_pod *pod)
{
	for (size_t i = 0; i < pod->observed.count; i++) {
		struct container_observed *container = &pod->observed.containers[i];

		container->attempt =
			podlog_next_attempt(pod->log_dir, observed_container(pod->spec, i)->name);
		if (!observed_is_ephemeral(pod->spec, i) || container->attempt == 0)
			continue;
		container->attempt--;
		observed_lose(container);
	}
	pod->network_unsure = true;
}

/* True when the Pod had finished in an earlier boot. */
static bool adopt_result(struct node_pod *pod)
{
	struct err err;
	int r = podresult_read(pod, &err);

	pod->network_unsure = true;
	if (r < 0 && r != -ENOENT)
		log_error("pod %s: %s; it will run again", pod->id, err.text);
	pod->result_saved = r == 0;
	return r == 0;
}

int adopt_pod(struct node_pod *pod, struct err *err)
{
	struct shim_events events;
	bool stale;
	int r;

	r = adopt_record(pod, &stale);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return err_set(err, -r, "adopt Pod '%s'", pod->id);
	if (stale && fs_remove(pod->run_dir, err) < 0)
		return -err->code;
	pod->run_made = r == 0;
	pod->record_lost = r < 0 && r != -ENOENT;
	if (r < 0 && !adopt_result(pod))
		adopt_afresh(pod);
	adopt_events(pod, &events);
	r = shim_adopt(pod->node->loop, pod->run_dir, &events, adopt_listed, pod, &pod->shim, err);
	/* Our own want is no sign that the shim is gone. */
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	pod->adopting = true;
	pod->node->adopting++;
	if (r < 0) {
		if (pod->observed.sandbox == SANDBOX_RUNNING ||
			(pod->admitted && stray_shims_kill(pod->run_dir)))
			pod->observed.sandbox = SANDBOX_LOST;
		pod->observed.prepared = pod->observed.sandbox == SANDBOX_LOST;
		adopt_end(pod);
	}
	return 0;
}
