// SPDX-License-Identifier: Apache-2.0
/* Ephemeral containers: added while the Pod runs, started once, gone with it. */
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/model/place.h"
#include "user/model/schema.h"
#include "user/node/nodepod.h"

/* True when a container of the Pod is called so. */
static bool name_is_taken(const struct node_pod *pod, const char *name)
{
	for (size_t i = 0; i < pod->observed.count; i++)
		if (strcmp(observed_container(pod->spec, i)->name, name) == 0)
			return true;
	return false;
}

/* Makes room for one more in what belongs to each container; nothing is lost when that fails. */
static int room_make(struct node_pod *pod)
{
	struct pod_observed *observed = &pod->observed;
	size_t count = observed->count;
	struct container_observed *containers =
		reallocarray(observed->containers, count + 1, sizeof(*containers));
	struct container_work **work;
	enum container_action *actions;

	if (!containers)
		return -ENOMEM;
	observed->containers = containers;
	work = reallocarray(pod->work, count + 1, sizeof(*work));
	if (!work)
		return -ENOMEM;
	pod->work = work;
	actions = reallocarray(pod->actions, count + 1, sizeof(*actions));
	if (!actions)
		return -ENOMEM;
	pod->actions = actions;
	return 0;
}

static int container_add(struct node_pod *pod, json_t *json, struct err *err)
{
	size_t index = pod->observed.count;
	AUTO_FREE struct container_work *work = container_work_new(pod, index);

	if (!work || room_make(pod) < 0 || pod_add_ephemeral(pod->spec, json) < 0)
		return err_set(err, ENOMEM, "add an ephemeral container");
	pod->work[index] = take_ptr(work);
	pod->actions[index] = CONTAINER_NOTHING;
	pod->observed.containers[index] = (struct container_observed){0};
	pod->observed.count++;
	pod->observed.ephemeral++;
	return 0;
}

static int container_admit(
	struct node_pod *pod, const json_t *json, const struct place *place, struct err *err)
{
	AUTO_JSON copy = json_deep_copy(json);
	int r;

	if (pod->observed.count >= POD_CONTAINERS_MAX)
		return err_refuse(err, E2BIG, "more than %d containers", POD_CONTAINERS_MAX);
	r = copy ? schema_apply(copy, &schema_ephemeral_container, place, err)
		 : err_set(err, ENOMEM, "add an ephemeral container");
	return r < 0 ? r : container_add(pod, copy, err);
}

/* Told once: the source goes on to name it. */
static void container_refuse(struct node_pod *pod, const char *name, const struct err *err)
{
	if (!pod->refused)
		pod->refused = json_object();
	if (json_object_set_new(pod->refused, name, json_true()) < 0)
		return;
	log_error("pod %s: ephemeral container %s: %s", pod->id, name, err->text);
	podevent(pod, EVENT_WARNING, "Failed", "Ephemeral container %s: %s", name, err->text);
}

bool ephemeral_update(struct node_pod *pod, const json_t *json)
{
	const struct place *root = PLACE_ROOT(NULL), *spec = PLACE_KEY(root, "spec");
	const struct place *place = PLACE_KEY(spec, "ephemeralContainers");
	bool failed, changed = false;
	json_t *item;
	size_t i;

	if (pod_is_finished(pod->spec, &pod->observed, &failed))
		return false;
	json_array_foreach (
		json_object_get(json_object_get(json, "spec"), "ephemeralContainers"), i, item) {
		const char *name = json_string_at(item, "name", "");
		struct err err;

		if (name_is_taken(pod, name) || json_object_get(pod->refused, name))
			continue;
		if (container_admit(pod, item, PLACE_INDEX(place, i), &err) < 0)
			container_refuse(pod, name, &err);
		else
			changed = true;
	}
	return changed;
}

pid_t ephemeral_target(const struct node_pod *pod, size_t index)
{
	const char *target = observed_container(pod->spec, index)->target;

	for (size_t i = 0; target && i < observed_end(&pod->observed); i++) {
		const struct container_observed *container = &pod->observed.containers[i];

		if (strcmp(observed_container(pod->spec, i)->name, target) == 0 &&
			container->phase == CONTAINER_RUNNING && !container->gone)
			return container->pid;
	}
	return target ? -1 : 0;
}
