// SPDX-License-Identifier: Apache-2.0
#include "user/control/resources.h"

#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/model/quantity.h"

static const struct {
	const char *name;
	int64_t shown; /* where nothing is requested, a score still counts something */
} rows[] = {
	[RESOURCE_CPU] = {"cpu", 100},
	[RESOURCE_MEMORY] = {"memory", 200 << 20},
	[RESOURCE_STORAGE] = {"ephemeral-storage", 0},
};

const char *resource_name(enum resource resource)
{
	return rows[resource].name;
}

/* @list[name] in the unit of @resource; 0 when it is not there or no quantity. */
static int64_t amount_at(const json_t *list, enum resource resource)
{
	const char *text = json_string_value(json_object_get(list, rows[resource].name));
	struct quantity quantity;
	int64_t amount = 0;

	if (!text || quantity_parse(text, &quantity) < 0)
		return 0;
	if (resource == RESOURCE_CPU)
		return quantity_milli(&quantity, &amount) < 0 ? INT64_MAX : amount;
	return quantity_units(&quantity, &amount) < 0 ? INT64_MAX : amount;
}

void resources_add(struct resources *to, const struct resources *more)
{
	for (int i = 0; i < RESOURCE_COUNT; i++)
		if (__builtin_add_overflow(to->amount[i], more->amount[i], &to->amount[i]))
			to->amount[i] = INT64_MAX;
	to->pods += more->pods;
}

static void resources_raise(struct resources *to, const struct resources *least)
{
	for (int i = 0; i < RESOURCE_COUNT; i++)
		if (to->amount[i] < least->amount[i])
			to->amount[i] = least->amount[i];
}

static struct resources of_container(const json_t *container, bool shown)
{
	const json_t *resources = json_object_get(container, "resources");
	const json_t *requests = json_object_get(resources, "requests");
	struct resources ret = {0};

	for (int i = 0; i < RESOURCE_COUNT; i++) {
		ret.amount[i] = amount_at(requests, (enum resource)i);
		if (shown && !json_object_get(requests, rows[i].name))
			ret.amount[i] = rows[i].shown;
	}
	return ret;
}

/* Init containers run one after the other; those that stay (restartPolicy Always) run along. */
static struct resources of_pod(const json_t *spec, bool shown)
{
	struct resources sum = {0}, beside = {0}, most = {0};
	const json_t *container;
	size_t i;

	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		struct resources one = of_container(container, shown);

		if (strcmp(json_string_at(container, "restartPolicy", ""), "Always") == 0) {
			resources_add(&beside, &one);
			resources_raise(&most, &beside);
			continue;
		}
		resources_add(&one, &beside);
		resources_raise(&most, &one);
	}
	sum = beside;
	json_array_foreach (json_object_get(spec, "containers"), i, container) {
		struct resources one = of_container(container, shown);

		resources_add(&sum, &one);
	}
	resources_raise(&sum, &most);
	for (int r = 0; r < RESOURCE_COUNT; r++)
		sum.amount[r] += amount_at(json_object_get(spec, "overhead"), (enum resource)r);
	sum.pods = 1;
	return sum;
}

void resources_of_pod(const json_t *pod, struct resources *ret, struct resources *ret_shown)
{
	const json_t *spec = json_object_get(pod, "spec");

	*ret = of_pod(spec, false);
	*ret_shown = of_pod(spec, true);
}

void resources_of_node(const json_t *node, struct resources *ret)
{
	const json_t *allocatable = json_object_get(json_object_get(node, "status"), "allocatable");
	const char *pods = json_string_at(allocatable, "pods", "0");
	struct quantity quantity;

	for (int i = 0; i < RESOURCE_COUNT; i++)
		ret->amount[i] = amount_at(allocatable, (enum resource)i);
	ret->pods = 0;
	if (quantity_parse(pods, &quantity) == 0)
		quantity_units(&quantity, &ret->pods);
}

void resources_take(struct resources *from, const struct resources *less)
{
	for (int i = 0; i < RESOURCE_COUNT; i++)
		from->amount[i] -= less->amount[i];
	from->pods -= less->pods;
}

/* --- others --- */

static bool name_is_extended(const char *name)
{
	for (int i = 0; i < RESOURCE_COUNT; i++)
		if (strcmp(name, rows[i].name) == 0)
			return false;
	return true;
}

static int64_t whole_at(const json_t *list, const char *name)
{
	const char *text = json_string_value(json_object_get(list, name));
	struct quantity quantity;
	int64_t amount = 0;

	if (!text || quantity_parse(text, &quantity) < 0)
		return 0;
	return quantity_units(&quantity, &amount) < 0 ? INT64_MAX : amount;
}

static const char *const lists[] = {"initContainers", "containers"};

static json_t *requests_of(const json_t *container)
{
	return json_object_get(json_object_get(container, "resources"), "requests");
}

int resources_extended_of_pod(const json_t *pod, json_t **ret)
{
	json_t *container, *value;
	AUTO_JSON all = NULL;
	const char *name;
	size_t i;

	for (size_t list = 0; list < COUNT(lists); list++)
		json_array_foreach (
			json_object_get(json_object_get(pod, "spec"), lists[list]), i, container)
			json_object_foreach (requests_of(container), name, value) {
				if (!name_is_extended(name) || json_object_get(all, name))
					continue;
				if (!all)
					all = json_object();
				if (json_object_set_new(all, name,
					    json_integer(resources_extended(pod, name))) < 0)
					return -ENOMEM;
			}
	*ret = take_ptr(all);
	return 0;
}

int64_t resources_extended(const json_t *pod, const char *name)
{
	const json_t *spec = json_object_get(pod, "spec"), *container;
	int64_t sum = 0, most = 0;
	size_t i;

	json_array_foreach (json_object_get(spec, "initContainers"), i, container) {
		int64_t one = whole_at(requests_of(container), name);

		if (strcmp(json_string_at(container, "restartPolicy", ""), "Always") == 0)
			sum += one;
		most = one > most ? one : most;
	}
	json_array_foreach (json_object_get(spec, "containers"), i, container)
		if (__builtin_add_overflow(sum, whole_at(requests_of(container), name), &sum))
			return INT64_MAX;
	return sum > most ? sum : most;
}

int64_t resources_extended_of_node(const json_t *node, const char *name)
{
	return whole_at(json_object_get(json_object_get(node, "status"), "allocatable"), name);
}
