// SPDX-License-Identifier: Apache-2.0
/* Services, and where they lead to. */
#include <stdio.h>
#include <string.h>

#include "user/model/columns_part.h"

#define ENDPOINTS_SHOWN 3

static json_t *cell_service_type(const json_t *service, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(service, "spec", "type", "ClusterIP"));
}

static json_t *cell_cluster_ip(const json_t *service, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(service, "spec", "clusterIP", COLUMN_NONE));
}

static void external_balancer(const json_t *service, char *list, size_t size)
{
	const json_t *ingress;
	size_t i;

	json_array_foreach (
		json_object_get(cell_at(service, "status", "loadBalancer"), "ingress"), i, ingress)
		cell_list_add(list, size,
			json_string_at(ingress, "ip", json_string_at(ingress, "hostname", "")));
}

static json_t *cell_external_ip(const json_t *service, int64_t now)
{
	const char *type = cell_text_at(service, "spec", "type", "ClusterIP");
	char list[CELL_MAX] = "";
	const json_t *ip;
	size_t i;

	(void)now;
	if (strcmp(type, "ExternalName") == 0)
		return json_any_text(cell_text_at(service, "spec", "externalName", ""));
	if (strcmp(type, "LoadBalancer") == 0)
		external_balancer(service, list, sizeof(list));
	json_array_foreach (cell_at(service, "spec", "externalIPs"), i, ip)
		if (json_is_string(ip))
			cell_list_add(list, sizeof(list), json_string_value(ip));
	if (!list[0] && strcmp(type, "LoadBalancer") == 0)
		return json_string("<pending>");
	return cell_list(list);
}

static json_t *cell_ports(const json_t *service, int64_t now)
{
	char list[CELL_MAX] = "", text[64];
	const json_t *port;
	size_t i;

	(void)now;
	json_array_foreach (cell_at(service, "spec", "ports"), i, port) {
		long long node = json_integer_at(port, "nodePort", 0);
		char node_text[24] = "";

		if (node)
			snprintf(node_text, sizeof(node_text), ":%lld", node);
		snprintf(text, sizeof(text), "%lld%s/%s", json_integer_at(port, "port", 0),
			node_text, json_string_at(port, "protocol", "TCP"));
		cell_list_add(list, sizeof(list), text);
	}
	return cell_list(list);
}

static json_t *cell_service_selector(const json_t *service, int64_t now)
{
	(void)now;
	return cell_labels(cell_at(service, "spec", "selector"));
}

const struct column columns_service[] = {
	COLUMN_NAME,
	{"Type", "string", "", 0, cell_service_type},
	{"Cluster-IP", "string", "", 0, cell_cluster_ip},
	{"External-IP", "string", "", 0, cell_external_ip},
	{"Port(s)", "string", "", 0, cell_ports},
	COLUMN_AGE,
	{"Selector", "string", "", 1, cell_service_selector},
	COLUMN_END,
};

/* The first few, and how many more there are. */
struct few {
	char list[CELL_MAX];
	size_t count;
};

static void few_add(struct few *few, const char *text)
{
	if (few->count++ < ENDPOINTS_SHOWN)
		cell_list_add(few->list, sizeof(few->list), text);
}

static json_t *few_cell(const struct few *few)
{
	if (few->count > ENDPOINTS_SHOWN)
		return json_sprintf("%s + %zu more...", few->list, few->count - ENDPOINTS_SHOWN);
	return cell_list(few->list);
}

static void endpoints_add(struct few *few, const json_t *subset)
{
	const json_t *addresses = json_object_get(subset, "addresses"), *address, *port;
	const json_t *ports = json_object_get(subset, "ports");
	char text[96];
	size_t i, j;

	json_array_foreach (addresses, i, address)
		if (json_array_size(ports) == 0)
			few_add(few, json_string_at(address, "ip", ""));
	json_array_foreach (ports, j, port)
		json_array_foreach (addresses, i, address) {
			snprintf(text, sizeof(text), "%s:%lld", json_string_at(address, "ip", ""),
				json_integer_at(port, "port", 0));
			few_add(few, text);
		}
}

static json_t *cell_endpoints(const json_t *endpoints, int64_t now)
{
	struct few few = {.list = ""};
	const json_t *subset;
	size_t i;

	(void)now;
	json_array_foreach (json_object_get(endpoints, "subsets"), i, subset)
		endpoints_add(&few, subset);
	return few_cell(&few);
}

const struct column columns_endpoints[] = {
	COLUMN_NAME, {"Endpoints", "string", "", 0, cell_endpoints}, COLUMN_AGE, COLUMN_END};

static json_t *cell_address_type(const json_t *slice, int64_t now)
{
	(void)now;
	return json_any_text(json_string_at(slice, "addressType", ""));
}

static json_t *cell_slice_ports(const json_t *slice, int64_t now)
{
	struct few few = {.list = ""};
	const json_t *port;
	char text[24];
	size_t i;

	(void)now;
	json_array_foreach (json_object_get(slice, "ports"), i, port) {
		snprintf(text, sizeof(text), "%lld", json_integer_at(port, "port", 0));
		few_add(&few, json_object_get(port, "port") ? text : "*");
	}
	return few.count ? few_cell(&few) : json_string("<unset>");
}

static json_t *cell_slice_endpoints(const json_t *slice, int64_t now)
{
	struct few few = {.list = ""};
	const json_t *endpoint, *address;
	size_t i, j;

	(void)now;
	json_array_foreach (json_object_get(slice, "endpoints"), i, endpoint)
		json_array_foreach (json_object_get(endpoint, "addresses"), j, address)
			few_add(&few, json_is_string(address) ? json_string_value(address) : "");
	return few.count ? few_cell(&few) : json_string("<unset>");
}

const struct column columns_endpoint_slice[] = {
	COLUMN_NAME,
	{"AddressType", "string", "", 0, cell_address_type},
	{"Ports", "string", "", 0, cell_slice_ports},
	{"Endpoints", "string", "", 0, cell_slice_endpoints},
	COLUMN_AGE,
	COLUMN_END,
};
