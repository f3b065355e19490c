// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/client/client.h"
#include "user/control/endpoint.h"
#include "user/control/endpoints.h"
#include "user/control/owned.h"
#include "user/control/requests.h"

#define ZONE "topology.kubernetes.io/zone"

/* --- what is wanted --- */

static json_t *conditions_of(const json_t *service, const json_t *pod)
{
	bool ready = pod_is_ready_since(pod, NULL), leaves = meta_is_deleting(pod);

	return json_pack("{s:b, s:b, s:b}", "ready",
		service_shows_unready(service) || (ready && !leaves), "serving", ready,
		"terminating", leaves);
}

static void text_set(json_t *object, const char *key, const char *text)
{
	if (text[0])
		json_object_set_new(object, key, json_string(text));
}

static json_t *endpoint_new(const json_t *service, const json_t *pod, const json_t *nodes)
{
	const char *node = json_string_at(json_object_get(pod, "spec"), "nodeName", "");
	json_t *endpoint = json_pack("{s:[s], s:o, s:o}", "addresses", pod_ip(pod), "conditions",
		conditions_of(service, pod), "targetRef", pod_reference(pod));
	const json_t *there;
	char key[300];

	snprintf(key, sizeof(key), "/%s", node);
	there = json_object_get(nodes, key);
	text_set(endpoint, "nodeName", node);
	text_set(endpoint, "zone",
		json_string_at(
			json_object_get(json_object_get(there, "metadata"), "labels"), ZONE, ""));
	text_set(endpoint, "hostname", pod_hostname(pod, service));
	return endpoint;
}

/* Endpoints with the same ports go into the same slices: {ports, endpoints: {uid: endpoint}}. */
static json_t *group_for(json_t *groups, json_t *ports)
{
	json_t *group;
	size_t i;

	json_array_foreach (groups, i, group)
		if (json_equal(json_object_get(group, "ports"), ports)) {
			json_decref(ports);
			return group;
		}
	group = json_pack("{s:o, s:{}}", "ports", ports, "endpoints");
	json_array_append_new(groups, group);
	return group;
}

static json_t *groups_wanted(const json_t *service, const struct endpoint_view *view)
{
	json_t *groups = json_array(), *pod;
	const char *key;

	json_object_foreach ((json_t *)view->pods, key, pod) {
		json_t *group;

		if (!service_has_pod(service, pod) || !pod_is_endpoint(pod, true))
			continue;
		group = group_for(groups, service_ports_at(service, pod, true));
		json_object_set_new(json_object_get(group, "endpoints"), meta_text(pod, "uid"),
			endpoint_new(service, pod, view->nodes));
	}
	return groups;
}

/* --- what there is --- */

struct slice {
	const json_t *old; /* NULL: it is made */
	json_t *endpoints; /* owned */
	json_t *group;	   /* borrowed; NULL: no such ports are wanted */
	bool changed;
};

struct slices {
	struct slice *list;
	size_t count;
};

static void slices_clear(struct slices *slices)
{
	for (size_t i = 0; i < slices->count; i++)
		json_decref(slices->list[i].endpoints);
	free(slices->list);
}

static int slice_order(const void *a, const void *b)
{
	return strcmp(meta_text(((const struct slice *)a)->old, "name"),
		meta_text(((const struct slice *)b)->old, "name"));
}

static bool slice_is_of(const json_t *slice, const json_t *service)
{
	const json_t *labels = json_object_get(json_object_get(slice, "metadata"), "labels");

	return strcmp(json_string_at(labels, SLICE_SERVICE, ""), meta_text(service, "name")) == 0 &&
	       strcmp(json_string_at(labels, SLICE_MANAGER, ""), SLICE_SELF) == 0 &&
	       strcmp(meta_text(slice, "namespace"), meta_text(service, "namespace")) == 0 &&
	       strcmp(owned_controller_uid(slice), meta_text(service, "uid")) == 0 &&
	       !meta_is_deleting(slice);
}

/* An empty list is not stored. */
static bool ports_same(const json_t *a, const json_t *b)
{
	return json_array_size(a) == 0 ? json_array_size(b) == 0 : b && json_equal(a, b);
}

static json_t *group_of(json_t *groups, const json_t *slice)
{
	json_t *group;
	size_t i;

	json_array_foreach (groups, i, group)
		if (ports_same(json_object_get(group, "ports"), json_object_get(slice, "ports")))
			return group;
	return NULL;
}

/* Room for those that will be made, too: @most. */
static int slices_find(
	const json_t *service, const json_t *all, json_t *groups, size_t most, struct slices *ret)
{
	const char *key;
	json_t *slice;

	ret->list = calloc(json_object_size(all) + most + 1, sizeof(ret->list[0]));
	if (!ret->list)
		return -ENOMEM;
	json_object_foreach ((json_t *)all, key, slice) {
		if (!slice_is_of(slice, service))
			continue;
		ret->list[ret->count++] = (struct slice){
			.old = slice, .endpoints = json_array(), .group = group_of(groups, slice)};
	}
	qsort(ret->list, ret->count, sizeof(ret->list[0]), slice_order);
	return 0;
}

/* --- who goes where --- */

