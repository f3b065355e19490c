// SPDX-License-Identifier: Apache-2.0
#include "user/model/defaults.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/model/schema.h"

static int set_new(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) < 0 ? -ENOMEM : 0;
}

static int set_missing(json_t *object, const char *key, json_t *value)
{
	if (!json_object_get(object, key))
		return set_new(object, key, value);
	json_decref(value);
	return 0;
}

static int fallback_apply(json_t *object, const struct schema_field *field)
{
	json_t *value = json_object_get(object, field->name);

	if (!field->fallback || (value && !schema_is_unset(field, value)))
		return 0;
	return set_new(object, field->name, json_loads(field->fallback, JSON_DECODE_ANY, NULL));
}

static int parts_apply(json_t *value, const struct schema_field *field)
{
	const char *key;
	json_t *item;
	size_t i;
	int r = 0;

	if (field->shape == SCHEMA_ONE)
		return json_is_object(value) ? defaults_apply(value, field->message) : 0;
	json_array_foreach (value, i, item)
		if (r == 0)
			r = defaults_apply(item, field->message);
	json_object_foreach (value, key, item)
		if (r == 0)
			r = defaults_apply(item, field->message);
	return r;
}

int defaults_apply(json_t *object, const struct schema_message *message)
{
	const struct schema_field *field;
	int r = 0;

	for (field = message->fields; r == 0 && field->name; field++)
		r = fallback_apply(object, field);
	if (r == 0 && message->complete)
		r = message->complete(object);
	for (field = message->fields; r == 0 && field->name; field++)
		if (field->message)
			r = parts_apply(json_object_get(object, field->name), field);
	return r == 0 && message->embedded ? defaults_apply(object, message->embedded) : r;
}

/* Always for :latest and for no tag at all; a digest alone is as good as a tag. */
static const char *pull_policy(const char *image)
{
	size_t len = strcspn(image, "@");
	const char *slash = memrchr(image, '/', len);
	const char *name = slash ? slash + 1 : image;
	const char *tag = memchr(name, ':', len - (size_t)(name - image));

	if (!tag)
		return image[len] == '@' ? "IfNotPresent" : "Always";
	return len - (size_t)(tag - image) == 7 && strncmp(tag, ":latest", 7) == 0 ? "Always"
										   : "IfNotPresent";
}

int container_complete(json_t *container)
{
	const char *image = json_string_at(container, "image", "");

	return set_missing(container, "imagePullPolicy", json_string(pull_policy(image)));
}

static int resources_complete(json_t *resources)
{
	json_t *limits = json_object_get(resources, "limits"), *value;
	json_t *requests = json_object_get(resources, "requests");
	const char *resource;

	if (json_object_size(limits) == 0)
		return 0;
	if (!requests) {
		requests = json_object();
		if (set_new(resources, "requests", requests) < 0)
			return -ENOMEM;
	}
	json_object_foreach (limits, resource, value)
		if (!json_object_get(requests, resource) &&
			json_object_set(requests, resource, value) < 0)
			return -ENOMEM;
	return 0;
}

int pod_complete(json_t *pod)
{
	static const char *const lists[] = {"initContainers", "containers"};
	json_t *spec = json_object_get(pod, "spec"), *container;
	size_t i;

	if (!json_is_object(spec))
		return 0;
	for (size_t list = 0; list < COUNT(lists); list++) {
		json_array_foreach (json_object_get(spec, lists[list]), i, container)
			if (resources_complete(json_object_get(container, "resources")) < 0)
				return -ENOMEM;
	}
	return set_missing(spec, "enableServiceLinks", json_true());
}

/* A volume that names no source has only its name. */
int volume_complete(json_t *volume)
{
	if (json_object_size(volume) > 1)
		return 0;
	return set_new(volume, "emptyDir", json_object());
}

static int host_ports_complete(json_t *containers)
{
	json_t *container, *port;
	size_t i, j;

	json_array_foreach (containers, i, container) {
		json_array_foreach (json_object_get(container, "ports"), j, port) {
			json_t *number = json_object_get(port, "containerPort");

			if (number && set_missing(port, "hostPort", json_incref(number)) < 0)
				return -ENOMEM;
		}
	}
	return 0;
}

