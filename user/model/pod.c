// SPDX-License-Identifier: Apache-2.0
#include "user/model/pod.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/decode.h"

static int volumes_decode(struct pod *pod, const json_t *list)
{
	json_t *item;
	size_t i;

	pod->volumes = pod_alloc(pod, json_array_size(list) + 1, sizeof(*pod->volumes));
	if (!pod->volumes)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		if (volume_decode(pod, item, &pod->volumes[i]) < 0)
			return -ENOMEM;
	}
	pod->volume_count = i;
	return 0;
}

static int containers_decode(
	struct pod *pod, const json_t *list, struct container **ret, size_t *ret_count)
{
	json_t *item;
	size_t i;

	*ret = pod_alloc(pod, json_array_size(list) + 1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		if (container_decode(pod, item, &(*ret)[i]) < 0)
			return -ENOMEM;
	}
	*ret_count = i;
	return 0;
}

/* Options as resolv.conf has them: "ndots:5" or a bare word. */
static int dns_options_decode(struct pod *pod, const json_t *list)
{
	json_t *item;
	size_t i;

	pod->dns_options = pod_alloc(pod, json_array_size(list) + 1, sizeof(*pod->dns_options));
	if (!pod->dns_options)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		const char *name = json_string_at(item, "name", "");
		const char *value = json_string_at(item, "value", "");
		size_t size = strlen(name) + strlen(value) + 2;
		char *option = pod_alloc(pod, 1, size);

		if (!option)
			return -ENOMEM;
		snprintf(option, size, "%s%s%s", name, *value ? ":" : "", value);
		pod->dns_options[i] = option;
	}
	return 0;
}

static int dns_decode(struct pod *pod, const json_t *spec)
{
	static const char *const policies[] = {
		[DNS_CLUSTER_FIRST] = "ClusterFirst",
		[DNS_DEFAULT] = "Default",
		[DNS_NONE] = "None",
		[DNS_CLUSTER_FIRST_WITH_HOST_NET] = "ClusterFirstWithHostNet",
	};
	const json_t *config = json_object_get(spec, "dnsConfig");
	int r;

	pod->dns_policy =
		word_decode(json_string_at(spec, "dnsPolicy", ""), policies, COUNT(policies));
	r = pod_strings(pod, json_object_get(config, "nameservers"), true, &pod->dns_servers);
	if (r == 0)
		r = pod_strings(pod, json_object_get(config, "searches"), true, &pod->dns_searches);
	return r == 0 ? dns_options_decode(pod, json_object_get(config, "options")) : r;
}

static int host_aliases_decode(struct pod *pod, const json_t *list)
{
	json_t *item;
	size_t i;

	pod->host_aliases = pod_alloc(pod, json_array_size(list) + 1, sizeof(*pod->host_aliases));
	if (!pod->host_aliases)
		return -ENOMEM;
	json_array_foreach ((json_t *)list, i, item) {
		struct host_alias *alias = &pod->host_aliases[i];

		alias->ip = json_string_at(item, "ip", "");
		if (pod_strings(pod, json_object_get(item, "hostnames"), true, &alias->names) < 0)
			return -ENOMEM;
	}
	pod->host_alias_count = i;
	return 0;
}

/* A name longer than a host name may be is cut, and must not end in '-' or '.' then. */
static void hostname_decode(struct pod *pod, const json_t *spec)
{
	size_t len;

	pod->hostname = json_string_at(spec, "hostname", NULL);
	pod->hostname_given = pod->hostname != NULL;
	if (pod->hostname_given)
		return;
	snprintf(pod->hostname_buffer, sizeof(pod->hostname_buffer), "%s", pod->meta.name);
	len = strlen(pod->hostname_buffer);
	while (len > 1 && strchr("-.", pod->hostname_buffer[len - 1]))
		pod->hostname_buffer[--len] = '\0';
	pod->hostname = pod->hostname_buffer;
}

