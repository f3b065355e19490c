// SPDX-License-Identifier: Apache-2.0
#include "user/control/snapshot.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/hostports.h"
#include "user/control/images.h"
#include "user/control/owned.h"
#include "user/control/podclass.h"

#define KEY_MAX 512

long long pod_priority(const json_t *pod)
{
	return json_integer_at(json_object_get(pod, "spec"), "priority", 0);
}

json_t *meta_labels(const json_t *object)
{
	return json_object_get(json_object_get(object, "metadata"), "labels");
}

/* --- trees: what is in them begins to be found by its name or key --- */

static int node_order(const void *a, const void *b)
{
	return strcmp(
		((const struct snapshot_node *)a)->name, ((const struct snapshot_node *)b)->name);
}

static int pod_order(const void *a, const void *b)
{
	return strcmp(((const struct snapshot_pod *)a)->key, ((const struct snapshot_pod *)b)->key);
}

struct snapshot_node *snapshot_node_find(const struct snapshot *snapshot, const char *name)
{
	struct snapshot_node wanted = {.name = (char *)name};
	struct snapshot_node **found = tfind(&wanted, &snapshot->by_name, node_order);

	return found ? *found : NULL;
}

struct snapshot_pod *snapshot_pod_find(const struct snapshot *snapshot, const char *key)
{
	struct snapshot_pod wanted = {.key = (char *)key};
	struct snapshot_pod **found = tfind(&wanted, &snapshot->by_key, pod_order);

	return found ? *found : NULL;
}

static void nothing_free(void *entry)
{
	(void)entry;
}

/* --- nodes --- */

static void node_free(struct snapshot_node *node)
{
	json_decref(node->node);
	json_decref(node->images);
	free(node->pods);
	free(node->name);
	free(node);
}

/* The one of that name, which may be no more than its name. */
static struct snapshot_node *node_get(struct snapshot *snapshot, const char *name)
{
	struct snapshot_node *node = snapshot_node_find(snapshot, name);

	if (node)
		return node;
	node = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->name = strdup(name);
	if (!node->name || !tsearch(node, &snapshot->by_name, node_order)) {
		node_free(node);
		return NULL;
	}
	return node;
}

/* A name that nobody uses any more goes. */
static void node_drop(struct snapshot *snapshot, struct snapshot_node *node)
{
	if (node->node || node->pod_count || node->nominated)
		return;
	tdelete(node, &snapshot->by_name, node_order);
	node_free(node);
}

static int node_list(struct snapshot *snapshot, struct snapshot_node *node)
{
	if (snapshot->count == snapshot->room) {
		size_t room = snapshot->room ? snapshot->room * 2 : 16;
		void *grown = reallocarray(snapshot->nodes, room, sizeof(snapshot->nodes[0]));

		if (!grown)
			return -ENOMEM;
		snapshot->nodes = grown;
		snapshot->room = room;
	}
	node->at = snapshot->count;
	snapshot->nodes[snapshot->count++] = node;
	return 0;
}

static void topologies_drop(struct snapshot *snapshot)
{
	while (snapshot->topologies) {
		struct topology *topology = snapshot->topologies;

		snapshot->topologies = topology->next;
		free(topology->of_node);
		free(topology->key);
		free(topology);
	}
	snapshot->topology_count = 0;
}

/* What is asked for most often. */
static void node_read(struct snapshot_node *node)
{
	const json_t *spec = json_object_get(node->node, "spec");
	const json_t *taints = json_object_get(spec, "taints");

	node->taints = json_array_size(taints) ? taints : NULL;
	node->unschedulable = json_is_true(json_object_get(spec, "unschedulable"));
	resources_of_node(node->node, &node->allocatable);
}

