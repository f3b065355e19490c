// SPDX-License-Identifier: Apache-2.0
#include "user/control/images.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/control/snapshot.h"

#define MIB	       (INT64_C(1) << 20)
#define LEAST	       (23 * MIB)
#define MOST	       (1000 * MIB) /* a container */
#define SCORE_MOST     100
#define IMAGE_NAME_MAX 512 /* a longer one is no image's */

json_t *images_of_node(const json_t *node)
{
	const json_t *list = json_object_get(json_object_get(node, "status"), "images");
	json_t *ret = json_array_size(list) ? json_object() : NULL, *image, *name;
	size_t i, j;

	json_array_foreach (list, i, image)
		json_array_foreach (json_object_get(image, "names"), j, name)
			if (json_is_string(name))
				json_object_set_new(ret, json_string_value(name),
					json_integer(json_integer_at(image, "sizeBytes", 0)));
	return ret;
}

int images_count(json_t *counts, const json_t *images, int change)
{
	const char *name;
	json_t *size;

	json_object_foreach ((json_t *)images, name, size) {
		long long count = json_integer_at(counts, name, 0) + change;

		if (count <= 0)
			json_object_del(counts, name);
		else if (json_object_set_new(counts, name, json_integer(count)) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* "a" is "a:latest"; a digest or a tag stays. */
static void name_complete(const char *image, char ret[IMAGE_NAME_MAX])
{
	const char *slash = strrchr(image, '/'), *colon = strrchr(image, ':');
	bool tagged = colon && (!slash || colon > slash);

	snprintf(ret, IMAGE_NAME_MAX, "%s%s", image, tagged ? "" : ":latest");
}

/* The first part of a name is a registry when it could be a host. */
static const char *name_origin(const char *name)
{
	const char *slash = strchr(name, '/');
	size_t len = slash ? (size_t)(slash - name) : 0;

	if (!slash)
		return "docker.io/library/";
	return memchr(name, '.', len) || memchr(name, ':', len) ||
			       (len == strlen("localhost") && memcmp(name, "localhost", len) == 0)
		       ? ""
		       : "docker.io/";
}

/* Nodes say whole names, Pods often short ones. */
static json_t *name_known(const struct snapshot *snapshot, const char *image)
{
	char name[IMAGE_NAME_MAX], whole[IMAGE_NAME_MAX + 32];

	name_complete(image, name);
	if (json_object_get(snapshot->images, name))
		return json_string(name);
	snprintf(whole, sizeof(whole), "%s%s", name_origin(name), name);
	return json_object_get(snapshot->images, whole) ? json_string(whole) : NULL;
}

static const char *const lists[] = {"initContainers", "containers"};

json_t *images_of_pod(const struct snapshot *snapshot, const json_t *pod)
{
	json_t *ret = NULL, *container;
	size_t i;

	if (json_object_size(snapshot->images) == 0)
		return NULL;
	for (size_t list = 0; list < 2; list++)
		json_array_foreach (
			json_object_get(json_object_get(pod, "spec"), lists[list]), i, container) {
			json_t *name = name_known(snapshot, json_string_at(container, "image", ""));

			if (name && !ret)
				ret = json_array();
			if (name)
				json_array_append_new(ret, name);
		}
	return ret;
}

size_t images_containers(const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");

	return json_array_size(json_object_get(spec, lists[0])) +
	       json_array_size(json_object_get(spec, lists[1]));
}

int64_t images_score(const struct snapshot *snapshot, const struct snapshot_node *node,
	const json_t *images, size_t containers)
{
	int64_t sum = 0, most = (int64_t)containers * MOST;
	json_t *name;
	size_t i;

	json_array_foreach (images, i, name) {
		const char *text = json_string_value(name);
		double share = (double)json_integer_at(snapshot->images, text, 0) /
			       (double)snapshot->count;

		sum += (int64_t)((double)json_integer_at(node->images, text, 0) * share);
	}
	if (sum < LEAST)
		sum = LEAST;
	if (sum > most)
		sum = most;
	return most > LEAST ? SCORE_MOST * (sum - LEAST) / (most - LEAST) : 0;
}
