// SPDX-License-Identifier: Apache-2.0
#include "user/node/nodepod.h"

#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/record.h"
#include "user/net/sockets.h"
#include "user/node/backoff.h"
#include "user/node/podrecord.h"

#define SAVE_RETRY (5 * USEC_PER_SEC)

/* Says why a Pod does not serve, for `get backends`. */
static void nodepod_explain(struct node_pod *pod)
{
	char *reason = pod->serving_reason;
	size_t size = sizeof(pod->serving_reason);

	reason[0] = '\0';
	if (pod->observed.deleting)
		snprintf(reason, size, "being deleted");
	for (size_t i = pod->spec->init_count; !reason[0] && i < observed_end(&pod->observed);
		i++) {
		const struct container_observed *container = &pod->observed.containers[i];
		const char *name = observed_container(pod->spec, i)->name;

		if (container->phase == CONTAINER_EXITED || container->gone)
			snprintf(reason, size, "container %s exited", name);
		else if (container->phase == CONTAINER_ABSENT)
			snprintf(reason, size, "container %s has not started", name);
		else if (!container->probe_ready)
			snprintf(reason, size, "container %s: %.100s", name,
				container->message[0] ? container->message
						      : "readiness probe has not succeeded yet");
	}
}

/* The data plane hears first. */
static void nodepod_publish(struct node_pod *pod)
{
	enum pod_serving serving = pod_serving(pod->spec, &pod->observed);
	bool ready = pod_is_ready(pod->spec, &pod->observed);

	if (serving != pod->serving) {
		pod->serving = serving;
		pod->node->events.serving(pod->node->events.userdata, pod, serving);
		pod->serving_since = clock_now();
		if (serving == SERVING_DOWN)
			pod->down_since = pod->serving_since;
	}
	nodepod_explain(pod);
	if (ready != pod->observed.was_ready) {
		pod->observed.was_ready = ready;
		pod->observed.ready_wall = clock_wall();
	}
}

/* Written when a verdict or a state changed, never for each probe. */
static void nodepod_save(struct node_pod *pod)
{
	AUTO_FREE char *path = fs_format("%s/observed", pod->run_dir);
	AUTO_JSON record = podrecord_encode(&pod->observed);
	AUTO_FREE char *text = record ? json_text(record) : NULL;
	bool failed;
	struct err err;
	int r;

	if (!path || !text) {
		log_warning("pod %s: no memory to record its state, ignoring", pod->id);
		return;
	}
	if ((pod->saved && strcmp(pod->saved, text) == 0) || pod->observed.erased)
		return;
	r = record_write(path, "observed", text, strlen(text), FS_VOLATILE, &err);
	if (r < 0) {
		if (!pod->unsaved)
			log_warning("pod %s: %s, trying again", pod->id, err.text);
		pod->unsaved = true;
		return;
	}
	pod->unsaved = false;
	free(pod->saved);
	pod->saved = take_ptr(text);
	if (!pod->result_saved && !pod->observed.deleting &&
		pod_is_finished(pod->spec, &pod->observed, &failed)) {
		pod->result_saved = true;
		podresult_save(pod, pod->saved);
	}
}

void nodepod_kick(struct node_pod *pod)
{
	timer_arm(pod->timer, 0);
}

void nodepod_touch(struct node_pod *pod)
{
	if (pod->adopting)
		return;
	nodepod_publish(pod);
	if (pod->run_made)
		nodepod_save(pod);
	pod->node->events.changed(pod->node->events.userdata, pod);
	nodepod_kick(pod);
}

void nodepod_adopt_late(struct node_pod *pod)
{
	log_warning("pod %s: its shim does not answer, it stays as it is until then", pod->id);
	pod->serving = pod_serving(pod->spec, &pod->observed);
	pod->serving_since = clock_now();
	nodepod_explain(pod);
}

void nodepod_done(struct node_pod *pod, int result, const char *reason, const char *message)
{
	struct pod_observed *observed = &pod->observed;

	observed->busy = false;
	if (result < 0) {
		observed->failures++;
		observed->retry_at = clock_now() + backoff_retry(observed->failures) * USEC_PER_SEC;
		snprintf(observed->reason, sizeof(observed->reason), "%s", reason);
		snprintf(observed->message, sizeof(observed->message), "%s", message);
		log_error("pod %s: %s: %s", pod->id, reason, message);
		podevent(pod, EVENT_WARNING, reason, "%s", message);
	} else {
		observed->failures = 0;
		observed->retry_at = 0;
		observed->reason[0] = observed->message[0] = '\0';
	}
	nodepod_touch(pod);
}

