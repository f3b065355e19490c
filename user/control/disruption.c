// SPDX-License-Identifier: Apache-2.0
#include "user/control/disruption.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/client/informer.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/control/rollout.h"
#include "user/model/age.h"
#include "user/model/selector.h"

/* What the status says, but for its condition. */
struct count {
	long long healthy, desired, expected, allowed;
	json_t *disrupted;   /* owned: those that are still on their way out */
	const char *problem; /* NULL: none */
};

static void cleanup_count(struct count *count)
{
	json_decref(count->disrupted);
}

/* --- the Pods of the budget --- */

static int pods_chosen(const struct disruption *disruption, struct owned *ret)
{
	const char *namespace = meta_text(disruption->budget, "namespace"), *key;
	struct label_selector *selector = NULL;
	int r = label_selector_read(
		json_object_get(json_object_get(disruption->budget, "spec"), "selector"), &selector,
		NULL);
	json_t *pod;

	ret->list = calloc(json_object_size(disruption->pods) + 1, sizeof(ret->list[0]));
	if (!ret->list)
		r = -ENOMEM;
	json_object_foreach ((json_t *)disruption->pods, key, pod)
		if (r == 0 && strcmp(meta_text(pod, "namespace"), namespace) == 0 &&
			label_selector_matches(selector,
				json_object_get(json_object_get(pod, "metadata"), "labels")))
			ret->list[ret->count++] = pod;
	label_selector_free(selector);
	return r == -EINVAL ? 0 : r;
}

static const json_t *owner_of(const json_t *object, const json_t *owners, const char *kind)
{
	const json_t *reference = owned_controller(object), *owner;
	char key[INFORMER_KEY_MAX];

	snprintf(key, sizeof(key), "%s/%s", meta_text(object, "namespace"),
		json_string_at(reference, "name", ""));
	owner = json_object_get(owners, key);
	return owner && strcmp(json_string_at(reference, "kind", ""), kind) == 0 &&
			       strcmp(meta_text(owner, "uid"), owned_controller_uid(object)) == 0
		       ? owner
		       : NULL;
}

/* The Deployment or ReplicaSet whose replicas the Pod is one of; NULL: of nobody's. */
static const json_t *pod_scaler(const struct disruption *disruption, const json_t *pod)
{
	const json_t *set = owner_of(pod, disruption->sets, "ReplicaSet");
	const json_t *deployment =
		set ? owner_of(set, disruption->deployments, "Deployment") : NULL;

	return deployment ? deployment : set;
}

/* So many Pods as their controllers are to have. */
static int scale_expected(
	const struct disruption *disruption, const struct owned *pods, struct count *count)
{
	AUTO_JSON seen = json_object();

	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < pods->count; i++) {
		const json_t *scaler = pod_scaler(disruption, pods->list[i]);
		const char *uid = scaler ? meta_text(scaler, "uid") : "";

		if (!scaler && owned_controller(pods->list[i]))
			count->problem = "found no controllers that can be scaled for a pod";
		if (!scaler || json_object_get(seen, uid))
			continue;
		if (json_object_set_new(seen, uid, json_true()) < 0)
			return -ENOMEM;
		count->expected += json_integer_at(json_object_get(scaler, "spec"), "replicas", 1);
	}
	return 0;
}

/* --- what is counted --- */

static int count_wanted(
	const struct disruption *disruption, const struct owned *pods, struct count *count)
{
	const json_t *spec = json_object_get(disruption->budget, "spec");
	const json_t *least = json_object_get(spec, "minAvailable");
	const json_t *most = json_object_get(spec, "maxUnavailable");
	int r = 0;

	if (json_is_integer(least)) {
		count->expected = (long long)pods->count;
		count->desired = json_integer_value(least);
		return 0;
	}
	if (least || most)
		r = scale_expected(disruption, pods, count);
	if (most)
		count->desired = count->expected - portion(most, count->expected, true);
	else if (least)
		count->desired = portion(least, count->expected, true);
	if (count->desired < 0)
		count->desired = 0;
	return r;
}

/* Pods that were evicted and have not been seen to go; who does not go for long has been spared. */
static int count_disrupted(const struct disruption *disruption, const struct owned *pods,
	struct count *count, struct requests *plan)
{
	const json_t *old =
		json_object_get(json_object_get(disruption->budget, "status"), "disruptedPods");

