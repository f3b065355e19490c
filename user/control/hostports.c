// SPDX-License-Identifier: Apache-2.0
#include "user/control/hostports.h"

#include <string.h>

static const char *address_of(const json_t *port)
{
	const char *address = json_string_at(port, "hostIP", "");

	return strcmp(address, "0.0.0.0") == 0 ? "" : address;
}

static bool port_conflicts(const json_t *a, const json_t *b)
{
	const char *at_a = address_of(a), *at_b = address_of(b);

	return json_integer_at(a, "hostPort", 0) == json_integer_at(b, "hostPort", 0) &&
	       strcmp(json_string_at(a, "protocol", "TCP"), json_string_at(b, "protocol", "TCP")) ==
		       0 &&
	       (!at_a[0] || !at_b[0] || strcmp(at_a, at_b) == 0);
}

static bool port_is_taken(const json_t *port, const json_t *pod)
{
	const json_t *container, *other;
	size_t i, j;

	json_array_foreach (
		json_object_get(json_object_get(pod, "spec"), "containers"), i, container)
		json_array_foreach (json_object_get(container, "ports"), j, other)
			if (port_conflicts(port, other))
				return true;
	return false;
}

bool hostports_conflict(const json_t *pod, const json_t *other)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (
		json_object_get(json_object_get(pod, "spec"), "containers"), i, container)
		json_array_foreach (json_object_get(container, "ports"), j, port)
			if (json_integer_at(port, "hostPort", 0) && port_is_taken(port, other))
				return true;
	return false;
}

bool hostports_any(const json_t *pod)
{
	const json_t *container, *port;
	size_t i, j;

	json_array_foreach (
		json_object_get(json_object_get(pod, "spec"), "containers"), i, container)
		json_array_foreach (json_object_get(container, "ports"), j, port)
			if (json_integer_at(port, "hostPort", 0))
				return true;
	return false;
}