static int spec_decode(struct pod *pod, const json_t *spec)
{
	static const char *const policies[] = {
		[RESTART_ALWAYS] = "Always",
		[RESTART_ON_FAILURE] = "OnFailure",
		[RESTART_NEVER] = "Never",
	};
	int r;

	pod->restart_policy =
		word_decode(json_string_at(spec, "restartPolicy", ""), policies, COUNT(policies));
	pod->termination_grace =
		(uint32_t)json_integer_at(spec, "terminationGracePeriodSeconds", 30);
	pod->share_process_namespace = json_is_true(json_object_get(spec, "shareProcessNamespace"));
	hostname_decode(pod, spec);
	r = dns_decode(pod, spec);
	if (r == 0)
		r = host_aliases_decode(pod, json_object_get(spec, "hostAliases"));
	if (r == 0)
		r = volumes_decode(pod, json_object_get(spec, "volumes"));
	if (r == 0)
		r = containers_decode(pod, json_object_get(spec, "initContainers"),
			&pod->init_containers, &pod->init_count);
	if (r == 0)
		r = containers_decode(pod, json_object_get(spec, "containers"), &pod->containers,
			&pod->container_count);
	if (r == 0)
		r = containers_decode(pod, json_object_get(spec, "ephemeralContainers"),
			&pod->ephemeral_containers, &pod->ephemeral_count);
	return r;
}

int pod_decode(const struct object *object, struct pod **ret, struct err *err)
{
	struct pod *pod = calloc(1, sizeof(*pod));

	if (pod) {
		pod->json = json_incref(object->json);
		pod->meta = object->meta;
	}
	if (!pod || spec_decode(pod, json_object_get(object->json, "spec")) < 0) {
		pod_free(pod);
		return err_set(
			err, ENOMEM, "read Pod '%s/%s'", object->meta.namespace, object->meta.name);
	}
	*ret = pod;
	return 0;
}

int pod_add_ephemeral(struct pod *pod, json_t *container)
{
	static const char key[] = "ephemeralContainers";
	json_t *spec = json_object_get(pod->json, "spec");
	json_t *list = json_object_get(spec, key);
	size_t count = pod->ephemeral_count;
	struct container *all = pod_alloc(pod, count + 1, sizeof(*all));

	if (!all || container_decode(pod, container, &all[count]) < 0)
		return -ENOMEM;
	if (!list) {
		list = json_array();
		if (json_object_set_new(spec, key, list) < 0)
			return -ENOMEM;
	}
	if (json_array_append(list, container) < 0)
		return -ENOMEM;
	if (count)
		memcpy(all, pod->ephemeral_containers, count * sizeof(*all));
	pod->ephemeral_containers = all;
	pod->ephemeral_count++;
	return 0;
}

static bool asks_nothing(const struct resources *resources)
{
	return resources->cpu_request <= 0 && resources->cpu_limit <= 0 &&
	       resources->memory_request <= 0 && resources->memory_limit <= 0;
}

static bool is_guaranteed(const struct resources *resources)
{
	return resources->cpu_limit > 0 && resources->cpu_request == resources->cpu_limit &&
	       resources->memory_limit > 0 && resources->memory_request == resources->memory_limit;
}

enum qos_class pod_qos(const struct pod *pod)
{
	bool guaranteed = true, best_effort = true;

	for (size_t i = 0; i < pod->init_count + pod->container_count; i++) {
		const struct container *container = i < pod->init_count
							    ? &pod->init_containers[i]
							    : &pod->containers[i - pod->init_count];

		guaranteed &= is_guaranteed(&container->resources);
		best_effort &= asks_nothing(&container->resources);
	}
	if (best_effort)
		return QOS_BEST_EFFORT;
	return guaranteed ? QOS_GUARANTEED : QOS_BURSTABLE;
}

uint16_t pod_port_number(const struct pod *pod, const struct port_ref *ref, enum protocol protocol)
{
	if (!ref->name)
		return ref->number;
	for (size_t i = 0; i < pod->container_count; i++) {
		const struct container *container = &pod->containers[i];

		for (size_t j = 0; j < container->port_count; j++) {
			const struct container_port *port = &container->ports[j];

			if (port->name && port->protocol == protocol &&
				strcmp(port->name, ref->name) == 0)
				return port->port;
		}
	}
	return 0;
}
