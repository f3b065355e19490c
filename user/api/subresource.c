// SPDX-License-Identifier: Apache-2.0
#include "user/api/subresource.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/body.h"
#include "user/api/change.h"
#include "user/api/eviction.h"
#include "user/api/meta.h"
#include "user/api/podstream.h"
#include "user/api/proxy.h"
#include "user/api/scale.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/api/token.h"
#include "user/api/write.h"
#include "user/base/clock.h"
#include "user/http/server.h"
#include "user/store/store.h"

static void body_release(struct write *write)
{
	json_decref(write->data);
}

static bool always_retries(struct write *write)
{
	(void)write;
	return true;
}

/* --- pods/binding: write->data is the Binding --- */

static int pod_set_scheduled(json_t *pod)
{
	json_t *status = json_object_get(pod, "status");
	json_t *conditions = json_object_get(status, "conditions"), *condition;
	char now[CLOCK_RFC3339_LEN];
	size_t i;

	if (!status) {
		status = json_object();
		json_object_set_new(pod, "status", status);
	}
	if (!conditions) {
		conditions = json_array();
		json_object_set_new(status, "conditions", conditions);
	}
	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "PodScheduled") == 0) {
			json_array_remove(conditions, i);
			break;
		}
	clock_rfc3339(clock_wall(), now);
	return json_array_append_new(
		conditions, json_pack("{s:s, s:s, s:n, s:s}", "type", "PodScheduled", "status",
				    "True", "lastProbeTime", "lastTransitionTime", now));
}

static int binding_refuse(struct write *write, const char *why, struct failure *failure)
{
	const char *name = write->request.name;

	failure_set(failure, 409, "Conflict",
		"Operation cannot be fulfilled on pods/binding \"%s\": %s", name, why);
	failure->details = json_pack("{s:s, s:s}", "name", name, "kind", "pods/binding");
	return -1;
}

static int binding_step(struct write *write, json_t *old, struct failure *failure)
{
	const json_t *sent = write->data;
	const char *uid = json_string_at(json_object_get(sent, "metadata"), "uid", "");
	const char *node = json_string_at(json_object_get(sent, "target"), "name", "");
	const char *bound;
	char why[400];

	if (!old)
		return failure_not_found(failure, &write->request);
	bound = json_string_at(json_object_get(old, "spec"), "nodeName", "");
	if (uid[0] && strcmp(uid, json_string_at(json_object_get(old, "metadata"), "uid", "")) != 0)
		return binding_refuse(write, "the pod with this uid has gone", failure);
	if (json_object_get(json_object_get(old, "metadata"), "deletionTimestamp")) {
		snprintf(why, sizeof(why), "pod %s is being deleted, cannot be assigned to a host",
			write->request.name);
		return binding_refuse(write, why, failure);
	}
	if (bound[0]) {
		snprintf(why, sizeof(why), "pod %s is already assigned to node \"%s\"",
			write->request.name, bound);
		return binding_refuse(write, why, failure);
	}
	if (json_array_size(json_object_get(json_object_get(old, "spec"), "schedulingGates"))) {
		snprintf(why, sizeof(why), "pod %s has non-empty .spec.schedulingGates",
			write->request.name);
		return binding_refuse(write, why, failure);
	}
	write->object = json_deep_copy(old);
	write->effect = WRITE_PUT;
	if (!write->object ||
		json_object_set_new(json_object_get(write->object, "spec"), "nodeName",
			json_string(node)) < 0 ||
		pod_set_scheduled(write->object) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static const struct write_steps binding_steps = {
	.step = binding_step,
	.retries = always_retries,
	.answer = write_answer_success,
	.release = body_release,
};

static int binding_create(const struct api_request *request, struct failure *failure)
{
	json_t *binding;

	if (body_object(request, &binding, failure) < 0)
		return -1;
	if (!json_string_at(json_object_get(binding, "target"), "name", "")[0]) {
		json_decref(binding);
		return failure_set(failure, 422, "Invalid",
			"Binding \"%s\" is invalid: target.name: Required value", request->name);
	}
	write_begin(request, &binding_steps, binding, 201);
	return 0;
}

/* --- namespaces/finalize: its finalizers stand in spec --- */

static int finalize_step(struct write *write, json_t *old, struct failure *failure)
{
	const json_t *sent = write->data;
	const json_t *finalizers = json_object_get(json_object_get(sent, "spec"), "finalizers");

	if (!old)
		return failure_not_found(failure, &write->request);
	write->object = json_deep_copy(old);
	if (!write->object || json_object_set_new(write->object, "spec",
				      json_pack("{s:O*}", "finalizers", finalizers)) < 0)
		return failure_internal(failure, "out of memory");
	write->effect = meta_is_over(write->object) ? WRITE_DELETE : WRITE_PUT;
	return 0;
}

static const struct write_steps finalize_steps = {
	.step = finalize_step,
	.retries = always_retries,
	.release = body_release,
	.manages = true,
};

static int finalize_update(const struct api_request *request, struct failure *failure)
{
	json_t *namespace;

	if (body_object(request, &namespace, failure) < 0)
		return -1;
	write_begin(request, &finalize_steps, namespace, 200);
	return 0;
}

int subresource_handle(const struct api_request *request, struct failure *failure)
{
	const char *name = request->subresource->name;

	if (podstream_is_asked(request))
		return podstream_handle(request, failure);
	if (strcmp(name, "binding") == 0)
		return binding_create(request, failure);
	if (strcmp(name, "eviction") == 0)
		return eviction_create(request, failure);
	if (strcmp(name, "finalize") == 0)
		return finalize_update(request, failure);
	if (strcmp(name, "proxy") == 0)
		return proxy_handle(request, failure);
	if (strcmp(name, "token") == 0)
		return token_create(request, failure);
	if (strcmp(name, "scale") == 0)
		return scale_handle(request, failure);
	return failure_set(
		failure, 404, "NotFound", "the server could not find the requested resource");
}
