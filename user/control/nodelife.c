// SPDX-License-Identifier: Apache-2.0
#include "user/control/nodelife.h"

#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"

#define PREFIX "node.kubernetes.io/"

/* --- conditions --- */

static const json_t *condition_of(const json_t *node, const char *type)
{
	const json_t *conditions = json_object_get(json_object_get(node, "status"), "conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

const char *node_condition(const json_t *node, const char *type)
{
	return json_string_at(condition_of(node, type), "status", "");
}

char *nodelife_sign(const json_t *node, const json_t *lease)
{
	const json_t *ready = condition_of(node, "Ready");

	return fs_format("%s %s %s",
		json_string_at(json_object_get(lease, "spec"), "renewTime", ""),
		json_string_at(ready, "lastHeartbeatTime", ""),
		strcmp(json_string_at(ready, "status", ""), "Unknown") == 0
			? ""
			: json_string_at(ready, "lastTransitionTime", ""));
}

static json_t *condition_unknown(const json_t *old, const char *type, const char *now)
{
	json_t *condition = json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", type, "status",
		"Unknown", "reason", old ? "NodeStatusUnknown" : "NodeStatusNeverUpdated",
		"message",
		old ? "Kubelet stopped posting node status." : "Kubelet never posted node status.",
		"lastTransitionTime", now);

	if (json_object_get(old, "lastHeartbeatTime"))
		json_object_set(
			condition, "lastHeartbeatTime", json_object_get(old, "lastHeartbeatTime"));
	return condition;
}

static void status_plan(const struct nodelife *life, const char *now, struct requests *plan)
{
	static const char *const types[] = {
		"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"};
	const char *name = meta_text(life->node, "name");
	json_t *conditions = json_array();

	for (size_t i = 0; i < COUNT(types); i++) {
		const json_t *old = condition_of(life->node, types[i]);

		if (strcmp(json_string_at(old, "status", ""), "Unknown") != 0)
			json_array_append_new(conditions, condition_unknown(old, types[i], now));
	}
	requests_patch(plan, request_target("", "v1", NULL, "nodes", name, "status"),
		CLIENT_STRATEGIC_PATCH, json_pack("{s:{s:o}}", "status", "conditions", conditions));
	requests_tell(plan, life->node, "NodeNotReady", NULL,
		fs_format("Node %s status is now: NodeNotReady", name));
}

/* --- Pods of a node that is gone --- */

static void pod_unready(const json_t *pod, const char *now, struct requests *plan)
{
	requests_patch(plan,
		request_target("", "v1", meta_text(pod, "namespace"), "pods",
			meta_text(pod, "name"), "status"),
		CLIENT_STRATEGIC_PATCH,
		json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s}]}}", "metadata", "uid",
			meta_text(pod, "uid"), "status", "conditions", "type", "Ready", "status",
			"False", "lastTransitionTime", now));
	requests_warn(plan, pod, "NodeNotReady", fs_format("Node is not ready"));
}

static void pods_plan(const struct nodelife *life, const char *now, struct requests *plan)
{
	const char *name = meta_text(life->node, "name"), *key;
	json_t *pod;

	json_object_foreach ((json_t *)life->pods, key, pod)
		if (strcmp(json_string_at(json_object_get(pod, "spec"), "nodeName", ""), name) ==
				0 &&
			pod_is_ready_since(pod, NULL))
			pod_unready(pod, now, plan);
}

/* --- taints --- */

struct taint_row {
	const char *key, *effect;
	const char *condition, *status; /* condition NULL: spec.unschedulable */
};

static const struct taint_row rows[] = {
	{PREFIX "not-ready", "NoSchedule", "Ready", "False"},
	{PREFIX "not-ready", "NoSchedule", "Ready", ""},
	{PREFIX "not-ready", "NoExecute", "Ready", "False"},
	{PREFIX "unreachable", "NoSchedule", "Ready", "Unknown"},
	{PREFIX "unreachable", "NoExecute", "Ready", "Unknown"},
	{PREFIX "memory-pressure", "NoSchedule", "MemoryPressure", "True"},
	{PREFIX "disk-pressure", "NoSchedule", "DiskPressure", "True"},
	{PREFIX "pid-pressure", "NoSchedule", "PIDPressure", "True"},
	{PREFIX "network-unavailable", "NoSchedule", "NetworkUnavailable", "True"},
	{PREFIX "unschedulable", "NoSchedule", NULL, NULL},
};

