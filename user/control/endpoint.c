// SPDX-License-Identifier: Apache-2.0
#include "user/control/endpoint.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"

#define HEADLESS "service.kubernetes.io/headless"

static const json_t *spec_of(const json_t *object)
{
	return json_object_get(object, "spec");
}

bool service_selects(const json_t *service)
{
	const json_t *spec = spec_of(service);

	return json_object_size(json_object_get(spec, "selector")) > 0 &&
	       strcmp(json_string_at(spec, "type", ""), "ExternalName") != 0;
}

bool service_has_pod(const json_t *service, const json_t *pod)
{
	return strcmp(meta_text(service, "namespace"), meta_text(pod, "namespace")) == 0 &&
	       meta_has_labels(pod, json_object_get(spec_of(service), "selector"));
}

bool service_is_headless(const json_t *service)
{
	return strcmp(json_string_at(spec_of(service), "clusterIP", ""), "None") == 0;
}

bool service_shows_unready(const json_t *service)
{
	return json_is_true(json_object_get(spec_of(service), "publishNotReadyAddresses"));
}

const char *pod_ip(const json_t *pod)
{
	return json_string_at(json_object_get(pod, "status"), "podIP", "");
}

bool pod_is_endpoint(const json_t *pod, bool terminating)
{
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");

	return pod_ip(pod)[0] && strcmp(phase, "Succeeded") != 0 && strcmp(phase, "Failed") != 0 &&
	       (terminating || !meta_is_deleting(pod));
}

const char *pod_hostname(const json_t *pod, const json_t *service)
{
	const json_t *spec = spec_of(pod);

	if (strcmp(json_string_at(spec, "subdomain", ""), meta_text(service, "name")) != 0)
		return "";
	return json_string_at(spec, "hostname", "");
}

/* --- ports --- */

static long long port_in(const json_t *containers, const char *name, const char *protocol)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (containers, i, container)
		json_array_foreach (json_object_get(container, "ports"), j, port)
			if (strcmp(json_string_at(port, "name", ""), name) == 0 &&
				strcmp(json_string_at(port, "protocol", "TCP"), protocol) == 0)
				return json_integer_at(port, "containerPort", 0);
	return 0;
}

/* 0: the Pod does not know it. */
static long long port_at(const json_t *port, const json_t *pod)
{
	const json_t *target = json_object_get(port, "targetPort");
	const char *name = json_string_value(target);
	const char *protocol = json_string_at(port, "protocol", "TCP");
	long long number;

	if (json_is_integer(target))
		return json_integer_value(target);
	if (!name)
		return json_integer_at(port, "port", 0);
	number = port_in(json_object_get(spec_of(pod), "containers"), name, protocol);
	return number ? number
		      : port_in(json_object_get(spec_of(pod), "initContainers"), name, protocol);
}

json_t *service_ports_at(const json_t *service, const json_t *pod, bool named)
{
	json_t *list = json_array(), *port;
	size_t i;

	json_array_foreach (json_object_get(spec_of(service), "ports"), i, port) {
		long long number = port_at(port, pod);
		const char *name = json_string_at(port, "name", "");
		json_t *at;

		if (!number)
			continue;
		at = json_pack("{s:s*, s:s, s:I}", "name", name[0] || named ? name : NULL,
			"protocol", json_string_at(port, "protocol", "TCP"), "port",
			(json_int_t)number);
		if (json_object_get(port, "appProtocol"))
			json_object_set(at, "appProtocol", json_object_get(port, "appProtocol"));
		json_array_append_new(list, at);
	}
	return list;
}

json_t *pod_reference(const json_t *pod)
{
	return json_pack("{s:s, s:s, s:s, s:s}", "kind", "Pod", "namespace",
		meta_text(pod, "namespace"), "name", meta_text(pod, "name"), "uid",
		meta_text(pod, "uid"));
}

/* --- labels --- */

json_t *service_labels(const json_t *service, json_t *more)
{
	const json_t *own = json_object_get(json_object_get(service, "metadata"), "labels");
	json_t *labels = own ? json_copy((json_t *)own) : json_object();

	if (service_is_headless(service))
		json_object_set_new(labels, HEADLESS, json_string(""));
	else
		json_object_del(labels, HEADLESS);
	if (json_object_update(labels, more) < 0) {
		json_decref(labels);
		labels = NULL;
	}
	json_decref(more);
	return labels;
}

json_t *labels_patch(const json_t *old, const json_t *wanted)
{
	json_t *patch = json_copy((json_t *)wanted), *value;
	const char *key;

	json_object_foreach ((json_t *)old, key, value)
		if (!json_object_get(wanted, key))
			json_object_set_new(patch, key, json_null());
	return patch;
}
