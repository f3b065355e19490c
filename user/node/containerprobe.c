// SPDX-License-Identifier: Apache-2.0
/* Ties the probers of a container to what is observed of it. */
#include <stdio.h>

#include "user/base/log.h"
#include "user/node/nodepod.h"

/* An exec probe is a hook whose end goes to the prober. */
static int probe_exec_start(void *userdata, const char *const *argv, uint64_t timeout_usec,
	void (*done)(void *cookie, int code, const char *output), void *cookie,
	void **ret_cancel_handle)
{
	struct container_work *work = userdata;
	struct hook *hook;
	struct err err;
	int r = hook_exec(work->pod, work->index, argv, timeout_usec, done, cookie, &hook, &err);

	if (r == 0)
		*ret_cancel_handle = hook;
	return r;
}

static void probe_exec_cancel(void *userdata, void *cancel_handle)
{
	(void)userdata;
	hook_cancel(cancel_handle);
}

static void readiness_changed(void *userdata, bool ok, const char *message)
{
	struct container_work *work = userdata;
	struct container_observed *container = &work->pod->observed.containers[work->index];

	container->probe_ready = ok;
	snprintf(container->message, sizeof(container->message), "%s%.200s",
		ok ? "" : "readiness probe failed: ", ok ? "" : message);
	nodepod_touch(work->pod);
	if (!ok)
		containerevent(
			work, EVENT_WARNING, "Unhealthy", "Readiness probe failed: %s", message);
	log_info("pod %s: container %s is %s%s%s", work->pod->id,
		observed_container(work->pod->spec, work->index)->name, ok ? "ready" : "not ready",
		ok ? "" : ": ", ok ? "" : message);
}

static void liveness_changed(void *userdata, bool ok, const char *message)
{
	struct container_work *work = userdata;
	const struct container *spec = observed_container(work->pod->spec, work->index);

	if (ok)
		return;
	log_warning("pod %s: Container %s failed liveness probe, will be restarted: %s",
		work->pod->id, spec->name, message);
	work->stop_grace = spec->liveness->termination_grace;
	work->pod->observed.containers[work->index].stop_requested = true;
	nodepod_touch(work->pod);
	containerevent(work, EVENT_WARNING, "Unhealthy", "Liveness probe failed: %s", message);
	containerevent(work, EVENT_NORMAL, "Killing",
		"Container %s failed liveness probe, will be restarted", spec->name);
}

static void probe_start(struct node_pod *pod, size_t index, const struct probe_spec *spec,
	enum probe_kind kind, bool adopted)
{
	struct container_work *work = pod->work[index];
	struct prober_config config = {
		.kind = kind,
		.spec = spec,
		.container = observed_container(pod->spec, index),
		.netns_fd = pod->netns_fd,
		.address = pod->observed.ip,
		.started_at = pod->observed.containers[index].started,
		.adopted = adopted,
		.initial = kind == PROBE_LIVENESS || pod->observed.containers[index].probe_ready,
		.exec_start = probe_exec_start,
		.exec_cancel = probe_exec_cancel,
		.changed = kind == PROBE_LIVENESS ? liveness_changed : readiness_changed,
		.userdata = work,
	};
	struct err err;

	if (!spec || work->probers[kind])
		return;
	if (prober_start(pod->node->turns, &config, &work->probers[kind], &err) < 0)
		log_error("pod %s: container %s: probe: %s", pod->id, config.container->name,
			err.text);
}

void containerprobe_start(struct node_pod *pod, size_t index, bool adopted)
{
	const struct container *spec = observed_container(pod->spec, index);

	probe_start(pod, index, spec->readiness, PROBE_READINESS, adopted);
	if (!pod->observed.deleting)
		probe_start(pod, index, spec->liveness, PROBE_LIVENESS, adopted);
}

void containerprobe_stop(struct node_pod *pod, size_t index, enum probe_kind kind)
{
	pod->work[index]->probers[kind] = prober_free(pod->work[index]->probers[kind]);
}