int snapshot_put_node(struct snapshot *snapshot, const json_t *object)
{
	struct snapshot_node *node = node_get(snapshot, meta_text(object, "name"));
	json_t *images = images_of_node(object);
	int r = node ? images_count(snapshot->images, images, 1) : -ENOMEM;

	if (r == 0 && !node->node)
		r = node_list(snapshot, node);
	if (r < 0) {
		json_decref(images); /* too many of them are counted, perhaps */
		if (node)
			node_drop(snapshot, node);
		return r;
	}
	images_count(snapshot->images, node->images, -1);
	if (!node->node || !json_equal(meta_labels(node->node), meta_labels(object)))
		topologies_drop(snapshot);
	json_decref(node->images);
	json_decref(node->node);
	node->images = images;
	node->node = json_incref((json_t *)object);
	node_read(node);
	return 0;
}

void snapshot_remove_node(struct snapshot *snapshot, const char *name)
{
	struct snapshot_node *node = snapshot_node_find(snapshot, name);

	if (!node || !node->node)
		return;
	images_count(snapshot->images, node->images, -1);
	json_decref(node->images);
	json_decref(node->node);
	node->images = NULL;
	node->node = NULL;
	topologies_drop(snapshot);
	snapshot->nodes[node->at] = snapshot->nodes[--snapshot->count];
	snapshot->nodes[node->at]->at = node->at;
	node_drop(snapshot, node);
}

/* --- Pods --- */

static void pod_free(struct snapshot *snapshot, struct snapshot_pod *pod)
{
	class_release(snapshot, pod->class);
	json_decref(pod->pod);
	free(pod->key);
	free(pod);
}

static struct snapshot_pod *pod_new(struct snapshot *snapshot, const json_t *object,
	const char *key, struct snapshot_node *node)
{
	struct snapshot_pod *pod = calloc(1, sizeof(*pod));
	AUTO_JSON extended = NULL;

	if (!pod)
		return NULL;
	*pod = (struct snapshot_pod){
		.pod = json_incref((json_t *)object),
		.key = strdup(key),
		.node = node,
		.class = class_get(snapshot, object),
		.priority = pod_priority(object),
		.ports = hostports_any(object),
	};
	if (!pod->key || !pod->class || resources_extended_of_pod(object, &extended) < 0) {
		pod_free(snapshot, pod);
		return NULL;
	}
	pod->extended = extended != NULL;
	resources_of_pod(object, &pod->requested, &pod->shown);
	return pod;
}

static int node_room(struct snapshot_node *node)
{
	size_t room = node->pod_room ? node->pod_room * 2 : 8;
	void *grown;

	if (node->pod_count < node->pod_room)
		return 0;
	grown = reallocarray(node->pods, room, sizeof(node->pods[0]));
	if (!grown)
		return -ENOMEM;
	node->pods = grown;
	node->pod_room = room;
	return 0;
}

int snapshot_pod_enter(struct snapshot_pod *pod)
{
	struct snapshot_node *node = pod->node;

	if (node_room(node) < 0 || class_place(pod->class, node, 1) < 0)
		return -ENOMEM;
	pod->at = node->pod_count;
	node->pods[node->pod_count++] = pod;
	resources_add(&node->requested, &pod->requested);
	resources_add(&node->shown, &pod->shown);
	return 0;
}

void snapshot_pod_leave(struct snapshot_pod *pod)
{
	struct snapshot_node *node = pod->node;

	class_place(pod->class, node, -1);
	node->pods[pod->at] = node->pods[--node->pod_count];
	node->pods[pod->at]->at = pod->at;
	resources_take(&node->requested, &pod->requested);
	resources_take(&node->shown, &pod->shown);
}

/* It is on no node any more. */
static void pod_leave_for_good(struct snapshot *snapshot, struct snapshot_pod *pod)
{
	struct snapshot_node *node = pod->node;

	tdelete(pod, &snapshot->by_key, pod_order);
	snapshot_pod_leave(pod);
	pod_free(snapshot, pod);
	node_drop(snapshot, node);
}

static int pod_put(struct snapshot *snapshot, const json_t *object, const char *key,
	struct snapshot_node *node, bool assumed)
{
	struct snapshot_pod *old = snapshot_pod_find(snapshot, key);
	struct snapshot_pod *pod = pod_new(snapshot, object, key, node);

