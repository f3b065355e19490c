// SPDX-License-Identifier: Apache-2.0
#include "user/control/garbage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/model/kinds.h"

/* --- keys --- */

void garbage_key(enum followed kind, const json_t *object, char ret[GARBAGE_KEY_MAX])
{
	snprintf(ret, GARBAGE_KEY_MAX, "%d:%.253s/%.253s", kind, meta_text(object, "namespace"),
		meta_text(object, "name"));
}

static enum followed key_kind(const char *key)
{
	unsigned long kind = strtoul(key, NULL, 10);

	return kind < FOLLOWED_COUNT ? (enum followed)kind : FOLLOWED_COUNT;
}

const json_t *garbage_object(const struct garbage_view *view, const char *key)
{
	enum followed kind = key_kind(key);
	const char *colon = strchr(key, ':');

	return kind < FOLLOWED_COUNT && colon ? json_object_get(view->objects[kind], colon + 1)
					      : NULL;
}

static bool is_namespaced(const struct followed_kind *row)
{
	const struct kind *kind = kind_by_resource(row->group, row->version, row->plural);

	return kind && kind->namespaced;
}

/* In the same namespace, or in none. */
bool garbage_owner(const json_t *reference, const json_t *object, char ret[GARBAGE_KEY_MAX])
{
	enum followed kind = followed_find(
		json_string_at(reference, "apiVersion", ""), json_string_at(reference, "kind", ""));
	const char *namespace = meta_text(object, "namespace");
	bool namespaced;

	if (kind == FOLLOWED_COUNT)
		return false;
	namespaced = is_namespaced(&followed_kinds[kind]);
	if (namespaced && !namespace[0])
		return false;
	snprintf(ret, GARBAGE_KEY_MAX, "%d:%.253s/%.253s", kind, namespaced ? namespace : "",
		json_string_at(reference, "name", ""));
	return true;
}

/* --- who belongs to whom --- */

static const json_t *references_of(const json_t *object)
{
	return json_object_get(json_object_get(object, "metadata"), "ownerReferences");
}

static const json_t *reference_to(const json_t *object, const char *uid)
{
	const json_t *reference;
	size_t i;

	json_array_foreach (references_of(object), i, reference)
		if (strcmp(json_string_at(reference, "uid", ""), uid) == 0)
			return reference;
	return NULL;
}

static int dependent_add(json_t *dependents, const char *uid, const char *key)
{
	json_t *keys = json_object_get(dependents, uid);

	if (!keys) {
		keys = json_object();
		if (json_object_set_new(dependents, uid, keys) < 0)
			return -ENOMEM;
	}
	return json_object_set_new(keys, key, json_true()) < 0 ? -ENOMEM : 0;
}

static void dependent_remove(json_t *dependents, const char *uid, const char *key)
{
	json_t *keys = json_object_get(dependents, uid);

	json_object_del(keys, key);
	if (keys && json_object_size(keys) == 0)
		json_object_del(dependents, uid);
}

int garbage_note(json_t *dependents, const char *key, const json_t *object, const json_t *now)
{
	const json_t *reference;
	size_t i;
	int r = 0;

	json_array_foreach (references_of(object), i, reference) {
		const char *uid = json_string_at(reference, "uid", "");

		if (!reference_to(now, uid))
			dependent_remove(dependents, uid, key);
		else if (r == 0)
			r = dependent_add(dependents, uid, key);
	}
	return r;
}

static bool has_finalizer(const json_t *object, const char *name)
{
	const json_t *finalizer;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(object, "metadata"), "finalizers"), i, finalizer)
		if (strcmp(json_string_value(finalizer), name) == 0)
			return true;
	return false;
}

bool garbage_is_owner_leaving(const json_t *object)
{
	return meta_is_deleting(object) &&
	       (has_finalizer(object, GARBAGE_FOREGROUND) || has_finalizer(object, GARBAGE_ORPHAN));
}

/* --- writing --- */

static char *target_of(const char *key, const json_t *object)
{
	const struct followed_kind *row = &followed_kinds[key_kind(key)];
	const char *namespace = meta_text(object, "namespace");

	return request_target(row->group, row->version, namespace[0] ? namespace : NULL,
		row->plural, meta_text(object, "name"), NULL);
}

/* Where the owner with @key would be. */
static char *owner_target(const char *key, const json_t *reference, const json_t *object)
{
	const struct followed_kind *row = &followed_kinds[key_kind(key)];

	return request_target(row->group, row->version,
		is_namespaced(row) ? meta_text(object, "namespace") : NULL, row->plural,
		json_string_at(reference, "name", ""), NULL);
}

/* Changes one list of the metadata; null when nothing is left in it.  Takes @list. */
static void list_patch(const char *key, const json_t *object, const char *name, json_t *list,
	struct requests *plan)
{
	if (json_array_size(list) == 0) {
		json_decref(list);
		list = json_null();
	}
	requests_patch(plan, target_of(key, object), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s, s:s, s:o}}", "metadata", "uid", meta_text(object, "uid"),
			"resourceVersion", meta_text(object, "resourceVersion"), name, list));
}

static void finalizer_remove(
	const char *key, const json_t *object, const char *name, struct requests *plan)
{
	json_t *kept = json_array(), *finalizer;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(object, "metadata"), "finalizers"), i, finalizer)
		if (strcmp(json_string_value(finalizer), name) != 0)
			json_array_append(kept, finalizer);
	list_patch(key, object, "finalizers", kept, plan);
}

