// SPDX-License-Identifier: Apache-2.0
#include "user/control/owned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/client/client.h"
#include "user/control/requests.h"
#include "user/model/age.h"
#include "user/model/selector.h"

const char *meta_text(const json_t *object, const char *key)
{
	return json_string_at(json_object_get(object, "metadata"), key, "");
}

bool meta_is_deleting(const json_t *object)
{
	return meta_text(object, "deletionTimestamp")[0] != '\0';
}

bool meta_has_labels(const json_t *object, const json_t *labels)
{
	const json_t *have = json_object_get(json_object_get(object, "metadata"), "labels");
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value)
		if (!json_equal(json_object_get(have, key), value))
			return false;
	return true;
}

const json_t *owned_controller(const json_t *object)
{
	const json_t *references =
		json_object_get(json_object_get(object, "metadata"), "ownerReferences");
	const json_t *reference;
	size_t i;

	json_array_foreach (references, i, reference)
		if (json_is_true(json_object_get(reference, "controller")))
			return reference;
	return NULL;
}

const char *owned_controller_uid(const json_t *object)
{
	return json_string_at(owned_controller(object), "uid", "");
}

int owned_find(const json_t *objects, const json_t *owner, struct owned *ret)
{
	const char *uid = meta_text(owner, "uid"), *namespace = meta_text(owner, "namespace");
	const char *key;
	json_t *object;

	ret->count = 0;
	ret->list = calloc(json_object_size(objects) + 1, sizeof(ret->list[0]));
	if (!ret->list)
		return -ENOMEM;
	json_object_foreach ((json_t *)objects, key, object)
		if (strcmp(owned_controller_uid(object), uid) == 0 &&
			strcmp(meta_text(object, "namespace"), namespace) == 0)
			ret->list[ret->count++] = object;
	return 0;
}

void owned_clear(struct owned *owned)
{
	free(owned->list);
	*owned = (struct owned){0};
}

json_t *owned_references(const json_t *owner)
{
	return json_pack("[{s:s, s:s, s:s, s:s, s:b, s:b}]", "apiVersion",
		json_string_at(owner, "apiVersion", ""), "kind", json_string_at(owner, "kind", ""),
		"name", meta_text(owner, "name"), "uid", meta_text(owner, "uid"), "controller", 1,
		"blockOwnerDeletion", 1);
}

static const char *pod_phase(const json_t *pod)
{
	return json_string_at(json_object_get(pod, "status"), "phase", "");
}

bool pod_is_active(const json_t *pod)
{
	const char *phase = pod_phase(pod);

	return !meta_is_deleting(pod) && strcmp(phase, "Succeeded") != 0 &&
	       strcmp(phase, "Failed") != 0;
}

/* --- changing hands --- */

static void references_patch(const json_t *object, json_t *references,
	char *(*target)(const json_t *object), struct requests *plan)
{
	requests_patch(plan, target(object), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", meta_text(object, "uid"),
			"resourceVersion", meta_text(object, "resourceVersion"), "ownerReferences",
			references));
}

static json_t *references_of(const json_t *object)
{
	return json_object_get(json_object_get(object, "metadata"), "ownerReferences");
}

static void adopt(const json_t *object, const json_t *owner, char *(*target)(const json_t *object),
	struct requests *plan)
{
	json_t *references = owned_references(owner);

	json_array_extend(references, references_of(object));
	references_patch(object, references, target, plan);
}

static void let_go(const json_t *object, const json_t *owner, char *(*target)(const json_t *object),
	struct requests *plan)
{
	json_t *references = json_array(), *reference;
	size_t i;

	json_array_foreach (references_of(object), i, reference)
		if (strcmp(json_string_at(reference, "uid", ""), meta_text(owner, "uid")) != 0)
			json_array_append(references, reference);
	references_patch(object, references, target, plan);
}

static void claim_one(const json_t *object, const json_t *owner,
	const struct label_selector *selector, char *(*target)(const json_t *object),
	struct requests *plan)
{
	const json_t *labels = json_object_get(json_object_get(object, "metadata"), "labels");
	const char *controller = owned_controller_uid(object);
	bool ours = strcmp(controller, meta_text(owner, "uid")) == 0;

	/* Only Pods have a phase: others are active as long as nobody deletes them. */
	if ((controller[0] && !ours) || !pod_is_active(object) ||
		strcmp(meta_text(object, "namespace"), meta_text(owner, "namespace")) != 0)
		return;
	if (ours && !label_selector_matches(selector, labels))
		let_go(object, owner, target, plan);
	else if (!ours && label_selector_matches(selector, labels))
		adopt(object, owner, target, plan);
}

static void cleanup_selector(struct label_selector **selector)
{
	label_selector_free(*selector);
}

int owned_claim(const json_t *objects, const json_t *owner, char *(*target)(const json_t *object),
	struct requests *plan)
{
	AUTO_CLEANUP(cleanup_selector) struct label_selector *selector = NULL;
	const char *key;
	json_t *object;
	int r;

	if (meta_is_deleting(owner))
		return 0;
	r = label_selector_read(
		json_object_get(json_object_get(owner, "spec"), "selector"), &selector, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* what cannot be read chooses nothing */
	json_object_foreach ((json_t *)objects, key, object)
		claim_one(object, owner, selector, target, plan);
	return 0;
}

bool pod_is_ready_since(const json_t *pod, int64_t *ret_since)
{
	const json_t *conditions = json_object_get(json_object_get(pod, "status"), "conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition) {
		if (strcmp(json_string_at(condition, "type", ""), "Ready") != 0)
			continue;
		if (ret_since)
			*ret_since = age_parse(json_string_at(condition, "lastTransitionTime", ""));
		return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	}
	return false;
}

bool pod_is_available(const json_t *pod, int64_t least, int64_t now)
{
	int64_t since = 0;

	if (!pod_is_ready_since(pod, &since))
		return false;
	return least == 0 || (since && since + least <= now);
}