/* One turn of the reconcile: plan, act, sleep until the plan's deadline. */
static void nodepod_step(void *userdata)
{
	struct node_pod *pod = userdata;
	struct pod_plan plan;

	if (pod->adopting)
		return;
	if (pod->unsaved)
		nodepod_save(pod);
	pod_plan(pod->spec, &pod->observed, clock_now(), &plan, pod->actions);
	if (pod->unsaved && plan.deadline > clock_now() + SAVE_RETRY)
		plan.deadline = clock_now() + SAVE_RETRY;
	timer_arm(pod->timer, plan.deadline);
	for (size_t i = 0; i < pod->observed.count; i++)
		if (pod->actions[i] != CONTAINER_NOTHING)
			containeraction_run(pod, i, pod->actions[i]);
	if (plan.action != POD_NOTHING)
		podaction_run(pod, plan.action); /* may free the Pod: nothing follows */
}

static int nodepod_paths(struct node_pod *pod, struct err *err)
{
	const struct node_config *config = pod->node->config;
	const struct object_meta *meta = &pod->spec->meta;

	pod->run_dir = fs_format("%s/pods/%s", config->run_dir, meta->uid);
	pod->state_dir = fs_format("%s/pods/%s", config->state_dir, meta->uid);
	pod->volume_dir = fs_format("%s/pods/%s/volumes", config->state_dir, meta->uid);
	pod->log_dir =
		fs_format("%s/%s_%s_%s", config->log_dir, meta->namespace, meta->name, meta->uid);
	pod->id = fs_format("%s/%s", meta->namespace, meta->name);
	if (!pod->run_dir || !pod->state_dir || !pod->volume_dir || !pod->log_dir || !pod->id)
		return err_set(err, ENOMEM, "add pod '%s'", meta->name);
	return 0;
}

struct container_work *container_work_new(struct node_pod *pod, size_t index)
{
	struct container_work *work = calloc(1, sizeof(*work));

	if (work)
		*work = (struct container_work){
			.pod = pod, .index = index, .pidfd = -1, .stop_grace = -1};
	return work;
}

static int nodepod_containers(struct node_pod *pod, uint64_t created_wall, struct err *err)
{
	size_t count;

	if (observed_init(pod->spec, created_wall, &pod->observed) < 0)
		return err_set(err, ENOMEM, "add pod '%s'", pod->spec->meta.name);
	count = pod->observed.count;
	pod->work = calloc(count, sizeof(pod->work[0]));
	pod->actions = calloc(count, sizeof(pod->actions[0]));
	if (!pod->work || !pod->actions)
		return err_set(err, ENOMEM, "add pod '%s'", pod->spec->meta.name);
	for (size_t i = 0; i < count; i++) {
		pod->work[i] = container_work_new(pod, i);
		if (!pod->work[i])
			return err_set(err, ENOMEM, "add pod '%s'", pod->spec->meta.name);
	}
	return 0;
}

int nodepod_new(struct node *node, struct pod *spec, uint64_t created_wall, struct node_pod **ret,
	struct err *err)
{
	struct node_pod *pod = calloc(1, sizeof(*pod));
	int r;

	if (!pod) {
		pod_free(spec);
		return err_set(err, ENOMEM, "add a pod");
	}
	pod->node = node;
	pod->spec = spec;
	pod->netns_fd = -1;
	r = nodepod_paths(pod, err);
	if (r == 0)
		r = nodepod_containers(pod, created_wall, err);
	if (r == 0)
		r = timer_new(node->loop, nodepod_step, pod, &pod->timer, err);
	if (r < 0) {
		nodepod_free(pod);
		return r;
	}
	*ret = pod;
	return 0;
}

void nodepod_free(struct node_pod *pod)
{
	for (size_t i = 0; pod->work && i < pod->observed.count && pod->work[i]; i++) {
		containeraction_unwatch(pod, i);
		image_free(pod->work[i]->image);
		free(pod->work[i]);
	}
	shim_free(pod->shim);
	cni_call_cancel(pod->cni_call);
	reap_free(pod->reap);
	timer_free(pod->timer);
	timer_free(pod->drain_timer);
	sockets_free(pod->drain);
	close_fd(&pod->netns_fd);
	observed_free(&pod->observed);
	pod_free(pod->spec);
	free(pod->work);
	free(pod->actions);
	free(pod->run_dir);
	free(pod->state_dir);
	free(pod->log_dir);
	free(pod->volume_dir);
	free(pod->id);
	free(pod->saved);
	json_decref(pod->refused);
	free(pod);
}