	if (!pod)
		return -ENOMEM;
	pod->assumed = assumed;
	if (snapshot_pod_enter(pod) < 0) {
		pod_free(snapshot, pod);
		return -ENOMEM;
	}
	if (old)
		pod_leave_for_good(snapshot, old);
	if (tsearch(pod, &snapshot->by_key, pod_order))
		return 0;
	snapshot_pod_leave(pod);
	pod_free(snapshot, pod);
	return -ENOMEM;
}

/* --- Pods that wait for room on a node --- */

static struct snapshot_pod **nominated_find(const struct snapshot *snapshot, const char *key)
{
	for (size_t i = 0; i < snapshot->nominated_count; i++)
		if (strcmp(snapshot->nominated[i]->key, key) == 0)
			return &snapshot->nominated[i];
	return NULL;
}

static void nominated_remove(struct snapshot *snapshot, const char *key)
{
	struct snapshot_pod **found = nominated_find(snapshot, key), *pod;

	if (!found)
		return;
	pod = *found;
	*found = snapshot->nominated[--snapshot->nominated_count];
	pod->node->nominated--;
	node_drop(snapshot, pod->node);
	pod_free(snapshot, pod);
}

static int nominated_put(struct snapshot *snapshot, const json_t *object, const char *key,
	struct snapshot_node *node, bool assumed)
{
	struct snapshot_pod *pod = pod_new(snapshot, object, key, node);

	if (pod && snapshot->nominated_count == snapshot->nominated_room) {
		size_t room = snapshot->nominated_room ? snapshot->nominated_room * 2 : 8;
		void *grown =
			reallocarray(snapshot->nominated, room, sizeof(snapshot->nominated[0]));

		if (!grown) {
			pod_free(snapshot, pod);
			return -ENOMEM;
		}
		snapshot->nominated = grown;
		snapshot->nominated_room = room;
	}
	if (!pod)
		return -ENOMEM;
	pod->assumed = assumed;
	node->nominated++;
	nominated_remove(snapshot, key);
	snapshot->nominated[snapshot->nominated_count++] = pod;
	return 0;
}

/* --- what Pods are now --- */

static const char *text_of(const json_t *pod, const char *part, const char *key)
{
	return json_string_at(json_object_get(pod, part), key, "");
}

static void key_of(const json_t *pod, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s/%s", meta_text(pod, "namespace"), meta_text(pod, "name"));
}

