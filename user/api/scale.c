// SPDX-License-Identifier: Apache-2.0
#include "user/api/scale.h"

#include <errno.h>
#include <string.h>

#include "user/api/body.h"
#include "user/api/form.h"
#include "user/api/meta.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_json.h"
#include "user/model/patch.h"
#include "user/model/schema.h"
#include "user/model/selector.h"
#include "user/store/store.h"

/* The Scale of a workload; NULL when memory is out. */
static json_t *scale_of(const json_t *object)
{
	static const char *const kept[] = {
		"name", "namespace", "uid", "resourceVersion", "creationTimestamp", NULL};
	const json_t *meta = json_object_get(object, "metadata");
	const json_t *spec = json_object_get(object, "spec");
	const json_t *status = json_object_get(object, "status");
	struct label_selector *selector = NULL;
	AUTO_FREE char *text = NULL;
	json_t *scale, *scale_meta = json_object();

	for (const char *const *key = kept; *key; key++)
		if (json_object_get(meta, *key))
			json_object_set(scale_meta, *key, json_object_get(meta, *key));
	if (label_selector_read(json_object_get(spec, "selector"), &selector, NULL) == 0)
		text = label_selector_text(selector);
	label_selector_free(selector);
	scale = json_pack("{s:s, s:s, s:o, s:{s:I}, s:{s:I, s:s}}", "kind", "Scale", "apiVersion",
		"autoscaling/v1", "metadata", scale_meta, "spec", "replicas",
		(json_int_t)json_integer_at(spec, "replicas", 0), "status", "replicas",
		(json_int_t)json_integer_at(status, "replicas", 0), "selector", text ? text : "");
	return scale;
}

static int scale_get(const struct api_request *request, struct failure *failure)
{
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];
	AUTO_JSON object = NULL;
	AUTO_JSON scale = NULL;

	stored_key(request->kind, request_namespace(request), request->name, key);
	entry = store_get(request->api->store, key);
	if (!entry)
		return failure_not_found(failure, request);
	if (stored_decode(entry->value, entry->modified, request->kind, request->version, &object) <
		0)
		return failure_internal(failure, "out of memory");
	scale = scale_of(object);
	if (!scale)
		return failure_internal(failure, "out of memory");
	form_answer(request, 200, scale);
	return 0;
}

/* write->data: the Scale that was sent, or a merge patch of it. */
static int scale_apply(struct write *write, json_t *old, json_t *scale, struct failure *failure)
{
	const char *revision =
		json_string_at(json_object_get(scale, "metadata"), "resourceVersion", "");
	long long replicas = json_integer_at(json_object_get(scale, "spec"), "replicas", 0);

	if (revision[0] && strcmp(revision, json_string_at(json_object_get(old, "metadata"),
						    "resourceVersion", "")) != 0)
		return failure_conflict(failure, &write->request);
	if (replicas < 0) {
		failure_set(failure, 422, "Invalid",
			"Scale.autoscaling \"%s\" is invalid: spec.replicas: Invalid value: %lld: "
			"must "
			"be greater than or equal to 0",
			write->request.name, replicas);
		failure_about(failure, &write->request, write->request.name);
		return -1;
	}
	write->object = json_deep_copy(old);
	write->effect = WRITE_PUT;
	if (!write->object)
		return failure_internal(failure, "out of memory");
	if (json_integer_at(json_object_get(old, "spec"), "replicas", 0) != replicas)
		meta_raise_generation(write->object);
	if (json_object_set_new(
		    json_object_get(write->object, "spec"), "replicas", json_integer(replicas)) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static int scale_put_step(struct write *write, json_t *old, struct failure *failure)
{
	return old ? scale_apply(write, old, write->data, failure)
		   : failure_not_found(failure, &write->request);
}

static int scale_patch_step(struct write *write, json_t *old, struct failure *failure)
{
	AUTO_JSON scale = NULL;
	AUTO_JSON changed = NULL;
	struct err err;

	if (!old)
		return failure_not_found(failure, &write->request);
	scale = scale_of(old);
	if (!scale)
		return failure_internal(failure, "out of memory");
	if (patch_merge(scale, write->data, &changed, &err) < 0 ||
		codec_json_clean(changed, &schema_scale, NULL, &err) < 0)
		return failure_set(failure, 400, "BadRequest", "%s", err.text);
	return scale_apply(write, old, changed, failure);
}

static bool scale_retries(struct write *write)
{
	return !json_string_at(json_object_get(write->data, "metadata"), "resourceVersion", "")[0];
}

static json_t *scale_answer(struct write *write)
{
	return scale_of(write->object);
}

static void scale_release(struct write *write)
{
	json_decref(write->data);
}

static const struct write_steps put_steps = {
	.step = scale_put_step,
	.retries = scale_retries,
	.answer = scale_answer,
	.release = scale_release,
	.manages = true,
};

static const struct write_steps patch_steps = {
	.step = scale_patch_step,
	.retries = scale_retries,
	.answer = scale_answer,
	.release = scale_release,
	.manages = true,
};

static int scale_patch(const struct api_request *request, struct failure *failure)
{
	json_t *patch;
	struct err err;
	char type[128];
	size_t len;
	const char *text = http_exchange_body(request->exchange, &len);

	body_type(request, type, sizeof(type));
	if (strcmp(type, "application/merge-patch+json") != 0 &&
		strcmp(type, "application/strategic-merge-patch+json") != 0)
		return failure_set(failure, 415, "UnsupportedMediaType",
			"the body of the request was in an unknown format - accepted media types "
			"include: application/merge-patch+json");
	if (json_parse(text, len, "the patch", &patch, &err) < 0)
		return failure_set(failure, 400, "BadRequest", "%s", err.text);
	write_begin(request, &patch_steps, patch, 200);
	return 0;
}

int scale_handle(const struct api_request *request, struct failure *failure)
{
	json_t *scale;

	if (request->verb == VERB_GET)
		return scale_get(request, failure);
	if (request->verb == VERB_PATCH)
		return scale_patch(request, failure);
	if (body_object(request, &scale, failure) < 0)
		return -1;
	write_begin(request, &put_steps, scale, 200);
	return 0;
}
