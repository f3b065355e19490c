// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/control/generations.h"
#include "user/model/age.h"

static long long sum(const struct generations *generations, const char *part, const char *key)
{
	long long total = 0;

	for (size_t i = 0; i < generations->sets.count; i++)
		total += json_integer_at(json_object_get(generations->sets.list[i], part), key, 0);
	return total;
}

static void count_set(json_t *status, const char *key, long long count)
{
	if (count)
		json_object_set_new(status, key, json_integer(count));
}

bool deployment_is_complete(const json_t *deployment, const json_t *status)
{
	long long wanted = json_integer_at(json_object_get(deployment, "spec"), "replicas", 1);
	long long generation =
		json_integer_at(json_object_get(deployment, "metadata"), "generation", 0);

	return json_integer_at(status, "updatedReplicas", 0) == wanted &&
	       json_integer_at(status, "replicas", 0) == wanted &&
	       json_integer_at(status, "availableReplicas", 0) == wanted &&
	       json_integer_at(status, "observedGeneration", 0) >= generation;
}

/* --- conditions --- */

static const json_t *condition_of(const json_t *status, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

/* Keeps the times of one that says the same as before. */
static json_t *condition_new(const json_t *old, const char *type, const char *status,
	const char *reason, const char *message, int64_t now)
{
	const char *old_status = json_string_at(old, "status", "");
	char when[CLOCK_RFC3339_LEN];

	if (strcmp(old_status, status) == 0 &&
		strcmp(json_string_at(old, "reason", ""), reason) == 0)
		return json_incref((json_t *)old);
	clock_rfc3339((uint64_t)now * USEC_PER_SEC, when);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "type", type, "status", status,
		"lastUpdateTime", when, "lastTransitionTime",
		strcmp(old_status, status) == 0 ? json_string_at(old, "lastTransitionTime", when)
						: when,
		"reason", reason, "message", message);
}

static json_t *condition_available(const struct generations *generations, const json_t *old_status,
	const json_t *status, int64_t now)
{
	const struct rollout *rollout = &generations->rollout;
	bool good = json_integer_at(status, "availableReplicas", 0) >=
		    rollout->replicas - rollout->unavailable;

	return condition_new(condition_of(old_status, "Available"), "Available",
		good ? "True" : "False",
		good ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
		good ? "Deployment has minimum availability."
		     : "Deployment does not have minimum availability.",
		now);
}

/* Something of it has moved since: that counts as progress. */
static bool status_moved(const json_t *old, const json_t *status)
{
	static const char *const keys[] = {
		"updatedReplicas", "readyReplicas", "availableReplicas", "replicas", NULL};

	for (const char *const *key = keys; *key; key++)
		if (json_integer_at(old, *key, 0) != json_integer_at(status, *key, 0))
			return true;
	return false;
}

static bool progress_is_late(const json_t *deployment, const json_t *old, int64_t now)
{
	long long deadline = json_integer_at(
		json_object_get(deployment, "spec"), "progressDeadlineSeconds", 600);
	int64_t since = age_parse(json_string_at(old, "lastUpdateTime", ""));

	return since && since + deadline < now;
}

static json_t *condition_progressing(const json_t *deployment,
	const struct generations *generations, const json_t *old_status, const json_t *status,
	int64_t now)
{
	const json_t *old = condition_of(old_status, "Progressing");
	const char *name = generations->current ? meta_text(generations->current, "name") : "";
	bool was_complete =
		strcmp(json_string_at(old, "reason", ""), "NewReplicaSetAvailable") == 0;
	char message[SET_NAME + 64];

	if (json_is_true(json_object_get(json_object_get(deployment, "spec"), "paused")))
		return condition_new(old, "Progressing", "Unknown", "DeploymentPaused",
			"Deployment is paused", now);
	if (strcmp(json_string_at(old, "reason", ""), "DeploymentPaused") == 0)
		return condition_new(old, "Progressing", "Unknown", "DeploymentResumed",
			"Deployment is resumed", now);
	if (generations->made[0]) {
		snprintf(message, sizeof(message), "Created new replica set \"%s\"",
			generations->made);
		return condition_new(
			old, "Progressing", "True", "NewReplicaSetCreated", message, now);
	}
	if (deployment_is_complete(deployment, status)) {
		snprintf(message, sizeof(message), "ReplicaSet \"%s\" has successfully progressed.",
			name);
		return condition_new(
			old, "Progressing", "True", "NewReplicaSetAvailable", message, now);
	}
	if (old && !was_complete && !status_moved(old_status, status)) {
		if (!progress_is_late(deployment, old, now))
			return json_incref((json_t *)old);
		snprintf(message, sizeof(message), "ReplicaSet \"%s\" has timed out progressing.",
			name);
		return condition_new(
			old, "Progressing", "False", "ProgressDeadlineExceeded", message, now);
	}
	if (was_complete && generations->rollout.old_count == 0)
		return json_incref((json_t *)old);
	snprintf(message, sizeof(message), "ReplicaSet \"%s\" is progressing.", name);
	return condition_new(old, "Progressing", "True", "ReplicaSetUpdated", message, now);
}

json_t *deployment_status(
	const json_t *deployment, const struct generations *generations, int64_t now)
{
	const json_t *old = json_object_get(deployment, "status");
	const json_t *current = json_object_get(generations->current, "status");
	long long available = sum(generations, "status", "availableReplicas");
	long long missing = sum(generations, "spec", "replicas") - available;
	json_t *status = json_object();

	count_set(status, "observedGeneration",
		json_integer_at(json_object_get(deployment, "metadata"), "generation", 0));
	count_set(status, "replicas", sum(generations, "status", "replicas"));
	count_set(status, "updatedReplicas", json_integer_at(current, "replicas", 0));
	count_set(status, "readyReplicas", sum(generations, "status", "readyReplicas"));
	count_set(status, "availableReplicas", available);
	count_set(status, "unavailableReplicas", missing > 0 ? missing : 0);
	count_set(status, "collisionCount", json_integer_at(old, "collisionCount", 0));
	json_object_set_new(status, "conditions",
		json_pack("[o, o]", condition_available(generations, old, status, now),
			condition_progressing(deployment, generations, old, status, now)));
	return status;
}