static bool pod_is_over(const json_t *pod)
{
	const char *phase = text_of(pod, "status", "phase");

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

/* It is on no node; where it waits for room, it says itself. */
static int waiting_put(struct snapshot *snapshot, const json_t *pod, const char *key)
{
	const char *where = text_of(pod, "status", "nominatedNodeName");
	struct snapshot_pod **nominated = nominated_find(snapshot, key);
	struct snapshot_node *node;

	if (!where[0]) {
		if (nominated && !(*nominated)->assumed)
			nominated_remove(snapshot, key);
		return 0;
	}
	node = node_get(snapshot, where);
	return node ? nominated_put(snapshot, pod, key, node, false) : -ENOMEM;
}

int snapshot_put_pod(struct snapshot *snapshot, const json_t *pod)
{
	const char *where = text_of(pod, "spec", "nodeName");
	struct snapshot_pod *known;
	struct snapshot_node *node;
	char key[KEY_MAX];

	key_of(pod, key);
	known = snapshot_pod_find(snapshot, key);
	if (pod_is_over(pod)) {
		snapshot_remove_pod(snapshot, key);
		return 0;
	}
	if (where[0]) {
		nominated_remove(snapshot, key);
		node = node_get(snapshot, where);
		return node ? pod_put(snapshot, pod, key, node, false) : -ENOMEM;
	}
	if (known && known->assumed &&
		strcmp(meta_text(known->pod, "uid"), meta_text(pod, "uid")) == 0)
		return 0;
	if (known)
		pod_leave_for_good(snapshot, known);
	return waiting_put(snapshot, pod, key);
}

void snapshot_remove_pod(struct snapshot *snapshot, const char *key)
{
	struct snapshot_pod *pod = snapshot_pod_find(snapshot, key);

	nominated_remove(snapshot, key);
	if (pod)
		pod_leave_for_good(snapshot, pod);
}

int snapshot_assume(struct snapshot *snapshot, const json_t *pod, struct snapshot_node *node)
{
	char key[KEY_MAX];
	int r;

	key_of(pod, key);
	r = pod_put(snapshot, pod, key, node, true);
	if (r == 0)
		nominated_remove(snapshot, key);
	return r;
}

int snapshot_nominate(struct snapshot *snapshot, const json_t *pod, struct snapshot_node *node)
{
	char key[KEY_MAX];

	key_of(pod, key);
	return nominated_put(snapshot, pod, key, node, true);
}

struct snapshot_node *snapshot_promised(const struct snapshot *snapshot, const json_t *pod)
{
	struct snapshot_pod **nominated;
	char key[KEY_MAX];

	key_of(pod, key);
	nominated = nominated_find(snapshot, key);
	return nominated && (*nominated)->node->node ? (*nominated)->node : NULL;
}

void snapshot_forget(struct snapshot *snapshot, const char *key)
{
	struct snapshot_pod *pod = snapshot_pod_find(snapshot, key);
	struct snapshot_pod **nominated = nominated_find(snapshot, key);

	if (nominated && (*nominated)->assumed)
		nominated_remove(snapshot, key);
	if (pod && pod->assumed)
		pod_leave_for_good(snapshot, pod);
}

/* --- life --- */

struct snapshot *snapshot_new(void)
{
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));

	if (!snapshot)
		return NULL;
	snapshot->images = json_object();
	return snapshot->images ? snapshot : snapshot_free(snapshot);
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
	if (!snapshot)
		return NULL;
	while (snapshot->nominated_count)
		nominated_remove(snapshot, snapshot->nominated[0]->key);
	while (snapshot->by_key)
		pod_leave_for_good(snapshot, *(struct snapshot_pod **)snapshot->by_key);
	while (snapshot->count)
		snapshot_remove_node(snapshot, snapshot->nodes[0]->name);
	tdestroy(snapshot->by_name, nothing_free);
	tdestroy(snapshot->by_class, nothing_free);
	topologies_drop(snapshot);
	json_decref(snapshot->images);
	free(snapshot->nominated);
	free(snapshot->classes);
	free(snapshot->nodes);
	free(snapshot);
	return NULL;
}

/* --- topologies --- */

#define TOPOLOGIES_MOST 64

void snapshot_topologies_trim(struct snapshot *snapshot)
{
	if (snapshot->topology_count > TOPOLOGIES_MOST)
		topologies_drop(snapshot);
}

static int topology_number(struct snapshot *snapshot, struct topology *topology)
{
	AUTO_JSON numbers = json_object();

	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->count; i++) {
		const char *value =
			json_string_at(meta_labels(snapshot->nodes[i]->node), topology->key, NULL);

		topology->of_node[i] = -1;
		if (!value)
			continue;
		if (!json_object_get(numbers, value) &&
			json_object_set_new(
				numbers, value, json_integer((json_int_t)topology->domains++)) < 0)
			return -ENOMEM;
		topology->of_node[i] = (int32_t)json_integer_at(numbers, value, 0);
	}
	return 0;
}

const struct topology *snapshot_topology(struct snapshot *snapshot, const char *key)
{
	struct topology *topology = snapshot->topologies;

	while (topology && strcmp(topology->key, key) != 0)
		topology = topology->next;
	if (topology)
		return topology;
	topology = calloc(1, sizeof(*topology));
	if (!topology)
		return NULL;
	*topology = (struct topology){.key = strdup(key),
		.of_node = calloc(snapshot->count + 1, sizeof(topology->of_node[0])),
		.is_hostname = strcmp(key, "kubernetes.io/hostname") == 0};
	if (!topology->key || !topology->of_node || topology_number(snapshot, topology) < 0) {
		free(topology->key);
		free(topology->of_node);
		free(topology);
		return NULL;
	}
	topology->next = snapshot->topologies;
	snapshot->topologies = topology;
	snapshot->topology_count++;
	return topology;
}
