// SPDX-License-Identifier: Apache-2.0
#include "user/api/service.h"

#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"

static const json_t *spec_of(const json_t *service)
{
	return json_object_get(service, "spec");
}

static const char *type_of(const json_t *spec)
{
	return json_string_at(spec, "type", "");
}

static bool is_type(const json_t *spec, const char *type)
{
	return strcmp(type_of(spec), type) == 0;
}

static bool has_cluster_ip(const json_t *spec)
{
	return is_type(spec, "ClusterIP") || is_type(spec, "NodePort") ||
	       is_type(spec, "LoadBalancer");
}

static bool has_node_ports(const json_t *spec)
{
	return is_type(spec, "NodePort") || is_type(spec, "LoadBalancer");
}

static bool same_at(const json_t *a, const json_t *b, const char *key)
{
	const json_t *in_a = json_object_get(a, key), *in_b = json_object_get(b, key);

	return in_a && in_b && json_equal(in_a, in_b);
}

/* --- what allocation adds --- */

static int families_complete(json_t *spec)
{
	if (!has_cluster_ip(spec))
		return 0;
	if (!json_object_get(spec, "ipFamilyPolicy") &&
		json_object_set_new(spec, "ipFamilyPolicy", json_string("SingleStack")) < 0)
		return -1;
	return json_object_get(spec, "ipFamilies")
		       ? 0
		       : json_object_set_new(spec, "ipFamilies", json_pack("[s]", "IPv4"));
}

/* One address, told twice. */
static int addresses_complete(json_t *spec, const json_t *old)
{
	const char *ip = json_string_at(spec, "clusterIP", "");

	/* Who changes the one means the other, too. */
	if (old && same_at(spec, old, "clusterIPs") && !same_at(spec, old, "clusterIP"))
		json_object_del(spec, "clusterIPs");
	if (json_object_get(spec, "clusterIPs") || !ip[0])
		return 0;
	return json_object_set_new(spec, "clusterIPs", json_pack("[s]", ip));
}

int service_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	(void)request;
	if (families_complete(json_object_get(object, "spec")) < 0 ||
		addresses_complete(json_object_get(object, "spec"), NULL) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

/* --- what an update leaves out, it means to keep --- */

static void keep(json_t *spec, const json_t *old, const char *key)
{
	json_t *value = json_object_get(old, key);

	if (value && !json_object_get(spec, key))
		json_object_set(spec, key, value);
}

static bool node_port_is_used(const json_t *ports, long long number)
{
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port)
		if (json_integer_at(port, "nodePort", 0) == number)
			return true;
	return false;
}

static long long node_port_before(const json_t *ports, const json_t *old)
{
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port)
		if (same_at(port, old, "port") && same_at(port, old, "protocol"))
			return json_integer_at(port, "nodePort", 0);
	return 0;
}

static void node_ports_keep(json_t *ports, const json_t *old)
{
	json_t *port;
	size_t i;

	json_array_foreach (ports, i, port) {
		long long number = node_port_before(old, port);

		if (!json_object_get(port, "nodePort") && number &&
			!node_port_is_used(ports, number))
			json_object_set_new(port, "nodePort", json_integer(number));
	}
}

static void spec_keep(json_t *spec, const json_t *old)
{
	if (has_cluster_ip(spec) && has_cluster_ip(old)) {
		keep(spec, old, "clusterIP");
		if (same_at(spec, old, "clusterIP"))
			keep(spec, old, "clusterIPs");
	}
	if (has_node_ports(spec) && has_node_ports(old)) {
		node_ports_keep(json_object_get(spec, "ports"), json_object_get(old, "ports"));
		keep(spec, old, "healthCheckNodePort");
	}
}

/* --- what belonged to the type that it had, goes with it --- */

static void drop(json_t *spec, const json_t *old, const char *key)
{
	if (same_at(spec, old, key))
		json_object_del(spec, key);
}

static void node_ports_drop(json_t *ports, const json_t *old)
{
	json_t *port;
	size_t i;

	json_array_foreach (ports, i, port)
		if (node_port_is_used(old, json_integer_at(port, "nodePort", 0)))
			json_object_del(port, "nodePort");
}

static void spec_drop(json_t *spec, const json_t *old)
{
	static const char *const of_addresses[] = {
		"clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"};
	static const char *const of_balancers[] = {
		"allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"};

	for (size_t i = 0; has_cluster_ip(old) && !has_cluster_ip(spec) && i < COUNT(of_addresses);
		i++)
		drop(spec, old, of_addresses[i]);
	for (size_t i = 0; is_type(old, "LoadBalancer") && !is_type(spec, "LoadBalancer") &&
			   i < COUNT(of_balancers);
		i++)
		drop(spec, old, of_balancers[i]);
	if (has_node_ports(old) && !has_node_ports(spec)) {
		node_ports_drop(json_object_get(spec, "ports"), json_object_get(old, "ports"));
		drop(spec, old, "externalTrafficPolicy");
	}
	if (strcmp(json_string_at(spec, "externalTrafficPolicy", ""), "Local") != 0)
		drop(spec, old, "healthCheckNodePort");
}

int service_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure)
{
	json_t *spec = json_object_get(object, "spec");

	(void)request;
	spec_keep(spec, spec_of(old));
	spec_drop(spec, spec_of(old));
	if (families_complete(spec) < 0 || addresses_complete(spec, spec_of(old)) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}
