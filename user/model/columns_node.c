// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/model/columns_part.h"

#define ROLE_PREFIX "node-role.kubernetes.io/"
#define ROLE_OLD    "kubernetes.io/role"

static json_t *cell_node_status(const json_t *node, int64_t now)
{
	const char *status = "Unknown";
	const json_t *condition;
	size_t i;

	(void)now;
	json_array_foreach (cell_at(node, "status", "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "Ready") == 0)
			status = strcmp(json_string_at(condition, "status", ""), "True") == 0
					 ? "Ready"
					 : "NotReady";
	return json_sprintf("%s%s", status,
		json_is_true(cell_at(node, "spec", "unschedulable")) ? ",SchedulingDisabled" : "");
}

static int text_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static json_t *cell_roles(const json_t *node, int64_t now)
{
	json_t *labels = (json_t *)cell_at(node, "metadata", "labels"), *value;
	char list[CELL_MAX] = "";
	const char *roles[16] = {0}, *key;
	size_t count = 0;

	(void)now;
	json_object_foreach (labels, key, value) {
		const char *role = NULL;

		if (strncmp(key, ROLE_PREFIX, strlen(ROLE_PREFIX)) == 0)
			role = key + strlen(ROLE_PREFIX);
		else if (strcmp(key, ROLE_OLD) == 0)
			role = json_string_value(value);
		if (role && role[0] && count < sizeof(roles) / sizeof(roles[0]))
			roles[count++] = role;
	}
	qsort(roles, count, sizeof(roles[0]), text_order);
	for (size_t i = 0; i < count; i++)
		cell_list_add(list, sizeof(list), roles[i]);
	return cell_list(list);
}

static json_t *node_address(const json_t *node, const char *type)
{
	const json_t *address;
	size_t i;

	json_array_foreach (cell_at(node, "status", "addresses"), i, address)
		if (strcmp(json_string_at(address, "type", ""), type) == 0)
			return json_any_text(json_string_at(address, "address", ""));
	return json_string(COLUMN_NONE);
}

static json_t *cell_internal_ip(const json_t *node, int64_t now)
{
	(void)now;
	return node_address(node, "InternalIP");
}

static json_t *cell_external_ip(const json_t *node, int64_t now)
{
	(void)now;
	return node_address(node, "ExternalIP");
}

static json_t *node_info(const json_t *node, const char *key)
{
	return json_any_text(json_string_at(cell_at(node, "status", "nodeInfo"), key, "<unknown>"));
}

static json_t *cell_version(const json_t *node, int64_t now)
{
	(void)now;
	return node_info(node, "kubeletVersion");
}

static json_t *cell_os_image(const json_t *node, int64_t now)
{
	(void)now;
	return node_info(node, "osImage");
}

static json_t *cell_kernel(const json_t *node, int64_t now)
{
	(void)now;
	return node_info(node, "kernelVersion");
}

static json_t *cell_runtime(const json_t *node, int64_t now)
{
	(void)now;
	return node_info(node, "containerRuntimeVersion");
}

const struct column columns_node[] = {
	COLUMN_NAME,
	{"Status", "string", "", 0, cell_node_status},
	{"Roles", "string", "", 0, cell_roles},
	COLUMN_AGE,
	{"Version", "string", "", 0, cell_version},
	{"Internal-IP", "string", "", 1, cell_internal_ip},
	{"External-IP", "string", "", 1, cell_external_ip},
	{"OS-Image", "string", "", 1, cell_os_image},
	{"Kernel-Version", "string", "", 1, cell_kernel},
	{"Container-Runtime", "string", "", 1, cell_runtime},
	COLUMN_END,
};