int pod_spec_complete(json_t *spec)
{
	static const char *const names[] = {"serviceAccountName", "serviceAccount"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < COUNT(names); i++) {
		json_t *given = json_object_get(spec, names[i]);

		if (given)
			r = set_missing(spec, names[1 - i], json_incref(given));
	}
	if (r == 0 && json_is_true(json_object_get(spec, "hostNetwork")))
		r = host_ports_complete(json_object_get(spec, "containers"));
	return r;
}

int namespace_complete(json_t *namespace)
{
	json_t *meta = json_object_get(namespace, "metadata");
	json_t *name = json_object_get(meta, "name");

	if (!name)
		return 0;
	if (!json_object_get(meta, "labels") && set_new(meta, "labels", json_object()) < 0)
		return -ENOMEM;
	return set_new(
		json_object_get(meta, "labels"), "kubernetes.io/metadata.name", json_incref(name));
}

int node_spec_complete(json_t *spec)
{
	json_t *ranges = json_object_get(spec, "podCIDRs");
	json_t *range = json_object_get(spec, "podCIDR");

	if (range)
		return set_missing(spec, "podCIDRs", json_pack("[O]", range));
	range = json_array_get(ranges, 0);
	return range ? set_new(spec, "podCIDR", json_incref(range)) : 0;
}

static int affinity_complete(json_t *spec)
{
	json_t *config;

	if (strcmp(json_string_at(spec, "sessionAffinity", ""), "ClientIP") != 0)
		return 0;
	config = json_pack("{s{si}}", "clientIP", "timeoutSeconds", 10800);
	return set_missing(spec, "sessionAffinityConfig", config);
}

int service_spec_complete(json_t *spec)
{
	const char *type = json_string_at(spec, "type", "ClusterIP");
	bool balanced = strcmp(type, "LoadBalancer") == 0;
	int r = affinity_complete(spec);

	if (r < 0 || strcmp(type, "ExternalName") == 0)
		return r;
	r = set_missing(spec, "internalTrafficPolicy", json_string("Cluster"));
	if (r == 0 && (balanced || strcmp(type, "NodePort") == 0))
		r = set_missing(spec, "externalTrafficPolicy", json_string("Cluster"));
	if (r == 0 && balanced)
		r = set_missing(spec, "allocateLoadBalancerNodePorts", json_true());
	return r;
}

int service_port_complete(json_t *port)
{
	json_t *number = json_object_get(port, "port");

	return number ? set_missing(port, "targetPort", json_incref(number)) : 0;
}

static int secret_add(json_t *data, const char *key, const json_t *value)
{
	AUTO_FREE char *text = base64_encode(json_string_value(value), json_string_length(value));

	return text ? set_new(data, key, json_string(text)) : -ENOMEM;
}

/* stringData is for writing only: it goes into data, over what is there. */
int secret_complete(json_t *secret)
{
	json_t *given = json_object_get(secret, "stringData"), *value;
	json_t *data = json_object_get(secret, "data");
	const char *key;

	if (!given)
		return 0;
	if (!data) {
		data = json_object();
		if (set_new(secret, "data", data) < 0)
			return -ENOMEM;
	}
	json_object_foreach (given, key, value)
		if (secret_add(data, key, value) < 0)
			return -ENOMEM;
	json_object_del(secret, "stringData");
	return 0;
}

int strategy_complete(json_t *strategy)
{
	if (strcmp(json_string_at(strategy, "type", ""), "RollingUpdate") != 0)
		return 0;
	return set_missing(strategy, "rollingUpdate", json_object());
}

int subject_complete(json_t *subject)
{
	const char *kind = json_string_at(subject, "kind", "");

	if (strcmp(kind, "User") != 0 && strcmp(kind, "Group") != 0)
		return 0;
	return set_missing(subject, "apiGroup", json_string("rbac.authorization.k8s.io"));
}
