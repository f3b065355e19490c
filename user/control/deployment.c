// SPDX-License-Identifier: Apache-2.0
#include "user/control/deployment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
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

/* What a Deployment says of itself is true of its sets, but for what is its own. */
static bool annotation_is_own(const char *key)
{
	static const char *const own[] = {"kubectl.kubernetes.io/last-applied-configuration",
		"deprecated.deployment.rollback.to", REVISION, HISTORY, DESIRED, MOST};

	for (size_t i = 0; i < COUNT(own); i++)
		if (strcmp(own[i], key) == 0)
			return true;
	return false;
}

/* Those of @deployment that @set (NULL: a new one) has not. */
static json_t *annotations_missing(const json_t *deployment, const json_t *set)
{
	json_t *from = json_object_get(json_object_get(deployment, "metadata"), "annotations");
	const json_t *have = json_object_get(json_object_get(set, "metadata"), "annotations");
	json_t *missing = json_object(), *value;
	const char *key;

	json_object_foreach (from, key, value)
		if (!annotation_is_own(key) && !json_equal(json_object_get(have, key), value))
			json_object_set(missing, key, value);
	return missing;
}

/* By these the next plan sees what the Deployment was when its sets were scaled. */
static void annotate_scale(const struct rollout *rollout, json_t *annotations)
{
	json_object_set_new(annotations, DESIRED, json_sprintf("%lld", rollout->replicas));
	json_object_set_new(annotations, MOST, json_sprintf("%lld", rollout_most(rollout)));
}

static json_t *annotations_new(
	const json_t *deployment, const struct rollout *rollout, long long revision)
{
	json_t *annotations = annotations_missing(deployment, NULL);

	annotate_scale(rollout, annotations);
	json_object_set_new(annotations, REVISION, json_sprintf("%lld", revision));
	return annotations;
}

static json_t *set_new(const json_t *deployment, const struct rollout *rollout, const char *hash,
	long long revision)
{
	const json_t *spec = json_object_get(deployment, "spec");
	json_t *template = template_with(json_object_get(spec, "template"), hash);
	long long ready = json_integer_at(spec, "minReadySeconds", 0);
	json_t *set = json_pack("{s:s, s:s, s:{s:o, s:s, s:O, s:o, s:o}, s:{s:I, s:o, s:o}}",
		"kind", "ReplicaSet", "apiVersion", "apps/v1", "metadata", "name",
		json_sprintf("%s-%s", meta_text(deployment, "name"), hash), "namespace",
		meta_text(deployment, "namespace"), "labels",
		json_object_get(json_object_get(template, "metadata"), "labels"), "annotations",
		annotations_new(deployment, rollout, revision), "ownerReferences",
		owned_references(deployment), "spec", "replicas",
		(json_int_t)rollout_first(rollout), "selector",
		selector_with(json_object_get(spec, "selector"), hash), "template", template);

	if (ready)
		json_object_set_new(
			json_object_get(set, "spec"), "minReadySeconds", json_integer(ready));
	return set;
}

static void scale_tell(const json_t *deployment, const char *set, long long before,
	long long wanted, struct requests *plan)
{
	requests_tell(plan, deployment, "ScalingReplicaSet", NULL,
		fs_format("Scaled %s replica set %s from %lld to %lld",
			wanted > before ? "up" : "down", set, before, wanted));
}

/* Another template has the name already: the next plan takes another one. */
static void set_collides(const json_t *deployment, long long collisions, struct requests *plan)
{
	requests_patch(plan, own_target(deployment, "status"), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:I}}", "status", "collisionCount", (json_int_t)collisions + 1));
}

static int set_create(const json_t *deployment, const json_t *sets, struct generations *generations,
	struct requests *plan)
{
	const json_t *spec = json_object_get(deployment, "spec");
	const struct rollout *rollout = &generations->rollout;
	long long collisions =
		json_integer_at(json_object_get(deployment, "status"), "collisionCount", 0);
	char hash[DEPLOYMENT_HASH_LEN], key[2 * SET_NAME];

	if (deployment_hash(json_object_get(spec, "template"), collisions, hash) < 0)
		return -ENOMEM;
	snprintf(generations->made, sizeof(generations->made), "%.200s-%s",
		meta_text(deployment, "name"), hash);
	snprintf(key, sizeof(key), "%.253s/%s", meta_text(deployment, "namespace"),
		generations->made);
	if (json_object_get(sets, key)) {
		set_collides(deployment, collisions, plan);
		return 1;
	}
	requests_create(plan, set_target(deployment, NULL),
		set_new(deployment, rollout, hash, latest_revision(generations, NULL) + 1));
	if (rollout_first(rollout))
		scale_tell(deployment, generations->made, 0, rollout_first(rollout), plan);
	return 0;
}