static bool row_is(const struct taint_row *row, const json_t *taint)
{
	return strcmp(json_string_at(taint, "key", ""), row->key) == 0 &&
	       strcmp(json_string_at(taint, "effect", ""), row->effect) == 0;
}

static bool row_holds(const struct taint_row *row, const struct nodelife *life)
{
	const json_t *spec = json_object_get(life->node, "spec");

	if (!row->condition)
		return json_is_true(json_object_get(spec, "unschedulable"));
	if (strcmp(row->effect, "NoExecute") == 0 && life->alone)
		return false;
	return strcmp(node_condition(life->node, row->condition), row->status) == 0;
}

static bool row_waits(const struct taint_row *row, const struct nodelife *life)
{
	return life->held && row->condition && strcmp(row->effect, "NoExecute") == 0;
}

/* Ours, and not wanted any more. */
static bool taint_is_over(const json_t *taint, const struct nodelife *life)
{
	bool ours = false;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (!row_is(&rows[i], taint))
			continue;
		if (row_holds(&rows[i], life))
			return false;
		ours = true;
	}
	return ours;
}

/* An eviction that waits counts from the time of its taint. */
static json_t *taint_timed(json_t *taint, const char *now)
{
	json_t *copy;

	if (strcmp(json_string_at(taint, "effect", ""), "NoExecute") != 0 ||
		json_object_get(taint, "timeAdded"))
		return json_incref(taint);
	copy = json_copy(taint);
	json_object_set_new(copy, "timeAdded", json_string(now));
	return copy;
}

static bool taints_have(const json_t *taints, const struct taint_row *row)
{
	const json_t *taint;
	size_t i;

	json_array_foreach (taints, i, taint)
		if (row_is(row, taint))
			return true;
	return false;
}

bool node_is_emptied(const json_t *node)
{
	const json_t *taints = json_object_get(json_object_get(node, "spec"), "taints");

	for (size_t i = 0; i < COUNT(rows); i++)
		if (strcmp(rows[i].effect, "NoExecute") == 0 && taints_have(taints, &rows[i]))
			return true;
	return false;
}

static json_t *taints_wanted(const struct nodelife *life, const json_t *old, const char *now)
{
	json_t *wanted = json_array(), *taint;
	size_t i;

	json_array_foreach ((json_t *)old, i, taint)
		if (!taint_is_over(taint, life))
			json_array_append_new(wanted, taint_timed(taint, now));
	for (i = 0; i < COUNT(rows); i++)
		if (row_holds(&rows[i], life) && !row_waits(&rows[i], life) &&
			!taints_have(wanted, &rows[i]))
			json_array_append_new(
				wanted, json_pack("{s:s, s:s, s:s}", "key", rows[i].key, "effect",
						rows[i].effect, "timeAdded", now));
	return wanted;
}

static void taints_plan(const struct nodelife *life, const char *now, struct requests *plan)
{
	const json_t *old = json_object_get(json_object_get(life->node, "spec"), "taints");
	json_t *wanted = taints_wanted(life, old, now);

	if (json_equal(wanted, old) || (!old && json_array_size(wanted) == 0)) {
		json_decref(wanted);
		return;
	}
	requests_patch(plan,
		request_target("", "v1", NULL, "nodes", meta_text(life->node, "name"), NULL),
		CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s}, s:{s:o}}", "metadata", "resourceVersion",
			meta_text(life->node, "resourceVersion"), "spec", "taints", wanted));
}

int nodelife_plan(const struct nodelife *life, struct requests *plan)
{
	bool unknown = strcmp(node_condition(life->node, "Ready"), "Unknown") == 0;
	char now[CLOCK_RFC3339_LEN];

	clock_rfc3339((uint64_t)life->now * USEC_PER_SEC, now);
	if (unknown)
		pods_plan(life, now, plan);
	if (!unknown && life->silent >= life->grace)
		status_plan(life, now, plan); /* taints follow when this is seen */
	else
		taints_plan(life, now, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
