// SPDX-License-Identifier: Apache-2.0
#include "user/api/pod.h"

#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/model/affinity.h"

/* A Pod that has not begun, or is at its end, has nothing to end in peace. */
long long pod_grace(const json_t *object, long long asked)
{
	const json_t *spec = json_object_get(object, "spec");
	const char *phase = json_string_at(json_object_get(object, "status"), "phase", "");

	if (!json_string_at(spec, "nodeName", "")[0] || strcmp(phase, "Succeeded") == 0 ||
		strcmp(phase, "Failed") == 0)
		return 0;
	return asked >= 0 ? asked : json_integer_at(spec, "terminationGracePeriodSeconds", 30);
}

static bool resources_have(const json_t *container, const char *what, const char *name)
{
	const json_t *resources = json_object_get(container, "resources");

	return json_object_get(json_object_get(resources, what), name) != NULL;
}

/* Guaranteed: limits of both that equal the requests; BestEffort: nothing is said at all. */
static void qos_look(const json_t *container, bool *any, bool *all)
{
	static const char *const names[] = {"cpu", "memory"};
	const json_t *resources = json_object_get(container, "resources");

	for (size_t i = 0; i < COUNT(names); i++) {
		const json_t *limits = json_object_get(resources, "limits");
		const json_t *requests = json_object_get(resources, "requests");

		*any |= resources_have(container, "limits", names[i]) ||
			resources_have(container, "requests", names[i]);
		*all &= json_object_get(limits, names[i]) &&
			json_equal(json_object_get(limits, names[i]),
				json_object_get(requests, names[i]));
	}
}

static const char *pod_qos(const json_t *spec)
{
	static const char *const lists[] = {"containers", "initContainers"};
	bool any = false, all = true;
	json_t *container;
	size_t i;

	for (size_t list = 0; list < COUNT(lists); list++)
		json_array_foreach (json_object_get(spec, lists[list]), i, container)
			qos_look(container, &any, &all);
	return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

/* What waits for others before it may wait for a node says so from its beginning. */
static json_t *conditions_of_new(const json_t *spec)
{
	if (json_array_size(json_object_get(spec, "schedulingGates")) == 0)
		return NULL;
	return json_pack("[{s:s, s:s, s:n, s:n, s:s, s:s}]", "type", "PodScheduled", "status",
		"False", "lastProbeTime", "lastTransitionTime", "reason", "SchedulingGated",
		"message", "Scheduling is blocked due to non-empty scheduling gates");
}

/* What a Pod may come to have, but not be born with. */
static int birth_check(
	const struct api_request *request, const json_t *spec, struct failure *failure)
{
	const char *why = NULL;

	if (json_array_size(json_object_get(spec, "schedulingGates")) &&
		json_string_at(spec, "nodeName", "")[0])
		why = "nodeName: Forbidden: cannot be set until all schedulingGates have been "
		      "cleared";
	else if (json_array_size(json_object_get(spec, "ephemeralContainers")))
		why = "ephemeralContainers: Forbidden: cannot be set on create";
	return why ? failure_set(failure, 422, "Invalid", "Pod \"%s\" is invalid: spec.%s",
			     request->name, why)
		   : 0;
}

int pod_keep(json_t *object, const json_t *old)
{
	static const char key[] = "ephemeralContainers";
	AUTO_JSON added = json_incref(json_object_get(json_object_get(object, "spec"), key));
	AUTO_JSON spec = json_deep_copy(json_object_get(old, "spec"));
	AUTO_JSON meta = json_deep_copy(json_object_get(old, "metadata"));
	json_t *status = json_object_get(old, "status");
	int r = !spec || !meta ? -1 : 0;

	if (r == 0 && added)
		r = json_object_set(spec, key, added);
	else if (r == 0)
		json_object_del(spec, key);
	if (r == 0)
		r = json_object_set(object, "spec", spec);
	if (r == 0)
		r = json_object_set(object, "metadata", meta);
	if (r == 0 && status)
		r = json_object_set(object, "status", status);
	return r;
}

int pod_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	const json_t *spec = json_object_get(object, "spec");
	json_t *status = json_pack("{s:s, s:s, s:o*}", "phase", "Pending", "qosClass",
		pod_qos(spec), "conditions", conditions_of_new(spec));

	if (birth_check(request, spec, failure) < 0) {
		json_decref(status);
		return -1;
	}
	if (json_object_set_new(object, "status", status) < 0 || affinity_merge_keys(object) < 0)
		return failure_internal(failure, "out of memory");
	return pod_admit(request, object, failure);
}
