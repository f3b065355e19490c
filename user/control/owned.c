// SPDX-License-Identifier: Apache-2.0
#include "user/control/owned.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/model/age.h"

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