	count->disrupted = json_object();
	for (size_t i = 0; count->disrupted && i < pods->count; i++) {
		const char *name = meta_text(pods->list[i], "name");
		json_t *since = json_object_get(old, name);
		int64_t over = age_parse(json_string_at(old, name, "")) + DISRUPTION_PATIENCE;

		if (!since || meta_is_deleting(pods->list[i]) || over <= disruption->now)
			continue;
		if (json_object_set(count->disrupted, name, since) < 0)
			return -ENOMEM;
		requests_again(
			plan, clock_now() + (uint64_t)(over - disruption->now) * USEC_PER_SEC);
	}
	return count->disrupted ? 0 : -ENOMEM;
}

static int count_all(
	const struct disruption *disruption, struct count *count, struct requests *plan)
{
	AUTO_CLEANUP(owned_clear) struct owned pods = {0};
	int r = pods_chosen(disruption, &pods);

	if (r == 0)
		r = count_wanted(disruption, &pods, count);
	if (r == 0)
		r = count_disrupted(disruption, &pods, count, plan);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pods.count; i++)
		count->healthy +=
			!meta_is_deleting(pods.list[i]) &&
			!json_object_get(count->disrupted, meta_text(pods.list[i], "name")) &&
			pod_is_ready_since(pods.list[i], NULL);
	count->allowed = count->healthy - count->desired;
	if (count->expected <= 0 || count->allowed < 0 || count->problem)
		count->allowed = 0;
	return 0;
}

/* --- the status --- */

static json_t *condition_new(const struct disruption *disruption, const struct count *count)
{
	const json_t *meta = json_object_get(disruption->budget, "metadata");
	const json_t *old =
		json_object_get(json_object_get(disruption->budget, "status"), "conditions");
	const char *status = count->allowed > 0 ? "True" : "False";
	char now[CLOCK_RFC3339_LEN];
	const char *since = now;
	json_t *condition;
	size_t i;

	clock_rfc3339((uint64_t)disruption->now * USEC_PER_SEC, now);
	json_array_foreach (old, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "DisruptionAllowed") == 0 &&
			strcmp(json_string_at(condition, "status", ""), status) == 0)
			since = json_string_at(condition, "lastTransitionTime", now);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "type", "DisruptionAllowed", "status",
		status, "reason",
		count->problem	     ? "SyncFailed"
		: count->allowed > 0 ? "SufficientPods"
				     : "InsufficientPods",
		"message", count->problem ? count->problem : "", "lastTransitionTime", since,
		"observedGeneration", json_integer_at(meta, "generation", 0));
}

static json_t *status_new(const struct disruption *disruption, const struct count *count)
{
	const json_t *meta = json_object_get(disruption->budget, "metadata");
	json_t *status = json_pack("{s:I, s:I, s:I, s:I, s:I, s:[o]}", "observedGeneration",
		json_integer_at(meta, "generation", 0), "disruptionsAllowed",
		(json_int_t)count->allowed, "currentHealthy", (json_int_t)count->healthy,
		"desiredHealthy", (json_int_t)count->desired, "expectedPods",
		(json_int_t)count->expected, "conditions", condition_new(disruption, count));

	if (status && json_object_size(count->disrupted) > 0)
		json_object_set(status, "disruptedPods", count->disrupted);
	return status;
}

/* With the revision that it was counted at: an eviction that came in between is not forgotten. */
int disruption_plan(const struct disruption *disruption, struct requests *plan)
{
	AUTO_CLEANUP(cleanup_count) struct count count = {0};
	const json_t *budget = disruption->budget;
	AUTO_JSON status = NULL;
	json_t *changed;

	if (count_all(disruption, &count, plan) < 0)
		return -ENOMEM;
	status = status_new(disruption, &count);
	if (status && json_equal(status, json_object_get(budget, "status")))
		return 0;
	changed = json_copy((json_t *)budget);
	if (!status || json_object_set(changed, "status", status) < 0) {
		json_decref(changed);
		return -ENOMEM;
	}
	requests_update(plan,
		request_target("policy", "v1", meta_text(budget, "namespace"),
			"poddisruptionbudgets", meta_text(budget, "name"), "status"),
		changed);
	return plan->no_memory ? -ENOMEM : 0;
}
