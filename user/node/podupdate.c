// SPDX-License-Identifier: Apache-2.0
/* What of a Pod may change while it runs: labels, annotations, images, ephemeral containers. */
#include <string.h>

#include "user/node/nodepod.h"

static const json_t *meta_take(json_t *meta, const json_t *from, const char *key)
{
	json_t *value = json_object_get(from, key);

	if (value)
		json_object_set(meta, key, value);
	else
		json_object_del(meta, key);
	return json_object_get(meta, key);
}

/* Two that are missing are the same, too. */
static bool meta_is_same(const json_t *mine, const json_t *from, const char *key)
{
	const json_t *value = json_object_get(from, key);

	return mine == value || json_equal(mine, value);
}

static bool update_meta(struct node_pod *pod, const json_t *json)
{
	const json_t *from = json_object_get(json, "metadata");
	json_t *meta = json_object_get(pod->spec->json, "metadata");
	struct object_meta *mine = &pod->spec->meta;

	if (meta_is_same(mine->labels, from, "labels") &&
		meta_is_same(mine->annotations, from, "annotations"))
		return false;
	mine->labels = meta_take(meta, from, "labels");
	mine->annotations = meta_take(meta, from, "annotations");
	return true;
}

/* The image of the container @name in a spec's list; "" when there is none. */
static const char *image_of(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (strcmp(json_string_at(item, "name", ""), name) == 0)
			return json_string_at(item, "image", "");
	return "";
}

/* Its next attempt pulls the image and starts with it. */
static void container_replace(struct node_pod *pod, size_t index)
{
	struct container_observed *container = &pod->observed.containers[index];
	const char *name = observed_container(pod->spec, index)->name;

	container->image_present = false;
	container->failures = container->crashes = 0;
	container->retry_at = 0;
	pod->work[index]->image = image_free(pod->work[index]->image);
	if (pod->work[index]->pull) {
		pod->work[index]->pull = image_wait_cancel(pod->work[index]->pull);
		container->busy = false;
	}
	if (container->phase != CONTAINER_RUNNING)
		return;
	container->stop_requested = true;
	containerevent(pod->work[index], EVENT_NORMAL, "Killing",
		"Container %s definition changed, will be restarted", name);
}

/* @list: "containers" or "initContainers", whose first one is container @first of the Pod. */
static bool update_images(struct node_pod *pod, const json_t *json, const char *list,
	struct container *containers, size_t count, size_t first)
{
	const json_t *from = json_object_get(json_object_get(json, "spec"), list);
	json_t *mine = json_object_get(json_object_get(pod->spec->json, "spec"), list);
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		const char *image = image_of(from, containers[i].name);
		json_t *container = json_array_get(mine, i);

		if (!image[0] || strcmp(image, containers[i].image) == 0 ||
			json_object_set_new(container, "image", json_string(image)) < 0)
			continue;
		containers[i].image = json_string_at(container, "image", "");
		container_replace(pod, first + i);
		changed = true;
	}
	return changed;
}

void node_pod_update(struct node_pod *pod, const json_t *json)
{
	struct pod *spec = pod->spec;
	bool meta = update_meta(pod, json);
	bool images = update_images(
		pod, json, "initContainers", spec->init_containers, spec->init_count, 0);

	images |= update_images(
		pod, json, "containers", spec->containers, spec->container_count, spec->init_count);
	images |= ephemeral_update(pod, json);
	if (!meta && !images)
		return;
	pod->observed.prepared = false; /* records the Pod anew; all else is there already */
	if (images)
		nodepod_touch(pod);
	else
		nodepod_kick(pod);
}
