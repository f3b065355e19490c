// SPDX-License-Identifier: Apache-2.0
#include "user/control/schedulewrites.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/preempt.h"
#include "user/control/requests.h"
#include "user/control/snapshot.h"

static char *target_of(const json_t *pod, const char *sub)
{
	return request_target(
		"", "v1", meta_text(pod, "namespace"), "pods", meta_text(pod, "name"), sub);
}

void schedule_bind(const json_t *pod, const struct snapshot_node *node, struct requests *plan)
{
	requests_create(plan, target_of(pod, "binding"),
		json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:s, s:s}}", "kind", "Binding",
			"apiVersion", "v1", "metadata", "name", meta_text(pod, "name"), "uid",
			meta_text(pod, "uid"), "target", "kind", "Node", "apiVersion", "v1", "name",
			node->name));
	requests_tell(plan, pod, "Scheduled", NULL,
		fs_format("Successfully assigned %s/%s to %s", meta_text(pod, "namespace"),
			meta_text(pod, "name"), node->name));
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

static json_t *status_patch(const json_t *pod, const json_t *known, const char *message)
{
	const char *since = strcmp(json_string_at(known, "status", ""), "False") == 0
				    ? json_string_at(known, "lastTransitionTime", NULL)
				    : NULL;
	char now[CLOCK_RFC3339_LEN];

	clock_rfc3339(clock_wall(), now);
	return json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata", "uid",
		meta_text(pod, "uid"), "status", "conditions", "type", "PodScheduled", "status",
		"False", "reason", "Unschedulable", "message", message, "lastTransitionTime",
		since ? since : now);
}

void schedule_explain(
	const json_t *pod, const char *message, const char *nominated, struct requests *plan)
{
	const json_t *known = pod_scheduled(pod);
	bool same = strcmp(json_string_at(known, "message", ""), message) == 0 &&
		    strcmp(json_string_at(known, "reason", ""), "Unschedulable") == 0;
	json_t *patch;

	if (same && !nominated)
		return;
	patch = status_patch(pod, known, message);
	if (nominated)
		json_object_set_new(json_object_get(patch, "status"), "nominatedNodeName",
			nominated[0] ? json_string(nominated) : json_null());
	requests_patch(plan, target_of(pod, "status"), CLIENT_STRATEGIC_PATCH, patch);
	if (!same)
		requests_warn(plan, pod, "FailedScheduling", strdup(message));
}

static void victim_remove(const json_t *victim, const json_t *pod, const struct snapshot_node *node,
	struct requests *plan)
{
	char now[CLOCK_RFC3339_LEN];

	clock_rfc3339(clock_wall(), now);
	requests_patch(plan, target_of(victim, "status"), CLIENT_STRATEGIC_PATCH,
		json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata", "uid",
			meta_text(victim, "uid"), "status", "conditions", "type",
			"DisruptionTarget", "status", "True", "reason", "PreemptionByScheduler",
			"message", SCHEDULER ": preempting to accommodate a higher priority pod",
			"lastTransitionTime", now));
	requests_delete(plan, target_of(victim, NULL), meta_text(victim, "uid"));
	requests_tell(plan, victim, "Preempted", NULL,
		fs_format("Preempted by pod %s on node %s", meta_text(pod, "uid"), node->name));
}

void schedule_make_room(const struct snapshot *snapshot, const json_t *pod,
	const struct preemption *preemption, struct requests *plan)
{
	for (size_t i = 0; i < preemption->count; i++)
		if (!meta_is_deleting(preemption->victims[i]->pod))
			victim_remove(preemption->victims[i]->pod, pod, preemption->node, plan);
	for (size_t i = 0; i < snapshot->nominated_count; i++) {
		const struct snapshot_pod *other = snapshot->nominated[i];

		if (other->node == preemption->node && other->priority < pod_priority(pod))
			requests_patch(plan, target_of(other->pod, "status"), CLIENT_MERGE_PATCH,
				json_pack("{s:{s:s}, s:{s:n}}", "metadata", "uid",
					meta_text(other->pod, "uid"), "status",
					"nominatedNodeName"));
	}
}
