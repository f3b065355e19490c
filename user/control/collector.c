// SPDX-License-Identifier: Apache-2.0
/* The garbage collector among what is followed.  notes: who belongs to whom. */
#include <string.h>

#include "user/base/log.h"
#include "user/control/garbage.h"
#include "user/control/owned.h"
#include "user/control/state.h"

static void view_of(const struct controller *controller, struct garbage_view *ret)
{
	for (int i = 0; i < FOLLOWED_COUNT; i++)
		ret->objects[i] = control_objects(controller->control, (enum followed)i);
	ret->dependents = controller->notes;
}

static void look_at_dependents(struct controller *controller, const json_t *owner)
{
	const char *key;
	json_t *value;

	json_object_foreach (
		json_object_get(controller->notes, meta_text(owner, "uid")), key, value)
		controller_look(controller, key);
}

/* Owners that wait for @object. */
static void look_at_owners(
	struct controller *controller, const struct garbage_view *view, const json_t *object)
{
	const json_t *references =
		json_object_get(json_object_get(object, "metadata"), "ownerReferences");
	const json_t *reference;
	char key[GARBAGE_KEY_MAX];
	size_t i;

	json_array_foreach (references, i, reference)
		if (garbage_owner(reference, object, key) &&
			garbage_is_owner_leaving(garbage_object(view, key)))
			controller_look(controller, key);
}

static void garbage_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata"), *now;
	struct garbage_view view;
	char key[GARBAGE_KEY_MAX];

	if (followed_kinds[kind].uncollected)
		return;
	view_of(controller, &view);
	garbage_key(kind, object, key);
	now = garbage_object(&view, key);
	if (garbage_note(controller->notes, key, object, now) < 0)
		log_warning("garbage collector: no memory to note the owners of %s", key);
	if (json_object_get(meta, "ownerReferences") || garbage_is_owner_leaving(object))
		controller_look(controller, key);
	if (strcmp(meta_text(now, "uid"), meta_text(object, "uid")) != 0 ||
		garbage_is_owner_leaving(object))
		look_at_dependents(controller, object);
	look_at_owners(controller, &view, object);
}

static int collector_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	struct garbage_view view;

	view_of(controller, &view);
	return garbage_plan(&view, key, plan);
}

const struct controller_kind controller_garbage_collector = {
	.name = "garbage-collector-controller",
	.changed = garbage_changed,
	.plan = collector_plan,
};