/* --- an owner that leaves --- */

static const json_t *dependents_of(const struct garbage_view *view, const json_t *object)
{
	return json_object_get(view->dependents, meta_text(object, "uid"));
}

static void reference_remove(
	const char *key, const json_t *object, const char *uid, struct requests *plan)
{
	json_t *kept = json_array(), *reference;
	size_t i;

	json_array_foreach (references_of(object), i, reference)
		if (strcmp(json_string_at(reference, "uid", ""), uid) != 0)
			json_array_append(kept, reference);
	list_patch(key, object, "ownerReferences", kept, plan);
}

static void owner_orphans(const struct garbage_view *view, const char *key, const json_t *owner,
	struct requests *plan)
{
	const char *dependent;
	json_t *value;

	json_object_foreach ((json_t *)dependents_of(view, owner), dependent, value) {
		const json_t *object = garbage_object(view, dependent);

		if (reference_to(object, meta_text(owner, "uid")))
			reference_remove(dependent, object, meta_text(owner, "uid"), plan);
	}
	finalizer_remove(key, owner, GARBAGE_ORPHAN, plan);
}

static bool owner_is_blocked(const struct garbage_view *view, const json_t *owner)
{
	const char *dependent;
	json_t *value;

	json_object_foreach ((json_t *)dependents_of(view, owner), dependent, value) {
		const json_t *reference =
			reference_to(garbage_object(view, dependent), meta_text(owner, "uid"));

		if (json_is_true(json_object_get(reference, "blockOwnerDeletion")))
			return true;
	}
	return false;
}

/* --- what belongs to owners --- */

enum owner_state { OWNER_THERE, OWNER_WAITS, OWNER_GONE, OWNER_STATES };

static enum owner_state owner_state(const struct garbage_view *view, const json_t *reference,
	const json_t *object, char key[GARBAGE_KEY_MAX])
{
	const json_t *owner;

	if (!garbage_owner(reference, object, key))
		return OWNER_THERE; /* nobody here can tell */
	owner = garbage_object(view, key);
	if (!owner || strcmp(meta_text(owner, "uid"), json_string_at(reference, "uid", "")) != 0)
		return OWNER_GONE;
	return meta_is_deleting(owner) && has_finalizer(owner, GARBAGE_FOREGROUND) ? OWNER_WAITS
										   : OWNER_THERE;
}

static const char *policy_of(const struct garbage_view *view, const json_t *object, bool waited_for)
{
	if (waited_for && json_object_size(dependents_of(view, object)))
		return "Foreground";
	if (has_finalizer(object, GARBAGE_ORPHAN))
		return "Orphan";
	return has_finalizer(object, GARBAGE_FOREGROUND) ? "Foreground" : "Background";
}

/* One of those that it owns waits for others to go: a circle, or as good as one. */
static bool is_in_circle(const struct garbage_view *view, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)dependents_of(view, object), key, value) {
		const json_t *dependent = garbage_object(view, key);

		if (meta_is_deleting(dependent) && has_finalizer(dependent, GARBAGE_FOREGROUND))
			return true;
	}
	return false;
}

/* Its owners do not wait for it any more. */
static void owners_unblock(const char *key, const json_t *object, struct requests *plan)
{
	json_t *references = json_deep_copy(references_of(object)), *reference;
	size_t i;

	json_array_foreach (references, i, reference)
		json_object_set_new(reference, "blockOwnerDeletion", json_false());
	list_patch(key, object, "ownerReferences", references, plan);
}

/* The server, not the cache, says for certain that an owner is gone. */
static void dependent_plan(const struct garbage_view *view, const char *key, const json_t *object,
	struct requests *plan)
{
	size_t counts[OWNER_STATES] = {0}, i;
	json_t *kept = json_array(), *reference;
	char owner[GARBAGE_KEY_MAX];

	json_array_foreach (references_of(object), i, reference) {
		enum owner_state state = owner_state(view, reference, object, owner);

		counts[state]++;
		if (state == OWNER_THERE)
			json_array_append(kept, reference);
		else if (state == OWNER_GONE)
			requests_expect_gone(plan, owner_target(owner, reference, object),
				json_string_at(reference, "uid", ""));
	}
	if (counts[OWNER_THERE] && (counts[OWNER_WAITS] || counts[OWNER_GONE]))
		list_patch(key, object, "ownerReferences", json_incref(kept), plan);
	json_decref(kept);
	if (counts[OWNER_THERE])
		return;
	if (counts[OWNER_WAITS] && is_in_circle(view, object))
		owners_unblock(key, object, plan);
	requests_delete_as(plan, target_of(key, object), meta_text(object, "uid"),
		policy_of(view, object, counts[OWNER_WAITS]));
}

int garbage_plan(const struct garbage_view *view, const char *key, struct requests *plan)
{
	const json_t *object = garbage_object(view, key);

	if (!object)
		return 0;
	if (meta_is_deleting(object)) {
		if (has_finalizer(object, GARBAGE_ORPHAN))
			owner_orphans(view, key, object, plan);
		else if (has_finalizer(object, GARBAGE_FOREGROUND) &&
			 !owner_is_blocked(view, object))
			finalizer_remove(key, object, GARBAGE_FOREGROUND, plan);
	} else if (json_array_size(references_of(object))) {
		dependent_plan(view, key, object, plan);
	}
	return plan->no_memory ? -ENOMEM : 0;
}
