// SPDX-License-Identifier: Apache-2.0
#include "user/api/eviction.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/body.h"
#include "user/api/delete.h"
#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/model/selector.h"
#include "user/store/store.h"

#define RETRY_SECONDS 10 /* while a budget's controller has not seen its change */

/* The budget that has a say, and where it is stored. */
struct budget {
	json_t *object; /* owned; NULL: none */
	const struct store_entry *entry;
};

static void cleanup_budget(struct budget *budget)
{
	json_decref(budget->object);
}

/* --- which one --- */

static bool pod_has_condition(const json_t *pod, const char *type)
{
	const json_t *conditions = json_object_get(json_object_get(pod, "status"), "conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	return false;
}

/* Nobody misses a Pod that does not run, or goes anyway. */
static bool pod_is_missed(const json_t *pod)
{
	static const char *const idle[] = {"Pending", "Succeeded", "Failed"};
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");

	for (size_t i = 0; i < COUNT(idle); i++)
		if (strcmp(phase, idle[i]) == 0)
			return false;
	return !json_object_get(json_object_get(pod, "metadata"), "deletionTimestamp");
}

/* 1: it has a say in what becomes of @pod; 0: it has none; -ENOMEM. */
static int budget_covers(const json_t *object, const json_t *pod)
{
	struct label_selector *selector = NULL;
	int r = label_selector_read(
		json_object_get(json_object_get(object, "spec"), "selector"), &selector, NULL);

	if (r == 0)
		r = label_selector_matches(
			selector, json_object_get(json_object_get(pod, "metadata"), "labels"));
	label_selector_free(selector);
	return r == -EINVAL ? 0 : r;
}

static int budget_find(const struct api_request *request, const json_t *pod, struct budget *ret,
	struct failure *failure)
{
	const struct kind *kind = kind_by_resource("policy", "v1", "poddisruptionbudgets");
	const struct store_entry *const *entries;
	char prefix[STORED_KEY_MAX];
	size_t count;

	stored_prefix(kind, request->namespace, prefix);
	entries = store_range(request->api->store, prefix, NULL, &count);
	for (size_t i = 0; i < count; i++) {
		AUTO_JSON object = NULL;
		int r = stored_decode(
			entries[i]->value, entries[i]->modified, kind, kind->versions[0], &object);

		if (r == 0)
			r = budget_covers(object, pod);
		if (r < 0)
			return failure_internal(
				failure, "read '%s': %s", entries[i]->key, strerror(-r));
		if (r == 0)
			continue;
		if (ret->object)
			return failure_internal(failure,
				"This pod has more than one PodDisruptionBudget, which the "
				"eviction subresource does not support.");
		*ret = (struct budget){take_ptr(object), entries[i]};
	}
	return 0;
}

/* --- what it allows --- */

/* Why the budget allows nothing, as its status says. */
static json_t *budget_cause(const json_t *status, const char *name)
{
	json_t *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "DisruptionAllowed") == 0 &&
			strcmp(json_string_at(condition, "reason", ""), "SyncFailed") == 0)
			return json_sprintf("The disruption budget %s does not allow evicting "
					    "pods currently because it failed sync: %s",
				name, json_string_at(condition, "message", ""));
	return json_sprintf(
		"The disruption budget %s needs %lld healthy pods and has %lld currently", name,
		json_integer_at(status, "desiredHealthy", 0),
		json_integer_at(status, "currentHealthy", 0));
}

/* Takes @cause.  @seconds: when to come again; 0: nobody knows. */
static int budget_refuse(json_t *cause, int seconds, struct failure *failure)
{
	failure_set(failure, 429, "TooManyRequests",
		"Cannot evict pod as it would violate the pod's disruption budget.");
	failure->details = json_pack(
		"{s:[{s:s, s:o}]}", "causes", "reason", "DisruptionBudget", "message", cause);
	if (seconds)
		json_object_set_new(failure->details, "retryAfterSeconds", json_integer(seconds));
	return -1;
}

/* A Pod that is not ready may go when enough others are, or in any case, as the budget says. */
static bool budget_lets_unready(const json_t *object, const json_t *pod)
{
	const json_t *status = json_object_get(object, "status");
	const char *policy = json_string_at(
		json_object_get(object, "spec"), "unhealthyPodEvictionPolicy", "IfHealthyBudget");
	long long desired = json_integer_at(status, "desiredHealthy", 0);

	if (pod_has_condition(pod, "Ready"))
		return false;
	return strcmp(policy, "AlwaysAllow") == 0 ||
	       (desired > 0 && json_integer_at(status, "currentHealthy", 0) >= desired);
}

static int budget_check(const json_t *object, struct failure *failure)
{
	const json_t *meta = json_object_get(object, "metadata");
	const json_t *status = json_object_get(object, "status");
	const char *name = json_string_at(meta, "name", "");

	if (json_integer_at(status, "observedGeneration", 0) <
		json_integer_at(meta, "generation", 0))
		return budget_refuse(json_sprintf("The disruption budget %s is still being "
						  "processed by the server.",
					     name),
			RETRY_SECONDS, failure);
	if (json_object_size(json_object_get(status, "disruptedPods")) > EVICTIONS_UNSEEN_MOST)
		return failure_set(failure, 403, "Forbidden",
			"poddisruptionbudgets.policy \"%s\" is forbidden: DisruptedPods map too "
			"big - too many evictions not confirmed by PDB controller",
			name);
	if (json_integer_at(status, "disruptionsAllowed", 0) <= 0)
		return budget_refuse(budget_cause(status, name), 0, failure);
	return 0;
}