/* --- moving --- */

static void set_scale(const json_t *deployment, const json_t *set, const struct rollout *rollout,
	long long wanted, struct requests *plan)
{
	long long before = json_integer_at(json_object_get(set, "spec"), "replicas", 1);
	bool known = annotation_number(set, DESIRED) == rollout->replicas &&
		     annotation_number(set, MOST) == rollout_most(rollout);
	json_t *annotations;

	if (before == wanted && (known || !wanted))
		return;
	annotations = json_object();
	annotate_scale(rollout, annotations);
	requests_patch(plan, set_target(deployment, meta_text(set, "name")), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:o}, s:{s:I}}", "metadata", "annotations", annotations, "spec",
			"replicas", (json_int_t)wanted));
	if (before != wanted)
		scale_tell(deployment, meta_text(set, "name"), before, wanted, plan);
}

static void sets_scale(const json_t *deployment, struct generations *generations, bool paused,
	struct requests *plan)
{
	struct rollout *rollout = &generations->rollout;
	bool scaled = rollout_is_scaled(rollout);

	if (paused || scaled)
		rollout_scale(rollout);
	else
		rollout_step(rollout);
	if (generations->current)
		set_scale(deployment, generations->current, rollout, generations->numbers.wanted,
			plan);
	for (size_t i = 0; i < rollout->old_count; i++)
		set_scale(deployment, generations->old[i], rollout,
			generations->old_numbers[i].wanted, plan);
}

/* What a set was before, it was: "1,3". */
static json_t *history_with(const json_t *set, long long revision)
{
	const json_t *annotations =
		json_object_get(json_object_get(set, "metadata"), "annotations");
	const char *before = json_string_at(annotations, HISTORY, "");

	return json_sprintf("%s%s%lld", before, before[0] ? "," : "", revision);
}

/* The present set says what its Deployment says; a template that comes back gets the newest number. */
static long long current_keep(
	const json_t *deployment, const struct generations *generations, struct requests *plan)
{
	const json_t *current = generations->current;
	long long others = latest_revision(generations, current);
	long long revision = generation_revision(current);
	long long ready =
		json_integer_at(json_object_get(deployment, "spec"), "minReadySeconds", 0);
	json_t *annotations = annotations_missing(deployment, current);

	if (revision <= others) {
		if (revision)
			json_object_set_new(annotations, HISTORY, history_with(current, revision));
		revision = others + 1;
		json_object_set_new(annotations, REVISION, json_sprintf("%lld", revision));
	}
	if (json_object_size(annotations) ||
		json_integer_at(json_object_get(current, "spec"), "minReadySeconds", 0) != ready)
		requests_patch(plan, set_target(deployment, meta_text(current, "name")),
			CLIENT_MERGE_PATCH,
			json_pack("{s:{s:O}, s:{s:I}}", "metadata", "annotations", annotations,
				"spec", "minReadySeconds", (json_int_t)ready));
	json_decref(annotations);
	return revision;
}

static void revisions_keep(
	const json_t *deployment, const struct generations *generations, struct requests *plan)
{
	long long revision = current_keep(deployment, generations, plan);

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

static char *set_patched(const json_t *set)
{
	return set_target(set, meta_text(set, "name"));
}

int deployment_plan(const json_t *deployment, const json_t *sets, const json_t *pods, int64_t now,
	struct requests *plan)
{
	AUTO_CLEANUP(generations_clear) struct generations generations = {0};
	bool paused = json_is_true(json_object_get(json_object_get(deployment, "spec"), "paused"));
	json_t *status;
	int r = 0;

	if (owned_claim(sets, deployment, set_patched, plan) < 0 ||
		generations_read(deployment, sets, pods, &generations) < 0)
		return -ENOMEM;
	if (meta_is_deleting(deployment) || plan->count) /* what changes hands is seen first */
		return plan->no_memory ? -ENOMEM : 0;
	if (!generations.current && !paused && !rollout_waits(&generations.rollout))
		r = set_create(deployment, sets, &generations, plan);
	if (r != 0)
		return r < 0 || plan->no_memory ? -ENOMEM : 0;
	if (generations.current)
		revisions_keep(deployment, &generations, plan);
	sets_scale(deployment, &generations, paused, plan);
	status = deployment_status(deployment, &generations, now);
	if (!status)
		return -ENOMEM;
	if (!paused)
		deadline_watch(deployment, status, plan);
	if (deployment_is_complete(deployment, status))
		history_trim(deployment, &generations, plan);
	status_keep(deployment, status, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
