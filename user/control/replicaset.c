// SPDX-License-Identifier: Apache-2.0
#include "user/control/replicaset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/model/age.h"

static char *pod_target(const json_t *pod)
{
	return request_target(
		"", "v1", meta_text(pod, "namespace"), "pods", meta_text(pod, "name"), NULL);
}

/* --- creating --- */

static json_t *pod_new(const json_t *set)
{
	const json_t *template = json_object_get(json_object_get(set, "spec"), "template");
	const json_t *meta = json_object_get(template, "metadata");
	json_t *pod = json_pack("{s:s, s:s, s:{s:o, s:s, s:o}, s:O}", "kind", "Pod", "apiVersion",
		"v1", "metadata", "generateName", json_sprintf("%s-", meta_text(set, "name")),
		"namespace", meta_text(set, "namespace"), "ownerReferences", owned_references(set),
		"spec", json_object_get(template, "spec"));
	static const char *const kept[] = {"labels", "annotations", "finalizers", NULL};

	for (const char *const *key = kept; pod && *key; key++)
		if (json_object_get(meta, *key))
			json_object_set(json_object_get(pod, "metadata"), *key,
				json_object_get(meta, *key));
	return pod;
}

static void create_pods(const json_t *set, size_t count, struct requests *plan)
{
	for (size_t i = 0; i < count && i < REPLICASET_BURST; i++) {
		requests_create(plan,
			request_target("", "v1", meta_text(set, "namespace"), "pods", NULL, NULL),
			pod_new(set));
		requests_tell(
			plan, set, "SuccessfulCreate", "FailedCreate", strdup("Created pod: "));
		requests_tell_name(plan);
	}
}

/* --- deleting: which Pod is missed least --- */

/* A Pod, and how many of the same owner run on its node. */
struct ranked {
	const json_t *pod;
	long long neighbours;
};

static const char *pod_node(const json_t *pod)
{
	return json_string_at(json_object_get(pod, "spec"), "nodeName", "");
}

static bool pod_is_assigned(const json_t *pod)
{
	return pod_node(pod)[0] != '\0';
}

static int pod_phase_rank(const json_t *pod)
{
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");

	return strcmp(phase, "Running") == 0 ? 2 : strcmp(phase, "Unknown") == 0 ? 1 : 0;
}

static long long pod_cost(const json_t *pod)
{
	const json_t *annotations =
		json_object_get(json_object_get(pod, "metadata"), "annotations");

	return strtoll(json_string_at(annotations, POD_DELETION_COST, "0"), NULL, 10);
}

/* The caller owns the list; NULL when memory is out. */
static struct ranked *pods_rank(const struct owned *pods)
{
	struct ranked *list = calloc(pods->count + 1, sizeof(list[0]));
	AUTO_JSON counts = json_object();

	for (size_t i = 0; i < pods->count; i++) {
		const char *node = pod_node(pods->list[i]);

		json_object_set_new(
			counts, node, json_integer(json_integer_at(counts, node, 0) + 1));
	}
	for (size_t i = 0; list && i < pods->count; i++)
		list[i] = (struct ranked){
			pods->list[i], json_integer_at(counts, pod_node(pods->list[i]), 0)};
	return list;
}

static long long pod_restarts(const json_t *pod)
{
	const json_t *statuses =
		json_object_get(json_object_get(pod, "status"), "containerStatuses");
	const json_t *status;
	long long most = 0;
	size_t i;

	json_array_foreach (statuses, i, status)
		if (json_integer_at(status, "restartCount", 0) > most)
			most = json_integer_at(status, "restartCount", 0);
	return most;
}

static int order(long long a, long long b)
{
	return (a > b) - (a < b);
}

/* Upstream's ActivePodsWithRanks: the first is deleted first. */
static int pod_order(const void *first, const void *second)
{
	const struct ranked *of_a = first, *of_b = second;
	const json_t *a = of_a->pod, *b = of_b->pod;
	int64_t ready_a = 0, ready_b = 0;
	bool is_ready_a = pod_is_ready_since(a, &ready_a),
	     is_ready_b = pod_is_ready_since(b, &ready_b);
	int result = order(pod_is_assigned(a), pod_is_assigned(b));

	if (!result)
		result = order(pod_phase_rank(a), pod_phase_rank(b));
	if (!result)
		result = order(is_ready_a, is_ready_b);
	if (!result)
		result = order(pod_cost(a), pod_cost(b));
	if (!result)
		result = order(of_b->neighbours, of_a->neighbours);
	if (!result && is_ready_a)
		result = order(ready_b, ready_a); /* ready since a shorter time */
	if (!result)
		result = order(pod_restarts(b), pod_restarts(a));
	if (!result)
		result = order(age_parse(meta_text(b, "creationTimestamp")),
			age_parse(meta_text(a, "creationTimestamp")));
	return result ? result : strcmp(meta_text(a, "name"), meta_text(b, "name"));
}

