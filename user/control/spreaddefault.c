// SPDX-License-Identifier: Apache-2.0
#include "user/control/spreaddefault.h"

#include <stdio.h>
#include <string.h>

#include "user/control/owned.h"
#include "user/control/snapshot.h"

static json_t *spec_of(const json_t *object, const char *key)
{
	return json_object_get(json_object_get(object, "spec"), key);
}

static int expressions_of_labels(json_t *expressions, const json_t *labels)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)labels, key, value)
		if (json_array_append_new(expressions, json_pack("{s:s, s:s, s:[O]}", "key", key,
							       "operator", "In", "values", value)) <
			0)
			return -1;
	return 0;
}

/* Of each Service that has the Pod. */
static int services_add(const struct snapshot *snapshot, const json_t *pod, json_t *expressions)
{
	const char *key;
	json_t *service;

	json_object_foreach ((json_t *)snapshot->services, key, service) {
		const json_t *selector = spec_of(service, "selector");

		if (json_object_size(selector) == 0 ||
			strcmp(meta_text(service, "namespace"), meta_text(pod, "namespace")) != 0 ||
			!meta_has_labels(pod, selector))
			continue;
		if (expressions_of_labels(expressions, selector) < 0)
			return -1;
	}
	return 0;
}

static int controller_add(const struct snapshot *snapshot, const json_t *pod, json_t *expressions)
{
	const json_t *owner = owned_controller(pod);
	const json_t *selector;
	char key[512];

	if (strcmp(json_string_at(owner, "kind", ""), "ReplicaSet") != 0)
		return 0;
	snprintf(key, sizeof(key), "%s/%s", meta_text(pod, "namespace"),
		json_string_at(owner, "name", ""));
	selector = spec_of(json_object_get(snapshot->replica_sets, key), "selector");
	if (expressions_of_labels(expressions, json_object_get(selector, "matchLabels")) < 0)
		return -1;
	if (!json_object_get(selector, "matchExpressions"))
		return 0;
	return json_array_extend(expressions, json_object_get(selector, "matchExpressions"));
}

static json_t *constraint_new(int skew, const char *key, json_t *expressions)
{
	return json_pack("{s:i, s:s, s:s, s:{s:O}}", "maxSkew", skew, "topologyKey", key,
		"whenUnsatisfiable", "ScheduleAnyway", "labelSelector", "matchExpressions",
		expressions);
}

json_t *spread_defaults(const struct snapshot *snapshot, const json_t *pod)
{
	AUTO_JSON expressions = json_array();

	if (!expressions || services_add(snapshot, pod, expressions) < 0 ||
		controller_add(snapshot, pod, expressions) < 0 || json_array_size(expressions) == 0)
		return NULL;
	return json_pack("[o, o]", constraint_new(3, "kubernetes.io/hostname", expressions),
		constraint_new(5, "topology.kubernetes.io/zone", expressions));
}
