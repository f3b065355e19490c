// SPDX-License-Identifier: Apache-2.0
/*
 * Pods without a node among what is followed.  One Pod after the other: what was chosen for the one before
 * is in the cache before the next is looked at, for the queue waits until the binding is seen.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/control/owned.h"
#include "user/control/schedule.h"
#include "user/control/state.h"

#define SCHEDULER "default-scheduler"
#define RETRY	  (5 * USEC_PER_SEC) /* a node may have room by then; changes of nodes look at once */

static bool pod_waits(const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");

	return !json_string_at(spec, "nodeName", "")[0] && pod_is_active(pod) &&
	       strcmp(json_string_at(spec, "schedulerName", SCHEDULER), SCHEDULER) == 0;
}

static void scheduler_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_NODES || (kind == FOLLOWED_PODS && pod_waits(object)))
		controller_look(controller,
			CONTROLLER_ALL); /* one at a time: two would count the same room */
}

static void pod_bind(const json_t *pod, const json_t *node, struct requests *plan)
{
	requests_create(plan,
		request_target("", "v1", meta_text(pod, "namespace"), "pods",
			meta_text(pod, "name"), "binding"),
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}}", "kind", "Binding",
			"apiVersion", "v1", "metadata", "name", meta_text(pod, "name"), "uid",
			meta_text(pod, "uid"), "target", "kind", "Node", "apiVersion", "v1", "name",
			meta_text(node, "name")));
	requests_tell(plan, pod, "Scheduled", NULL,
		fs_format("Successfully assigned %s/%s to %s", meta_text(pod, "namespace"),
			meta_text(pod, "name"), meta_text(node, "name")));
}

static const json_t *pod_scheduled(const json_t *pod)
{
	const json_t *conditions = json_object_get(json_object_get(pod, "status"), "conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "PodScheduled") == 0)
			return condition;
	return NULL;
}

static void pod_explain(const json_t *pod, const char *message, struct requests *plan)
{
	const json_t *known = pod_scheduled(pod);
	char now[CLOCK_RFC3339_LEN];

	if (strcmp(json_string_at(known, "message", ""), message) == 0)
		return;
	clock_rfc3339(clock_wall(), now);
	requests_patch(plan,
		request_target("", "v1", meta_text(pod, "namespace"), "pods",
			meta_text(pod, "name"), "status"),
		CLIENT_STRATEGIC_PATCH,
		json_pack("{s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "status", "conditions", "type",
			"PodScheduled", "status", "False", "reason", "Unschedulable", "message",
			message, "lastTransitionTime",
			json_string_at(known, "lastTransitionTime", now)));
	requests_warn(plan, pod, "FailedScheduling", strdup(message));
}

/* The longest waiting first. */
static const json_t *pod_next(const json_t *pods, const json_t *skipped)
{
	const json_t *next = NULL;
	const char *key;
	json_t *pod;

	json_object_foreach ((json_t *)pods, key, pod) {
		if (!pod_waits(pod) || json_object_get(skipped, key))
			continue;
		if (!next || strcmp(meta_text(pod, "creationTimestamp"),
				     meta_text(next, "creationTimestamp")) < 0)
			next = pod;
	}
	return next;
}

static int scheduler_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *pods = control_objects(controller->control, FOLLOWED_PODS), *pod;
	AUTO_CLEANUP(snapshot_clear) struct snapshot snapshot = {0};
	AUTO_JSON skipped = json_object();
	char message[SCHEDULE_MESSAGE], name[INFORMER_KEY_MAX];
	unsigned chance = 0;

	(void)key;
	if (!skipped || snapshot_make(control_objects(controller->control, FOLLOWED_NODES), pods,
				&snapshot) < 0)
		return -1;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	while ((pod = pod_next(pods, skipped))) {
		const json_t *node = schedule_choose(&snapshot, pod, chance, message);

		if (node) {
			pod_bind(pod, node, plan);
			break; /* the next one when this is seen */
		}
		pod_explain(pod, message, plan);
		informer_key(pod, name);
		json_object_set_new(skipped, name, json_true());
	}
	if (json_object_size(skipped))
		plan->again = clock_now() + RETRY;
	return plan->no_memory ? -1 : 0;
}

const struct controller_kind controller_scheduler = {
	.name = SCHEDULER,
	.changed = scheduler_changed,
	.plan = scheduler_plan,
};
