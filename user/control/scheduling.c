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
#include "user/control/preempt.h"
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

/* --- room for what matters more --- */

static void victim_remove(
	const json_t *victim, const json_t *pod, const json_t *node, struct requests *plan)
{
	const char *namespace = meta_text(victim, "namespace"), *name = meta_text(victim, "name");
	char now[CLOCK_RFC3339_LEN];

	clock_rfc3339(clock_wall(), now);
	requests_patch(plan, request_target("", "v1", namespace, "pods", name, "status"),
		CLIENT_STRATEGIC_PATCH,
		json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata", "uid",
			meta_text(victim, "uid"), "status", "conditions", "type",
			"DisruptionTarget", "status", "True", "reason", "PreemptionByScheduler",
			"message",
			"default-scheduler: preempting to accommodate a higher priority pod",
			"lastTransitionTime", now));
	requests_delete(plan, request_target("", "v1", namespace, "pods", name, NULL),
		meta_text(victim, "uid"));
	requests_tell(plan, victim, "Preempted", NULL,
		fs_format("Preempted by pod %s on node %s", meta_text(pod, "uid"),
			meta_text(node, "name")));
}

static void message_add(char message[SCHEDULE_MESSAGE], const struct snapshot *snapshot,
	const struct preemption *preemption)
{
	size_t len = strlen(message), others = snapshot->count - preemption->unhelpful;
	int more;

	if (!snapshot->count)
		return;
	more = snprintf(message + len, SCHEDULE_MESSAGE - len,
		" preemption: 0/%zu nodes are available: ", snapshot->count);
	len += more > 0 ? (size_t)more : 0;
	if (len < SCHEDULE_MESSAGE && preemption->unhelpful)
		len += (size_t)snprintf(message + len, SCHEDULE_MESSAGE - len,
			"%zu Preemption is not helpful for scheduling%s", preemption->unhelpful,
			others ? ", " : ".");
	if (len < SCHEDULE_MESSAGE && others)
		snprintf(message + len, SCHEDULE_MESSAGE - len,
			"%zu No preemption victims found for incoming pod.", others);
}

static int pod_preempt(const struct snapshot *snapshot, const json_t *pod,
	char message[SCHEDULE_MESSAGE], struct requests *plan)
{
	AUTO_CLEANUP(preemption_clear) struct preemption preemption = {0};

	if (!preempt_may(snapshot, pod))
		return 0;
	if (preempt_choose(snapshot, pod, &preemption) < 0)
		return -1;
	if (!preemption.node) {
		message_add(message, snapshot, &preemption);
		return 0;
	}
	for (size_t i = 0; i < preemption.count; i++)
		if (!meta_is_deleting(preemption.victims[i]))
			victim_remove(preemption.victims[i], pod, preemption.node, plan);
	requests_patch(plan,
		request_target("", "v1", meta_text(pod, "namespace"), "pods",
			meta_text(pod, "name"), "status"),
		CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s}}", "status", "nominatedNodeName",
			meta_text(preemption.node, "name")));
	return 0;
}

/* --- one after the other --- */

/* Those that matter more first, and of those the longest waiting. */
static bool is_before(const json_t *a, const json_t *b)
{
	if (pod_priority(a) != pod_priority(b))
		return pod_priority(a) > pod_priority(b);
	return strcmp(meta_text(a, "creationTimestamp"), meta_text(b, "creationTimestamp")) < 0;
}

static const json_t *pod_next(const json_t *pods, const json_t *skipped)
{
	const json_t *next = NULL;
	const char *key;
	json_t *pod;

	json_object_foreach ((json_t *)pods, key, pod)
		if (pod_waits(pod) && !json_object_get(skipped, key) &&
			(!next || is_before(pod, next)))
			next = pod;
	return next;
}

/* Binds the first that fits; says of those before why they do not, and makes room for them. */
static int waiting_plan(const struct snapshot *snapshot, const json_t *pods, unsigned chance,
	json_t *skipped, struct requests *plan)
{
	char message[SCHEDULE_MESSAGE], name[INFORMER_KEY_MAX];
	const json_t *pod, *node;

	while ((pod = pod_next(pods, skipped))) {
		size_t before = plan->count;

		node = schedule_choose(snapshot, pod, chance, message);
		if (node) {
			pod_bind(pod, node, plan);
			return 0; /* the next one when this is seen */
		}
		if (pod_preempt(snapshot, pod, message, plan) < 0)
			return -1;
		pod_explain(pod, message, plan);
		informer_key(pod, name);
		json_object_set_new(skipped, name, json_true());
		if (plan->count > before + 1)
			return 0; /* what goes is not counted twice */
	}
	return 0;
}

static int scheduler_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const struct control *control = controller->control;
	const json_t *pods = control_objects(control, FOLLOWED_PODS);
	AUTO_CLEANUP(snapshot_clear) struct snapshot snapshot = {0};
	AUTO_JSON skipped = json_object();
	unsigned chance = 0;

	(void)key;
	if (!skipped || snapshot_make(control_objects(control, FOLLOWED_NODES), pods,
				control_objects(control, FOLLOWED_NAMESPACES), &snapshot) < 0)
		return -1;
	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0)
		chance = 0;
	if (waiting_plan(&snapshot, pods, chance, skipped, plan) < 0)
		return -1;
	if (json_object_size(skipped))
		plan->again = clock_now() + RETRY;
	return plan->no_memory ? -1 : 0;
}

const struct controller_kind controller_scheduler = {
	.name = SCHEDULER,
	.changed = scheduler_changed,
	.plan = scheduler_plan,
};