/* What is in it and still wanted stays. */
static void slice_keep(struct slice *slice)
{
	json_t *waiting = json_object_get(slice->group, "endpoints"), *old;
	size_t i;

	json_array_foreach (json_object_get(slice->old, "endpoints"), i, old) {
		const char *uid = json_string_at(json_object_get(old, "targetRef"), "uid", "");
		json_t *wanted = json_object_get(waiting, uid);

		slice->changed |= !wanted || !json_equal(wanted, old);
		if (!wanted)
			continue;
		json_array_append(slice->endpoints, wanted);
		json_object_del(waiting, uid);
	}
}

static bool slice_has_room(const struct slice *slice, const json_t *group)
{
	return slice->group == group && json_array_size(slice->endpoints) < SLICE_MOST;
}

/* One that is written anyway, else the first with room, else a new one. */
static struct slice *slice_for(struct slices *slices, json_t *group)
{
	struct slice *found = NULL;

	for (size_t i = 0; i < slices->count; i++) {
		struct slice *slice = &slices->list[i];

		if (!slice_has_room(slice, group))
			continue;
		if (slice->changed)
			return slice;
		if (!found)
			found = slice;
	}
	if (found)
		return found;
	slices->list[slices->count] = (struct slice){.group = group, .endpoints = json_array()};
	return &slices->list[slices->count++];
}

static void slices_fill(struct slices *slices, json_t *groups)
{
	json_t *group, *endpoint;
	const char *uid;
	size_t i;

	json_array_foreach (groups, i, group)
		json_object_foreach (json_object_get(group, "endpoints"), uid, endpoint) {
			struct slice *slice = slice_for(slices, group);

			json_array_append(slice->endpoints, endpoint);
			slice->changed = true;
		}
}

static bool slices_have_endpoints(const struct slices *slices)
{
	for (size_t i = 0; i < slices->count; i++)
		if (json_array_size(slices->list[i].endpoints))
			return true;
	return false;
}

/* A Service without endpoints has one slice that says so. */
static void slices_keep_one(struct slices *slices)
{
	if (slices_have_endpoints(slices))
		return;
	if (slices->count == 0)
		slices->list[slices->count++] = (struct slice){.endpoints = json_array()};
	slices->list[0].changed |= !slices->list[0].old ||
				   json_array_size(json_object_get(slices->list[0].old, "ports"));
}

/* --- writing --- */

static json_t *slice_labels(const json_t *service)
{
	return service_labels(
		service, json_pack("{s:s, s:s}", SLICE_SERVICE, meta_text(service, "name"),
				 SLICE_MANAGER, SLICE_SELF));
}

static json_t *ports_of(const struct slice *slice)
{
	json_t *ports = json_object_get(slice->group, "ports");

	return ports && json_array_size(slice->endpoints) ? json_incref(ports) : json_array();
}

static char *slice_target(const json_t *service, const char *name)
{
	return request_target("discovery.k8s.io", "v1", meta_text(service, "namespace"),
		"endpointslices", name, NULL);
}

static void slice_create(const json_t *service, const struct slice *slice, struct requests *plan)
{
	requests_create(plan, slice_target(service, NULL),
		json_pack("{s:s, s:s, s:{s:o, s:s, s:o, s:o}, s:s, s:O, s:o}", "kind",
			"EndpointSlice", "apiVersion", "discovery.k8s.io/v1", "metadata",
			"generateName", json_sprintf("%s-", meta_text(service, "name")),
			"namespace", meta_text(service, "namespace"), "labels",
			slice_labels(service), "ownerReferences", owned_references(service),
			"addressType", "IPv4", "endpoints", slice->endpoints, "ports",
			ports_of(slice)));
}

static void slice_update(const json_t *service, const struct slice *slice, struct requests *plan)
{
	const json_t *old = json_object_get(json_object_get(slice->old, "metadata"), "labels");
	AUTO_JSON labels = slice_labels(service);

	if (!slice->changed && json_equal(labels, old))
		return;
	requests_patch(plan, slice_target(service, meta_text(slice->old, "name")),
		CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s, s:o}, s:O, s:o}", "metadata", "resourceVersion",
			meta_text(slice->old, "resourceVersion"), "labels",
			labels_patch(old, labels), "endpoints", slice->endpoints, "ports",
			ports_of(slice)));
}

static void slices_write(const json_t *service, const struct slices *slices, struct requests *plan)
{
	bool some = slices_have_endpoints(slices);

	for (size_t i = 0; i < slices->count; i++) {
		const struct slice *slice = &slices->list[i];

		if (!slice->old)
			slice_create(service, slice, plan);
		else if (json_array_size(slice->endpoints) == 0 && (some || i > 0))
			requests_delete(plan, slice_target(service, meta_text(slice->old, "name")),
				meta_text(slice->old, "uid"));
		else
			slice_update(service, slice, plan);
	}
}

int slices_plan(const json_t *service, const struct endpoint_view *view, struct requests *plan)
{
	AUTO_CLEANUP(slices_clear) struct slices slices = {0};
	AUTO_JSON groups = NULL;

	if (!service_selects(service) || meta_is_deleting(service))
		return 0;
	groups = groups_wanted(service, view);
	if (!groups || slices_find(service, view->slices, groups, json_object_size(view->pods),
			       &slices) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < slices.count; i++)
		slice_keep(&slices.list[i]);
	slices_fill(&slices, groups);
	slices_keep_one(&slices);
	slices_write(service, &slices, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