static void delete_pods(
	const json_t *set, const struct owned *active, size_t count, struct requests *plan)
{
	AUTO_FREE struct ranked *list = pods_rank(active);

	plan->no_memory |= !list;
	if (!list)
		return;
	qsort(list, active->count, sizeof(list[0]), pod_order);
	for (size_t i = 0; i < count && i < REPLICASET_BURST; i++) {
		const json_t *pod = list[i].pod;

		requests_delete(plan, pod_target(pod), meta_text(pod, "uid"));
		requests_tell(plan, set, "SuccessfulDelete", NULL,
			fs_format("Deleted pod: %s", meta_text(pod, "name")));
	}
}

/* --- status --- */

/* Zeros are left out, as upstream does, but for the number of Pods. */
static void status_set(json_t *status, const char *key, size_t count)
{
	if (count)
		json_object_set_new(status, key, json_integer((json_int_t)count));
}

static json_t *status_new(const json_t *set, const struct owned *active, int64_t now)
{
	const json_t *spec = json_object_get(set, "spec");
	const json_t *template = json_object_get(json_object_get(spec, "template"), "metadata");
	size_t labelled = 0, ready = 0, available = 0;
	json_t *status;

	for (size_t i = 0; i < active->count; i++) {
		const json_t *pod = active->list[i];

		labelled += meta_has_labels(pod, json_object_get(template, "labels"));
		ready += pod_is_ready_since(pod, NULL);
		available +=
			pod_is_available(pod, json_integer_at(spec, "minReadySeconds", 0), now);
	}
	status = json_pack("{s:I}", "replicas", (json_int_t)active->count);
	status_set(status, "fullyLabeledReplicas", labelled);
	status_set(status, "readyReplicas", ready);
	status_set(status, "availableReplicas", available);
	status_set(status, "observedGeneration",
		(size_t)json_integer_at(json_object_get(set, "metadata"), "generation", 0));
	return status;
}

static void status_plan(
	const json_t *set, const struct owned *active, int64_t now, struct requests *plan)
{
	const json_t *old = json_object_get(set, "status");
	json_t *status = status_new(set, active, now), *value;
	const char *key;

	if (old && status && json_equal(old, status)) {
		json_decref(status);
		return;
	}
	json_object_foreach ((json_t *)old, key, value) /* a merge patch forgets by null */
		if (strcmp(key, "conditions") != 0 && !json_object_get(status, key))
			json_object_set_new(status, key, json_null());
	requests_patch(plan,
		request_target("apps", "v1", meta_text(set, "namespace"), "replicasets",
			meta_text(set, "name"), "status"),
		CLIENT_MERGE_PATCH, json_pack("{s:o}", "status", status));
}

/* Pods become available by themselves: when the next one does. */
static void available_again(
	const json_t *set, const struct owned *active, int64_t now, struct requests *plan)
{
	int64_t least = json_integer_at(json_object_get(set, "spec"), "minReadySeconds", 0);

	for (size_t i = 0; least && i < active->count; i++) {
		int64_t since = 0;
		uint64_t at;

		if (!pod_is_ready_since(active->list[i], &since) || since + least <= now)
			continue;
		at = clock_now() + (uint64_t)(since + least - now) * USEC_PER_SEC;
		if (at < plan->again)
			plan->again = at;
	}
}

int replicaset_plan(const json_t *set, const json_t *pods, int64_t now, struct requests *plan)
{
	AUTO_CLEANUP(owned_clear) struct owned active = {0};
	size_t wanted = (size_t)json_integer_at(json_object_get(set, "spec"), "replicas", 1);
	size_t kept = 0;

	if (owned_claim(pods, set, pod_target, plan) < 0 || owned_find(pods, set, &active) < 0)
		return -ENOMEM;
	if (plan->count) /* what changes hands is seen first */
		return plan->no_memory ? -ENOMEM : 0;
	for (size_t i = 0; i < active.count; i++)
		if (pod_is_active(active.list[i]))
			active.list[kept++] = active.list[i];
	active.count = kept;
	if (!meta_is_deleting(set) && wanted > active.count)
		create_pods(set, wanted - active.count, plan);
	else if (!meta_is_deleting(set) && wanted < active.count)
		delete_pods(set, &active, active.count - wanted, plan);
	status_plan(set, &active, now, plan);
	available_again(set, &active, now, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
