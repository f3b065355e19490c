// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/slices.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/model/decode.h"

#define SERVICE_LABEL "kubernetes.io/service-name"

/* Appends @slice to the list of its Service. */
static int index_add(json_t *index, json_t *slice)
{
	const json_t *meta = json_object_get(slice, "metadata");
	const char *service = json_string_at(json_object_get(meta, "labels"), SERVICE_LABEL, "");
	char key[2 * (NAME_MAX_LEN + 1)];
	json_t *list;

	if (!service[0] || strcmp(json_string_at(slice, "addressType", ""), "IPv4") != 0)
		return 0;
	snprintf(key, sizeof(key), "%s/%s", json_string_at(meta, "namespace", ""), service);
	list = json_object_get(index, key);
	if (!list) {
		list = json_array();
		if (json_object_set_new(index, key, list) < 0)
			return -1;
	}
	return json_array_append(list, slice);
}

json_t *slices_index(const json_t *slices)
{
	json_t *index = json_object(), *slice;
	const char *key;

	json_object_foreach ((json_t *)slices, key, slice)
		if (index_add(index, slice) < 0) {
			json_decref(index);
			return NULL;
		}
	return index;
}

/* The number that a slice gives to a Service's port; 0: none. */
static uint16_t slice_port(const json_t *slice, const struct service_port *port)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(slice, "ports"), i, item)
		if (strcmp(json_string_at(item, "name", ""), port->name) == 0 &&
			protocol_decode(json_string_at(item, "protocol", "TCP")) == port->protocol)
			return (uint16_t)json_integer_at(item, "port", 0);
	return 0;
}

/*
 * Ready or serving when it is not told: the writer of the slice has no idea of readiness.  Who is
 * ready while it terminates is wanted so.
 */
static enum slice_state endpoint_state(const json_t *endpoint)
{
	const json_t *conditions = json_object_get(endpoint, "conditions");

	if (!json_is_false(json_object_get(conditions, "ready")))
		return SLICE_READY;
	return json_is_true(json_object_get(conditions, "terminating")) &&
			       !json_is_false(json_object_get(conditions, "serving"))
		       ? SLICE_TERMINATING
		       : SLICE_UNREADY;
}

static const char *endpoint_pod(const json_t *endpoint)
{
	const json_t *target = json_object_get(endpoint, "targetRef");

	return strcmp(json_string_at(target, "kind", ""), "Pod") == 0
		       ? json_string_at(target, "name", "")
		       : "";
}

static void endpoints_each(const json_t *slice, uint16_t port, const char *node,
	void (*fn)(void *userdata, const struct slice_endpoint *endpoint), void *userdata)
{
	json_t *item, *address;
	size_t i, k;

	json_array_foreach (json_object_get(slice, "endpoints"), i, item) {
		struct slice_endpoint endpoint = {
			.port = port,
			.state = endpoint_state(item),
			.here = strcmp(json_string_at(item, "nodeName", ""), node) == 0,
			.pod = endpoint_pod(item),
		};

		json_array_foreach (json_object_get(item, "addresses"), k, address)
			if (json_is_string(address) &&
				inet_pton(AF_INET, json_string_value(address), &endpoint.address) ==
					1)
				fn(userdata, &endpoint);
	}
}

void slices_each(const json_t *list, const struct service_port *port, const char *node,
	void (*fn)(void *userdata, const struct slice_endpoint *endpoint), void *userdata)
{
	json_t *slice;
	size_t i;

	json_array_foreach ((json_t *)list, i, slice) {
		uint16_t number = slice_port(slice, port);

		if (number)
			endpoints_each(slice, number, node, fn, userdata);
	}
}

json_t *slices_slim(const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");

	return json_pack("{s:O*, s:O*, s:{s:O*, s:O*, s:O*, s:O*}, s:O*, s:O*, s:O*, s:O*}", "kind",
		json_object_get(object, "kind"), "apiVersion",
		json_object_get(object, "apiVersion"), "metadata", "name",
		json_object_get(meta, "name"), "namespace", json_object_get(meta, "namespace"),
		"uid", json_object_get(meta, "uid"), "labels", json_object_get(meta, "labels"),
		"spec", json_object_get(object, "spec"), "addressType",
		json_object_get(object, "addressType"), "ports", json_object_get(object, "ports"),
		"endpoints", json_object_get(object, "endpoints"));
}
