// SPDX-License-Identifier: Apache-2.0
/* Endpoints that somebody else keeps, as EndpointSlices: nodes read nothing else. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/client/client.h"
#include "user/control/endpoint.h"
#include "user/control/endpoints.h"
#include "user/control/owned.h"
#include "user/control/requests.h"

#define SKIP   "endpointslice.kubernetes.io/skip-mirror"  /* a label */
#define LEADER "control-plane.alpha.kubernetes.io/leader" /* an annotation: it is a lock */

/* --- what is wanted: [{addressType, ports, endpoints}], one for each slice --- */

static const char *family_of(const char *ip)
{
	return strchr(ip, ':') ? "IPv6" : "IPv4";
}

/* The slice of these ports that has room, or a new one.  Borrowed; NULL: no memory. */
static json_t *slice_for(json_t *slices, const char *family, json_t *ports)
{
	json_t *slice;
	size_t i;

	json_array_foreach (slices, i, slice)
		if (strcmp(json_string_at(slice, "addressType", ""), family) == 0 &&
			json_equal(json_object_get(slice, "ports"), ports) &&
			json_array_size(json_object_get(slice, "endpoints")) < MIRROR_MOST)
			return slice;
	slice = json_pack("{s:s, s:O, s:[]}", "addressType", family, "ports", ports, "endpoints");
	return json_array_append_new(slices, slice) < 0 ? NULL : slice;
}

static json_t *endpoint_of(const json_t *address, bool ready)
{
	static const char *const kept[] = {"hostname", "nodeName", "targetRef"};
	json_t *endpoint = json_pack("{s:[s], s:{s:b}}", "addresses",
		json_string_at(address, "ip", ""), "conditions", "ready", ready);

	for (size_t i = 0; i < COUNT(kept); i++) {
		json_t *value = json_object_get(address, kept[i]);

		if (value && json_object_set(endpoint, kept[i], value) < 0) {
			json_decref(endpoint);
			return NULL;
		}
	}
	return endpoint;
}

/* Those that are ready come first: what is beyond @room is left out. */
static int addresses_mirror(
	json_t *slices, const json_t *addresses, bool ready, json_t *ports, size_t *room)
{
	const json_t *address;
	size_t i;

	json_array_foreach (addresses, i, address) {
		const char *ip = json_string_at(address, "ip", "");
		json_t *slice;

		if (*room == 0)
			return 0;
		slice = slice_for(slices, family_of(ip), ports);
		if (!slice || json_array_append_new(json_object_get(slice, "endpoints"),
				      endpoint_of(address, ready)) < 0)
			return -ENOMEM;
		(*room)--;
	}
	return 0;
}

/* A slice always names its ports. */
static json_t *ports_of(const json_t *subset)
{
	json_t *ports = json_array(), *port;
	size_t i;

	json_array_foreach (json_object_get(subset, "ports"), i, port) {
		json_t *copy = json_copy(port);

		if (copy && !json_object_get(copy, "name"))
			json_object_set_new(copy, "name", json_string(""));
		json_array_append_new(ports, copy);
	}
	return ports;
}

static json_t *slices_wanted(const json_t *endpoints)
{
	AUTO_JSON slices = json_array();
	const json_t *subset;
	size_t i;

	json_array_foreach (json_object_get(endpoints, "subsets"), i, subset) {
		AUTO_JSON ports = ports_of(subset);
		size_t room = MIRROR_MOST;

		if (!ports ||
			addresses_mirror(slices, json_object_get(subset, "addresses"), true, ports,
				&room) < 0 ||
			addresses_mirror(slices, json_object_get(subset, "notReadyAddresses"),
				false, ports, &room) < 0)
			return NULL;
	}
	return take_ptr(slices);
}

static json_t *labels_wanted(const json_t *endpoints)
{
	const json_t *own = json_object_get(json_object_get(endpoints, "metadata"), "labels");
	json_t *labels = own ? json_copy((json_t *)own) : json_object();

	json_object_set_new(labels, SLICE_SERVICE, json_string(meta_text(endpoints, "name")));
	json_object_set_new(labels, SLICE_MANAGER, json_string(SLICE_MIRROR));
	return labels;
}

static json_t *annotations_wanted(const json_t *endpoints)
{
	static const char *const own[] = {"endpoints.kubernetes.io/last-change-trigger-time",
		"kubectl.kubernetes.io/last-applied-configuration"};
	const json_t *from = json_object_get(json_object_get(endpoints, "metadata"), "annotations");
	json_t *annotations = from ? json_copy((json_t *)from) : json_object();

	for (size_t i = 0; i < COUNT(own); i++)
		json_object_del(annotations, own[i]);
	return annotations;
}

/* --- writing --- */

static char *target_of(const char *namespace, const char *name)
{
	return request_target("discovery.k8s.io", "v1", namespace, "endpointslices", name, NULL);
}

