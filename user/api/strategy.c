// SPDX-License-Identifier: Apache-2.0
#include "user/api/strategy.h"

#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/pod.h"
#include "user/api/request.h"
#include "user/api/service.h"
#include "user/api/signing.h"
#include "user/api/write.h"
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
	int r;

	(void)request;
	r = json_object_set_new(object, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes")) |
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

#define NOT_READY "node.kubernetes.io/not-ready"

static bool taint_stands(const json_t *taints, const char *key, const char *effect)
{
	json_t *taint;
	size_t i;

	json_array_foreach ((json_t *)taints, i, taint)
		if (strcmp(json_string_at(taint, "key", ""), key) == 0 &&
			strcmp(json_string_at(taint, "effect", ""), effect) == 0)
			return true;
	return false;
}

static bool namespace_is_immortal(const char *name)
{
	return strcmp(name, "default") == 0 || strcmp(name, "kube-system") == 0 ||
	       strcmp(name, "kube-public") == 0;
}

/* Until it says that it is ready. */
static int node_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	json_t *spec = json_object_get(object, "spec");
	json_t *taints = json_object_get(spec, "taints");

	(void)request;
	if (!spec) {
		spec = json_object();
		json_object_set_new(object, "spec", spec);
	}
	if (!taints) {
		taints = json_array();
		json_object_set_new(spec, "taints", taints);
	}
	if (taint_stands(taints, NOT_READY, "NoSchedule"))
		return 0;
	if (json_array_append_new(
		    taints, json_pack("{s:s, s:s}", "key", NOT_READY, "effect", "NoSchedule")) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static const struct strategy strategies[] = {
	{.plural = "namespaces",
		.has_status = true,
		.create = namespace_create,
		.update = namespace_update,
		.is_immortal = namespace_is_immortal},
	{.plural = "nodes", .has_status = true, .brings_status = true, .create = node_create},
	{.plural = "pods",
		.has_status = true,
		.keeps_owners = true,
		.create = pod_create,
		.grace = pod_grace},
	{.plural = "services",
		.has_status = true,
		.needs_revision = true,
		.create = service_create,
		.update = service_update,
		.claim = service_claim},
	{.plural = "deployments", .has_status = true, .has_generation = true},
	{.plural = "replicasets", .has_status = true, .has_generation = true},
	{.plural = "poddisruptionbudgets",
		.has_status = true,
		.has_generation = true,
		.needs_revision = true},
	{.plural = "certificatesigningrequests",
		.has_status = true,
		.needs_revision = true,
		.create = signing_create,
		.update = signing_update,
		.updates_parts = true},
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

/* 422 with the causes @list, which it takes, as @text sums them up; @kind names the kind. */
static int strategy_invalid(const struct api_request *request, const char *kind, const char *text,
	json_t *list, struct failure *failure)
{
	const char *group = request->kind->group;

	failure_set(failure, 422, "Invalid", "%s%s%s \"%s\" is invalid: %s", kind,
		group[0] ? "." : "", group, request->name, text);
	failure->details = json_object();
	if (request->name[0])
		json_object_set_new(failure->details, "name", json_string(request->name));
	if (group[0])
		json_object_set_new(failure->details, "group", json_string(group));
	json_object_set_new(failure->details, "kind", json_string(kind));
	json_object_set_new(failure->details, "causes", list);
	return -1;
}

static int strategy_refuse(
	const struct api_request *request, struct causes *causes, struct failure *failure)
{
	AUTO_FREE char *text = causes_text(causes);
	json_t *list = causes_json(causes);

	if (!text || !list || causes->no_memory) {
		json_decref(list);
		return failure_internal(failure, "out of memory");
	}
	return strategy_invalid(request, request->kind->kind, text, list, failure);
}

int strategy_refuse_field(const struct api_request *request, const char *field, const char *why,
	struct failure *failure)
{
	AUTO_FREE char *text = NULL;

	if (asprintf(&text, "%s: %s", field, why) < 0)
		return failure_internal(failure, "out of memory");
	return strategy_invalid(request, request->kind->plural, text,
		json_pack("[{s:s, s:s, s:s}]", "reason", "FieldValueInvalid", "message", why,
			"field", field),
		failure);
}

static void cleanup_causes(struct causes *causes)
{
	causes_clear(causes);
}

int strategy_prepare(const struct api_request *request, json_t *object, struct failure *failure)
{
	const struct strategy *strategy = strategy_of(request->kind);

	if (strategy->has_status && !strategy->brings_status)
		json_object_del(object, "status");
	if (strategy->has_generation)
		json_object_set_new(
			json_object_get(object, "metadata"), "generation", json_integer(1));
	if (defaults_apply(object, request->kind->message) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

int strategy_create(const struct api_request *request, json_t *object, struct failure *failure)
{
	const struct strategy *strategy = strategy_of(request->kind);
	AUTO_CLEANUP(cleanup_causes) struct causes causes = {0};

	if (strategy->create && strategy->create(request, object, failure) < 0)
		return -1;
	validate_object(object, request->kind, &causes);
	return causes.count ? strategy_refuse(request, &causes, failure) : 0;
}

static int member_keep(json_t *object, const json_t *old, const char *key)
{
	json_t *value = json_object_get(old, key);

	if (value)
		return json_object_set(object, key, value);
	json_object_del(object, key);
	return 0;
}

bool strategy_adds_containers(const struct api_request *request)
{
	return request->subresource &&
	       strcmp(request->subresource->name, "ephemeralcontainers") == 0;
}

/* Takes over from @old what this request is not about. */
static int strategy_keep(const struct api_request *request, const struct strategy *strategy,
	json_t *object, const json_t *old)
{
	bool status = request->subresource && strcmp(request->subresource->name, "status") == 0;

	if (strategy_adds_containers(request))
		return pod_keep(object, old);
	if (status && strategy->keeps_owners &&
		member_keep(json_object_get(object, "metadata"), json_object_get(old, "metadata"),
			"ownerReferences") < 0)
		return -1;
	if (!strategy->has_status)
		return 0;
	/* "approval" is of the status, too. */
	return member_keep(object, old, request->subresource ? "spec" : "status");
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
	if ((!request->subresource || strategy->updates_parts) && strategy->update &&
		strategy->update(request, object, old, failure) < 0)
		return -1;
	if (strategy->has_generation && strategy_spec_changed(object, old))
		meta_raise_generation(object);
	validate_object(object, request->kind, &causes);
	if (strategy_adds_containers(request))
		validate_ephemeral_update(old, object, &causes);
	else
		validate_update(old, object, request->kind, &causes);
	return causes.count ? strategy_refuse(request, &causes, failure) : 0;
}

int strategy_claim(struct write *write, json_t *object, const json_t *old, struct failure *failure)
{
	const struct strategy *strategy = strategy_of(write->request.kind);
	AUTO_CLEANUP(cleanup_causes) struct causes causes = {0};

	if (!strategy->claim)
		return 0;
	if (strategy->claim(write, object, old, &causes, failure) < 0)
		return -1;
	return causes.count ? strategy_refuse(&write->request, &causes, failure) : 0;
}
