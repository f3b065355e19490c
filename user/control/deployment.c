// SPDX-License-Identifier: Apache-2.0
#include "user/control/deployment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/client/client.h"
#include "user/control/generations.h"
#include "user/control/requests.h"

static char *set_target(const json_t *deployment, const char *name)
{
	return request_target(
		"apps", "v1", meta_text(deployment, "namespace"), "replicasets", name, NULL);
}

static char *own_target(const json_t *deployment, const char *sub)
{
	return request_target("apps", "v1", meta_text(deployment, "namespace"), "deployments",
		meta_text(deployment, "name"), sub);
}

/* --- the name of a template --- */

int deployment_hash(const json_t *template, long long collisions, char ret[DEPLOYMENT_HASH_LEN])
{
	/* Letters and digits that make no words. */
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	AUTO_FREE char *text = json_dumps(template, JSON_SORT_KEYS | JSON_COMPACT);
	char number[24];
	uint32_t hash = 2166136261u; /* FNV-1a */
	size_t i;

	if (!text)
		return -ENOMEM;
	for (const char *at = text; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	for (int shift = 0; collisions && shift < 32; shift += 8)
		hash = (hash ^ (uint8_t)(collisions >> shift)) * 16777619u;
	snprintf(number, sizeof(number), "%u", hash);
	for (i = 0; number[i]; i++)
		ret[i] = letters[(unsigned char)number[i] % (sizeof(letters) - 1)];
	ret[i] = '\0';
	return 0;
}

/* --- a new generation --- */

static long long latest_revision(const struct generations *generations, const json_t *but)
{
	long long latest = 0;

	for (size_t i = 0; i < generations->sets.count; i++) {
		long long revision = generation_revision(generations->sets.list[i]);

		if (generations->sets.list[i] != but && revision > latest)
			latest = revision;
	}
	return latest;
}

/* A copy of labels[...] with the hash added. */
static json_t *labels_with(const json_t *labels, const char *hash)
{
	json_t *copy = labels ? json_copy((json_t *)labels) : json_object();

	json_object_set_new(copy, DEPLOYMENT_HASH, json_string(hash));
	return copy;
}

static json_t *template_with(const json_t *template, const char *hash)
{
	json_t *copy = json_deep_copy(template);
	json_t *meta = json_object_get(copy, "metadata");

	json_object_set_new(meta, "labels", labels_with(json_object_get(meta, "labels"), hash));
	return copy;
}

static json_t *selector_with(const json_t *selector, const char *hash)
{
	json_t *copy = json_deep_copy(selector);

	json_object_set_new(
		copy, "matchLabels", labels_with(json_object_get(copy, "matchLabels"), hash));
	return copy;
}

/* kubectl's own note of what was applied stays with the Deployment. */
static json_t *annotations_for(const json_t *deployment, long long revision)
{
	static const char last_applied[] = "kubectl.kubernetes.io/last-applied-configuration";
	const json_t *old = json_object_get(json_object_get(deployment, "metadata"), "annotations");
	json_t *copy = old ? json_copy((json_t *)old) : json_object();

	json_object_del(copy, last_applied);
	json_object_set_new(copy, REVISION, json_sprintf("%lld", revision));
	json_object_set_new(copy, "deployment.kubernetes.io/desired-replicas",
		json_sprintf("%lld",
			json_integer_at(json_object_get(deployment, "spec"), "replicas", 1)));
	return copy;
}

static json_t *set_new(
	const json_t *deployment, const char *hash, long long revision, long long replicas)
{
	const json_t *spec = json_object_get(deployment, "spec");
	json_t *template = template_with(json_object_get(spec, "template"), hash);
	long long ready = json_integer_at(spec, "minReadySeconds", 0);
	json_t *set = json_pack("{s:s, s:s, s:{s:o, s:s, s:O, s:o, s:o}, s:{s:I, s:o, s:o}}",
		"kind", "ReplicaSet", "apiVersion", "apps/v1", "metadata", "name",
		json_sprintf("%s-%s", meta_text(deployment, "name"), hash), "namespace",
		meta_text(deployment, "namespace"), "labels",
		json_object_get(json_object_get(template, "metadata"), "labels"), "annotations",
		annotations_for(deployment, revision), "ownerReferences",
		owned_references(deployment), "spec", "replicas", (json_int_t)replicas, "selector",
		selector_with(json_object_get(spec, "selector"), hash), "template", template);

	if (ready)
		json_object_set_new(
			json_object_get(set, "spec"), "minReadySeconds", json_integer(ready));
	return set;
}

static int set_create(
	const json_t *deployment, const struct generations *generations, struct requests *plan)
{
	const json_t *spec = json_object_get(deployment, "spec");
	long long collisions =
		json_integer_at(json_object_get(deployment, "status"), "collisionCount", 0);
	char hash[DEPLOYMENT_HASH_LEN];

	if (deployment_hash(json_object_get(spec, "template"), collisions, hash) < 0)
		return -ENOMEM;
	requests_create(plan, set_target(deployment, NULL),
		set_new(deployment, hash, latest_revision(generations, NULL) + 1,
			rollout_first(&generations->rollout)));
	return 0;
}

/* --- moving --- */

static void set_scale(
	const json_t *deployment, const json_t *set, long long wanted, struct requests *plan)
{
	if (json_integer_at(json_object_get(set, "spec"), "replicas", 1) == wanted)
		return;
	requests_patch(plan, set_target(deployment, meta_text(set, "name")), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:I}}", "spec", "replicas", (json_int_t)wanted));
}