static void budget_is_spent(json_t *status, const char *now)
{
	json_t *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition) {
		if (strcmp(json_string_at(condition, "type", ""), "DisruptionAllowed") != 0)
			continue;
		json_object_set_new(condition, "status", json_string("False"));
		json_object_set_new(condition, "reason", json_string("InsufficientPods"));
		json_object_set_new(condition, "lastTransitionTime", json_string(now));
	}
}

/* One disruption less is allowed until the controller has seen the Pod go. */
static int budget_take(json_t *object, const char *pod)
{
	json_t *status = json_object_get(object, "status");
	json_t *disrupted = json_object_get(status, "disruptedPods");
	long long allowed = json_integer_at(status, "disruptionsAllowed", 0);
	char now[CLOCK_RFC3339_LEN];

	if (!disrupted) {
		disrupted = json_object();
		if (json_object_set_new(status, "disruptedPods", disrupted) < 0)
			return -ENOMEM;
	}
	clock_rfc3339(clock_wall(), now);
	if (allowed == 1)
		budget_is_spent(status, now);
	return json_object_set_new(disrupted, pod, json_string(now)) < 0 ||
			       json_object_set_new(
				       status, "disruptionsAllowed", json_integer(allowed - 1)) < 0
		       ? -ENOMEM
		       : 0;
}

static int budget_put(struct write *write, const struct budget *budget, struct failure *failure)
{
	struct blob *blob = NULL;
	int r = budget_take(budget->object, write->request.name);

	if (r == 0)
		r = stored_encode(budget->object, &blob);
	if (r == 0)
		r = claims_put(&write->claims, budget->entry->key, budget->entry->modified, blob);
	blob_unref(blob);
	return r < 0 ? failure_internal(failure, "out of memory") : 0;
}

static int eviction_ask(struct write *write, const json_t *pod, struct failure *failure)
{
	AUTO_CLEANUP(cleanup_budget) struct budget budget = {0};

	if (!pod_is_missed(pod))
		return 0;
	if (budget_find(&write->request, pod, &budget, failure) < 0)
		return -1;
	if (!budget.object || budget_lets_unready(budget.object, pod))
		return 0;
	return budget_check(budget.object, failure) < 0 ? -1 : budget_put(write, &budget, failure);
}

/* --- the Pod --- */

/* Why it goes, for who reads its last state. */
static int pod_mark(json_t *pod)
{
	json_t *status = json_object_get(pod, "status");
	json_t *conditions = json_object_get(status, "conditions");
	char now[CLOCK_RFC3339_LEN];

	if (!conditions || pod_has_condition(pod, "DisruptionTarget"))
		return 0;
	clock_rfc3339(clock_wall(), now);
	return json_array_append_new(
		conditions, json_pack("{s:s, s:s, s:s, s:s, s:s}", "type", "DisruptionTarget",
				    "status", "True", "reason", "EvictionByEvictionAPI", "message",
				    "Eviction API: evicting", "lastTransitionTime", now));
}

static int eviction_step(struct write *write, json_t *old, struct failure *failure)
{
	if (old && eviction_ask(write, old, failure) < 0)
		return -1;
	if (deletion_step(write, old, failure) < 0)
		return -1;
	return pod_mark(write->object) < 0 ? failure_internal(failure, "out of memory") : 0;
}

static bool eviction_retries(struct write *write)
{
	const struct deletion *deletion = write->data;

	return !deletion->revision[0];
}

static void eviction_release(struct write *write)
{
	free(write->data);
}

static const struct write_steps eviction_steps = {
	.step = eviction_step,
	.retries = eviction_retries,
	.answer = write_answer_success,
	.release = eviction_release,
};

static int eviction_read(
	const struct api_request *request, struct deletion *deletion, struct failure *failure)
{
	AUTO_JSON eviction = NULL;

	if (body_object(request, &eviction, failure) < 0)
		return -1;
	if (strcmp(json_string_at(json_object_get(eviction, "metadata"), "name", ""),
		    request->name) != 0)
		return failure_set(failure, 400, "BadRequest",
			"name in URL does not match name in Eviction object");
	if (meta_check_path(request, eviction, failure) < 0)
		return -1;
	return deletion_read_options(
		request, json_object_get(eviction, "deleteOptions"), deletion, failure);
}

int eviction_create(const struct api_request *request, struct failure *failure)
{
	struct deletion *deletion = calloc(1, sizeof(*deletion));
	struct api_request one = *request;

	if (!deletion)
		return failure_internal(failure, "out of memory");
	if (eviction_read(request, deletion, failure) < 0) {
		free(deletion);
		return -1;
	}
	one.dry_run |= deletion->dry_run;
	write_begin(&one, &eviction_steps, deletion, 201);
	return 0;
}