static void slice_create(const json_t *endpoints, const json_t *wanted, struct requests *plan)
{
	const char *namespace = meta_text(endpoints, "namespace");

	requests_create(plan, target_of(namespace, NULL),
		json_pack("{s:s, s:s, s:{s:o, s:s, s:o, s:o, s:o}, s:O, s:O, s:O}", "kind",
			"EndpointSlice", "apiVersion", "discovery.k8s.io/v1", "metadata",
			"generateName", json_sprintf("%s-", meta_text(endpoints, "name")),
			"namespace", namespace, "labels", labels_wanted(endpoints), "annotations",
			annotations_wanted(endpoints), "ownerReferences",
			owned_references(endpoints), "addressType",
			json_object_get(wanted, "addressType"), "endpoints",
			json_object_get(wanted, "endpoints"), "ports",
			json_object_get(wanted, "ports")));
}

static bool maps_same(const json_t *a, const json_t *b)
{
	return json_object_size(a) == 0 ? json_object_size(b) == 0 : b && json_equal(a, b);
}

static void slice_update(
	const json_t *endpoints, const json_t *slice, const json_t *wanted, struct requests *plan)
{
	const json_t *meta = json_object_get(slice, "metadata");
	const json_t *had = json_object_get(meta, "labels");
	const json_t *noted = json_object_get(meta, "annotations");
	AUTO_JSON labels = labels_wanted(endpoints);
	AUTO_JSON annotations = annotations_wanted(endpoints);
	const json_t *old = json_object_get(slice, "endpoints");

	if (maps_same(had, labels) && maps_same(noted, annotations) && old &&
		json_equal(old, json_object_get(wanted, "endpoints")))
		return;
	requests_patch(plan, target_of(meta_text(slice, "namespace"), meta_text(slice, "name")),
		CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s, s:o, s:o}, s:O}", "metadata", "resourceVersion",
			meta_text(slice, "resourceVersion"), "labels", labels_patch(had, labels),
			"annotations", labels_patch(noted, annotations), "endpoints",
			json_object_get(wanted, "endpoints")));
}

/* --- what there is --- */

static bool is_mirror_of(const json_t *slice, const char *namespace, const char *name)
{
	const json_t *labels = json_object_get(json_object_get(slice, "metadata"), "labels");

	return strcmp(json_string_at(labels, SLICE_SERVICE, ""), name) == 0 &&
	       strcmp(json_string_at(labels, SLICE_MANAGER, ""), SLICE_MIRROR) == 0 &&
	       strcmp(meta_text(slice, "namespace"), namespace) == 0 && !meta_is_deleting(slice);
}

/* One that @slice can become: family and ports stay.  Taken out of @wanted; the caller owns it.  NULL: none. */
static json_t *wanted_take(json_t *wanted, const json_t *slice)
{
	const json_t *ports = json_object_get(slice, "ports");
	json_t *one;
	size_t i;

	json_array_foreach (wanted, i, one) {
		const json_t *has = json_object_get(one, "ports");

		if (strcmp(json_string_at(one, "addressType", ""),
			    json_string_at(slice, "addressType", "")) != 0 ||
			!(json_array_size(has) ? ports && json_equal(has, ports)
					       : json_array_size(ports) == 0))
			continue;
		json_incref(one);
		json_array_remove(wanted, i);
		return one;
	}
	return NULL;
}

static bool is_mirrored(const json_t *service, const json_t *endpoints)
{
	const json_t *meta = json_object_get(endpoints, "metadata");
	const json_t *labels = json_object_get(meta, "labels");

	const json_t *selector = json_object_get(json_object_get(service, "spec"), "selector");

	return service && endpoints && !json_object_size(selector) &&
	       !meta_is_deleting(endpoints) &&
	       strcmp(json_string_at(labels, SKIP, ""), "true") != 0 &&
	       !json_object_get(json_object_get(meta, "annotations"), LEADER);
}

int mirror_plan(const char *namespace, const char *name, const json_t *service,
	const json_t *endpoints, const json_t *slices, struct requests *plan)
{
	AUTO_JSON wanted =
		is_mirrored(service, endpoints) ? slices_wanted(endpoints) : json_array();
	json_t *slice, *one;
	const char *key;
	size_t i;

	if (!wanted)
		return -ENOMEM;
	json_object_foreach ((json_t *)slices, key, slice) {
		AUTO_JSON taken = NULL;

		if (!is_mirror_of(slice, namespace, name))
			continue;
		taken = wanted_take(wanted, slice);
		if (taken)
			slice_update(endpoints, slice, taken, plan);
		else
			requests_delete(plan, target_of(namespace, meta_text(slice, "name")),
				meta_text(slice, "uid"));
	}
	json_array_foreach (wanted, i, one)
		slice_create(endpoints, one, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