static void sets_scale(
	const json_t *deployment, struct generations *generations, struct requests *plan)
{
	if (!rollout_step(&generations->rollout))
		return;
	if (generations->current)
		set_scale(deployment, generations->current, generations->numbers.wanted, plan);
	for (size_t i = 0; i < generations->rollout.old_count; i++)
		set_scale(
			deployment, generations->old[i], generations->old_numbers[i].wanted, plan);
}

/* A template that comes back gets the newest number; the Deployment shows that of its present one. */
static void revisions_keep(
	const json_t *deployment, const struct generations *generations, struct requests *plan)
{
	const json_t *current = generations->current;
	long long others = latest_revision(generations, current);
	long long revision = generation_revision(current);

	if (revision <= others) {
		revision = others + 1;
		requests_patch(plan, set_target(deployment, meta_text(current, "name")),
			CLIENT_MERGE_PATCH,
			json_pack("{s:{s:{s:o}}}", "metadata", "annotations", REVISION,
				json_sprintf("%lld", revision)));
	}
	if (generation_revision(deployment) != revision)
		requests_patch(plan, own_target(deployment, NULL), CLIENT_MERGE_PATCH,
			json_pack("{s:{s:{s:o}}}", "metadata", "annotations", REVISION,
				json_sprintf("%lld", revision)));
}

/* Of the generations without Pods only the last few are kept, to go back to. */
static void history_trim(
	const json_t *deployment, const struct generations *generations, struct requests *plan)
{
	long long limit =
		json_integer_at(json_object_get(deployment, "spec"), "revisionHistoryLimit", 10);
	long long more = (long long)generations->rollout.old_count - limit;

	for (size_t i = 0; i < generations->rollout.old_count && more > 0; i++) {
		const struct rollout_set *numbers = &generations->old_numbers[i];
		const json_t *set = generations->old[i];

		if (numbers->wanted || numbers->running || meta_is_deleting(set))
			continue;
		requests_delete(plan, set_target(deployment, meta_text(set, "name")),
			meta_text(set, "uid"));
		more--;
	}
}

static void status_keep(const json_t *deployment, json_t *status, struct requests *plan)
{
	const json_t *old = json_object_get(deployment, "status");
	const char *key;
	json_t *value;

	if (old && status && json_equal(old, status)) {
		json_decref(status);
		return;
	}
	json_object_foreach ((json_t *)old, key, value) /* a merge patch forgets by null */
		if (!json_object_get(status, key))
			json_object_set_new(status, key, json_null());
	requests_patch(plan, own_target(deployment, "status"), CLIENT_MERGE_PATCH,
		json_pack("{s:o}", "status", status));
}

/* Without progress nothing happens by itself: look when the deadline is over. */
static void deadline_watch(const json_t *deployment, const json_t *status, struct requests *plan)
{
	long long deadline = json_integer_at(
		json_object_get(deployment, "spec"), "progressDeadlineSeconds", 600);
	uint64_t at = clock_now() + ((uint64_t)deadline + 1) * USEC_PER_SEC;

	if (!deployment_is_complete(deployment, status) && at < plan->again)
		plan->again = at;
}

int deployment_plan(const json_t *deployment, const json_t *sets, const json_t *pods, int64_t now,
	struct requests *plan)
{
	AUTO_CLEANUP(generations_clear) struct generations generations;
	bool paused = json_is_true(json_object_get(json_object_get(deployment, "spec"), "paused"));
	json_t *status;

	if (generations_read(deployment, sets, pods, &generations) < 0)
		return -ENOMEM;
	if (meta_is_deleting(deployment))
		return 0;
	if (!generations.current && !paused && set_create(deployment, &generations, plan) < 0)
		return -ENOMEM;
	if (generations.current)
		revisions_keep(deployment, &generations, plan);
	if (!paused)
		sets_scale(deployment, &generations, plan);
	status = deployment_status(deployment, &generations, now);
	if (!status)
		return -ENOMEM;
	deadline_watch(deployment, status, plan);
	if (deployment_is_complete(deployment, status))
		history_trim(deployment, &generations, plan);
	status_keep(deployment, status, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
