// SPDX-License-Identifier: Apache-2.0
#include "user/api/strategy.h"

#include <string.h>

#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/model/causes.h"
#include "user/model/defaults.h"
#include "user/model/place.h"
#include "user/model/schema.h"
#include "user/model/validate.h"

/* --- kinds --- */

static int namespace_create(
	const struct api_request *request, json_t *object, struct failure *failure)
{
	json_t *meta = json_object_get(object, "metadata");
	json_t *labels = json_object_get(meta, "labels");
	int r;

	if (!labels) {
		labels = json_object();
		json_object_set_new(meta, "labels", labels);
	}
	r = json_object_set_new(labels, "kubernetes.io/metadata.name", json_string(request->name)) |
	    json_object_set_new(object, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes")) |
	    json_object_set_new(object, "status", json_pack("{s:s}", "phase", "Active"));
	return r < 0 ? failure_internal(failure, "out of memory") : 0;
}

/* Its spec is the list of finalizers, which `finalize` alone changes. */
static int namespace_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure)
{
	(void)request;
	if (json_object_set(object, "spec", json_object_get(old, "spec")) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static const char *pod_qos(const json_t *spec);

static int pod_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	json_t *status = json_pack("{s:s, s:s}", "phase", "Pending", "qosClass",
		pod_qos(json_object_get(object, "spec")));

	(void)request;
	if (json_object_set_new(object, "status", status) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

/* A Pod that has not begun, or is at its end, has nothing to end in peace. */
static long long pod_grace(const json_t *object, long long asked)
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

static const struct strategy strategies[] = {
	{.plural = "namespaces",
		.has_status = true,
		.create = namespace_create,
		.update = namespace_update},
	{.plural = "nodes", .has_status = true},
	{.plural = "pods", .has_status = true, .create = pod_create, .grace = pod_grace},
	{.plural = "services", .has_status = true, .needs_revision = true},
	{.plural = "deployments", .has_status = true, .has_generation = true},
	{.plural = "replicasets", .has_status = true, .has_generation = true},
	{.plural = "poddisruptionbudgets",
		.has_status = true,
		.has_generation = true,
		.needs_revision = true},
	{.plural = "certificatesigningrequests", .has_status = true, .needs_revision = true},
	{.plural = "leases", .needs_revision = true},
	{.plural = "endpointslices", .has_generation = true},
};

const struct strategy *strategy_of(const struct kind *kind)
{
	static const struct strategy plain;

	for (size_t i = 0; i < COUNT(strategies); i++)
		if (strcmp(strategies[i].plural, kind->plural) == 0)
			return &strategies[i];
	return &plain;
}

/* --- what is the same for all --- */

static int strategy_refuse(
	const struct api_request *request, struct causes *causes, struct failure *failure)
{
	const struct kind *kind = request->kind;
	AUTO_FREE char *text = causes_text(causes);
	json_t *list = causes_json(causes);

	if (!text || !list || causes->no_memory) {
		json_decref(list);
		return failure_internal(failure, "out of memory");
	}
	failure_set(failure, 422, "Invalid", "%s%s%s \"%s\" is invalid: %s", kind->kind,
		kind->group[0] ? "." : "", kind->group, request->name, text);
	failure->details = json_pack("{s:s}", "name", request->name);
	if (kind->group[0])
		json_object_set_new(failure->details, "group", json_string(kind->group));
	json_object_set_new(failure->details, "kind", json_string(kind->kind));
	json_object_set_new(failure->details, "causes", list);
	return -1;
}

static void cleanup_causes(struct causes *causes)
{
	causes_clear(causes);
}

int strategy_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	const struct strategy *strategy = strategy_of(request->kind);
	AUTO_CLEANUP(cleanup_causes) struct causes causes = {0};

	if (strategy->has_status)
		json_object_del(object, "status");
	if (strategy->has_generation)
		json_object_set_new(
			json_object_get(object, "metadata"), "generation", json_integer(1));
	if (defaults_apply(object, request->kind->message) < 0)
		return failure_internal(failure, "out of memory");
	if (strategy->create && strategy->create(request, object, failure) < 0)
		return -1;
	validate_object(object, request->kind, &causes);
	return causes.count ? strategy_refuse(request, &causes, failure) : 0;
}

/* Takes over from @old what this request is not about. */
static int strategy_keep(const struct api_request *request, const struct strategy *strategy,
	json_t *object, const json_t *old)
{
	bool status = request->subresource && strcmp(request->subresource->name, "status") == 0;
	const char *kept = status ? "spec" : "status";
	json_t *value = json_object_get(old, kept);

	if (!strategy->has_status)
		return 0;
	if (value)
		return json_object_set(object, kept, value);
	json_object_del(object, kept);
	return 0;
}

static bool strategy_spec_changed(const json_t *object, const json_t *old)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value)
		if (strcmp(key, "metadata") != 0 && strcmp(key, "status") != 0 &&
			!json_equal(value, json_object_get(old, key)))
			return true;
	json_object_foreach ((json_t *)old, key, value)
		if (!json_object_get(object, key) && strcmp(key, "status") != 0)
			return true;
	return false;
}

int strategy_update(const struct api_request *request, json_t *object, const json_t *old,
	struct failure *failure)
{
	const struct strategy *strategy = strategy_of(request->kind);
	AUTO_CLEANUP(cleanup_causes) struct causes causes = {0};

	if (meta_update(request, object, old, failure) < 0)
		return -1;
	if (strategy_keep(request, strategy, object, old) < 0 ||
		defaults_apply(object, request->kind->message) < 0)
		return failure_internal(failure, "out of memory");
	if (!request->subresource && strategy->update &&
		strategy->update(request, object, old, failure) < 0)
		return -1;
	if (strategy->has_generation && strategy_spec_changed(object, old))
		meta_raise_generation(object);
	validate_object(object, request->kind, &causes);
	validate_update(old, object, request->kind, &causes);
	return causes.count ? strategy_refuse(request, &causes, failure) : 0;
}
