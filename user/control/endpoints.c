// SPDX-License-Identifier: Apache-2.0
#include "user/control/endpoints.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/client/client.h"
#include "user/control/endpoint.h"
#include "user/control/owned.h"
#include "user/control/requests.h"

#define OVER_CAPACITY "endpoints.kubernetes.io/over-capacity"

/* Pods in the order of their addresses. */
struct members {
	const json_t **list; /* owned; borrowed Pods */
	size_t count;
};

static void members_clear(struct members *members)
{
	free(members->list);
}

static uint32_t address_of(const json_t *pod)
{
	struct in_addr address = {0};

	inet_pton(AF_INET, pod_ip(pod), &address);
	return ntohl(address.s_addr);
}

static int member_order(const void *first, const void *second)
{
	const json_t *a = *(const json_t *const *)first, *b = *(const json_t *const *)second;
	uint32_t of_a = address_of(a), of_b = address_of(b);

	return of_a != of_b ? (of_a > of_b) - (of_a < of_b)
			    : strcmp(meta_text(a, "uid"), meta_text(b, "uid"));
}

static int members_find(const json_t *service, const json_t *pods, struct members *ret)
{
	const char *key;
	json_t *pod;

	ret->list = calloc(json_object_size(pods) + 1, sizeof(ret->list[0]));
	if (!ret->list)
		return -ENOMEM;
	json_object_foreach ((json_t *)pods, key, pod)
		if (service_has_pod(service, pod) &&
			pod_is_endpoint(pod, service_shows_unready(service)))
			ret->list[ret->count++] = pod;
	qsort(ret->list, ret->count, sizeof(ret->list[0]), member_order);
	return 0;
}

/* --- subsets --- */

static json_t *address_new(const json_t *service, const json_t *pod)
{
	const char *node = json_string_at(json_object_get(pod, "spec"), "nodeName", "");
	const char *host = pod_hostname(pod, service);
	json_t *address =
		json_pack("{s:s, s:o}", "ip", pod_ip(pod), "targetRef", pod_reference(pod));

	if (node[0])
		json_object_set_new(address, "nodeName", json_string(node));
	if (host[0])
		json_object_set_new(address, "hostname", json_string(host));
	return address;
}

static json_t *subset_for(json_t *subsets, json_t *ports)
{
	json_t *subset;
	size_t i;

	json_array_foreach (subsets, i, subset) {
		const json_t *have = json_object_get(subset, "ports");

		if (have ? json_equal(have, ports) : json_array_size(ports) == 0) {
			json_decref(ports);
			return subset;
		}
	}
	subset = json_object();
	if (json_array_size(ports))
		json_object_set(subset, "ports", ports);
	json_decref(ports);
	json_array_append_new(subsets, subset);
	return subset;
}

static void subset_add(json_t *subset, const char *list, json_t *address)
{
	json_t *addresses = json_object_get(subset, list);

	if (!addresses) {
		addresses = json_array();
		json_object_set_new(subset, list, addresses);
	}
	json_array_append_new(addresses, address);
}

static bool is_shown_ready(const json_t *service, const json_t *pod)
{
	return service_shows_unready(service) || pod_is_ready_since(pod, NULL);
}

/* Those that serve go first: if there are too many, others are left out. */
static json_t *subsets_wanted(const json_t *service, const struct members *members)
{
	json_t *subsets = json_array();
	size_t room = ENDPOINTS_MOST;

	for (int ready = 1; ready >= 0; ready--)
		for (size_t i = 0; i < members->count && room; i++) {
			const json_t *pod = members->list[i];

			if (is_shown_ready(service, pod) != ready)
				continue;
			subset_add(subset_for(subsets, service_ports_at(service, pod, false)),
				ready ? "addresses" : "notReadyAddresses",
				address_new(service, pod));
			room--;
		}
	return subsets;
}

/* --- writing --- */

static char *target_of(const json_t *object, const char *name)
{
	return request_target("", "v1", meta_text(object, "namespace"), "endpoints", name, NULL);
}

static bool is_ours(const json_t *endpoints)
{
	const json_t *labels = json_object_get(json_object_get(endpoints, "metadata"), "labels");

	return strcmp(json_string_at(labels, ENDPOINTS_MANAGER, ""), ENDPOINTS_SELF) == 0;
}

static void endpoints_create(
	const json_t *service, json_t *labels, json_t *subsets, bool full, struct requests *plan)
{
	json_t *body = json_pack("{s:s, s:s, s:{s:s, s:s, s:O}, s:O}", "kind", "Endpoints",
		"apiVersion", "v1", "metadata", "name", meta_text(service, "name"), "namespace",
		meta_text(service, "namespace"), "labels", labels, "subsets", subsets);

	if (full)
		json_object_set_new(json_object_get(body, "metadata"), "annotations",
			json_pack("{s:s}", OVER_CAPACITY, "truncated"));
	requests_create(plan, target_of(service, NULL), body);
}

static bool endpoints_same(const json_t *endpoints, const json_t *labels, const json_t *subsets)
{
	const json_t *meta = json_object_get(endpoints, "metadata");
	const json_t *old = json_object_get(endpoints, "subsets");

	if (!json_equal(json_object_get(meta, "labels"), labels))
		return false;
	return json_array_size(subsets) == 0 ? json_array_size(old) == 0 : json_equal(old, subsets);
}

static void endpoints_update(
	const json_t *endpoints, json_t *labels, json_t *subsets, bool full, struct requests *plan)
{
	const json_t *old = json_object_get(json_object_get(endpoints, "metadata"), "labels");

	if (endpoints_same(endpoints, labels, subsets))
		return;
	requests_patch(plan, target_of(endpoints, meta_text(endpoints, "name")), CLIENT_MERGE_PATCH,
		json_pack("{s:{s:s, s:o, s:{s:o}}, s:O}", "metadata", "resourceVersion",
			meta_text(endpoints, "resourceVersion"), "labels",
			labels_patch(old, labels), "annotations", OVER_CAPACITY,
			full ? json_string("truncated") : json_null(), "subsets", subsets));
}

int endpoints_plan(
	const json_t *service, const json_t *endpoints, const json_t *pods, struct requests *plan)
{
	AUTO_CLEANUP(members_clear) struct members members = {0};
	AUTO_JSON subsets = NULL;
	AUTO_JSON labels = NULL;
	bool full;

	if (!service && endpoints && is_ours(endpoints))
		requests_delete(plan, target_of(endpoints, meta_text(endpoints, "name")),
			meta_text(endpoints, "uid"));
	if (!service || !service_selects(service) || meta_is_deleting(service))
		return plan->no_memory ? -ENOMEM : 0;
	if (members_find(service, pods, &members) < 0)
		return -ENOMEM;
	subsets = subsets_wanted(service, &members);
	labels = service_labels(service, json_pack("{s:s}", ENDPOINTS_MANAGER, ENDPOINTS_SELF));
	full = members.count > ENDPOINTS_MOST;
	if (!subsets || !labels)
		return -ENOMEM;
	if (endpoints)
		endpoints_update(endpoints, labels, subsets, full, plan);
	else
		endpoints_create(service, labels, subsets, full, plan);
	return plan->no_memory ? -ENOMEM : 0;
}
