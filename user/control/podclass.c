// SPDX-License-Identifier: Apache-2.0
#include "user/control/podclass.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/snapshot.h"

static int class_order(const void *a, const void *b)
{
	return strcmp(((const struct pod_class *)a)->key, ((const struct pod_class *)b)->key);
}

/* What it says of other Pods; NULL: nothing. */
static json_t *affinity_of(const json_t *pod)
{
	json_t *affinity = json_object_get(json_object_get(pod, "spec"), "affinity");

	return json_object_get(affinity, "podAffinity") ||
			       json_object_get(affinity, "podAntiAffinity")
		       ? affinity
		       : NULL;
}

static char *class_key(const json_t *pod)
{
	AUTO_JSON parts = json_pack("[s, b, O?, O?]", meta_text(pod, "namespace"),
		meta_is_deleting(pod), meta_labels(pod), affinity_of(pod));

	return parts ? json_dumps(parts, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
}

static void class_free(struct pod_class *class)
{
	free((char *)class->namespace);
	json_decref(class->labels);
	json_decref(class->affinity);
	free(class->places);
	free(class->key);
	free(class);
}

static int class_list(struct snapshot *snapshot, struct pod_class *class)
{
	if (snapshot->class_count == snapshot->class_room) {
		size_t room = snapshot->class_room ? snapshot->class_room * 2 : 16;
		void *grown = reallocarray(snapshot->classes, room, sizeof(snapshot->classes[0]));

		if (!grown)
			return -ENOMEM;
		snapshot->classes = grown;
		snapshot->class_room = room;
	}
	if (!tsearch(class, &snapshot->by_class, class_order))
		return -ENOMEM;
	class->at = snapshot->class_count;
	snapshot->classes[snapshot->class_count++] = class;
	return 0;
}

/* Takes @key. */
static struct pod_class *class_new(struct snapshot *snapshot, const json_t *pod, char *key)
{
	struct pod_class *class = calloc(1, sizeof(*class));

	if (!class) {
		free(key);
		return NULL;
	}
	*class = (struct pod_class){
		.namespace = strdup(meta_text(pod, "namespace")),
		.labels = json_incref(meta_labels(pod)),
		.affinity = json_incref(affinity_of(pod)),
		.deleting = meta_is_deleting(pod),
		.users = 1,
		.key = key,
	};
	if (!class->namespace || class_list(snapshot, class) < 0) {
		class_free(class);
		return NULL;
	}
	return class;
}

struct pod_class *class_get(struct snapshot *snapshot, const json_t *pod)
{
	AUTO_FREE char *key = class_key(pod);
	struct pod_class wanted = {.key = key};
	struct pod_class **found;

	if (!key)
		return NULL;
	found = tfind(&wanted, &snapshot->by_class, class_order);
	if (!found)
		return class_new(snapshot, pod, take_ptr(key));
	(*found)->users++;
	return *found;
}

void class_release(struct snapshot *snapshot, struct pod_class *class)
{
	if (!class || --class->users)
		return;
	tdelete(class, &snapshot->by_class, class_order);
	snapshot->classes[class->at] = snapshot->classes[--snapshot->class_count];
	snapshot->classes[class->at]->at = class->at;
	class_free(class);
}

static int class_place_new(struct pod_class *class, struct snapshot_node *node)
{
	if (class->count == class->room) {
		size_t room = class->room ? class->room * 2 : 4;
		void *grown = reallocarray(class->places, room, sizeof(class->places[0]));

		if (!grown)
			return -ENOMEM;
		class->places = grown;
		class->room = room;
	}
	class->places[class->count++] = (struct class_place){node, 1};
	return 0;
}

int class_place(struct pod_class *class, struct snapshot_node *node, int change)
{
	size_t i = 0;

	while (i < class->count && class->places[i].node != node)
		i++;
	if (i == class->count)
		return class_place_new(class, node);
	class->places[i].count += (unsigned)change;
	if (!class->places[i].count)
		class->places[i] = class->places[--class->count];
	return 0;
}
