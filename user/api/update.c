// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/apply.h"
#include "user/api/body.h"
#include "user/api/change.h"
#include "user/api/meta.h"
#include "user/api/strategy.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_json.h"
#include "user/model/patch.h"
#include "user/model/schema.h"

static const char *sent_revision(const json_t *sent)
{
	return json_string_at(json_object_get(sent, "metadata"), "resourceVersion", "");
}

void update_settle(struct write *write, const json_t *old)
{
	bool deleting = json_object_get(json_object_get(old, "metadata"), "deletionTimestamp");

	write->effect = deleting && meta_is_over(write->object) ? WRITE_DELETE : WRITE_PUT;
}

/* --- PUT: write->data is the object that was sent --- */

static int update_check_revision(
	const struct write *write, const json_t *sent, struct failure *failure)
{
	const struct kind *kind = write->request.kind;

	if (!strategy_of(kind)->needs_revision || sent_revision(sent)[0])
		return 0;
	return strategy_refuse_field(&write->request, "metadata.resourceVersion",
		"Invalid value: 0x0: must be specified for an update", failure);
}

static int update_step(struct write *write, json_t *old, struct failure *failure)
{
	const json_t *sent = write->data;

	if (!old)
		return failure_not_found(failure, &write->request);
	if (update_check_revision(write, sent, failure) < 0)
		return -1;
	write->object = json_deep_copy(sent);
	if (!write->object)
		return failure_internal(failure, "out of memory");
	if (strategy_update(&write->request, write->object, old, failure) < 0)
		return -1;
	update_settle(write, old);
	return 0;
}

static bool update_retries(struct write *write)
{
	return !sent_revision(write->data)[0];
}

static void update_release(struct write *write)
{
	json_decref(write->data);
}

static const struct write_steps update_steps = {
	.step = update_step,
	.retries = update_retries,
	.release = update_release,
	.manages = true,
};

int change_update(const struct api_request *request, struct failure *failure)
{
	json_t *object;

	if (body_named_object(request, &object, failure) < 0)
		return -1;
	write_begin(request, &update_steps, object, 200);
	return 0;
}

/* --- PATCH --- */

enum patch_type { PATCH_MERGE, PATCH_STRATEGIC, PATCH_JSON };

struct patch {
	enum patch_type type;
	bool strict;
	json_t *json;
};

static int patch_run(const struct patch *patch, const json_t *old,
	const struct schema_message *message, json_t **ret, struct err *err)
{
	switch (patch->type) {
	case PATCH_JSON: return patch_json(old, patch->json, ret, err);
	case PATCH_STRATEGIC: return patch_strategic(old, patch->json, message, ret, err);
	default: return patch_merge(old, patch->json, ret, err);
	}
}

/* A patch that cannot be carried out: 422; one that makes no object: 400. */
static int patch_refuse(int r, const struct err *err, struct failure *failure)
{
	if (r == -ENOMEM)
		return failure_internal(failure, "out of memory");
	failure_set(failure, r == -ENOENT ? 422 : 400, r == -ENOENT ? "Invalid" : "BadRequest",
		"%s", err->text);
	if (r == -ENOENT)
		failure->details = json_object();
	return -1;
}

static int patch_step(struct write *write, json_t *old, struct failure *failure)
{
	const struct schema_message *message = write->request.kind->message;
	const struct patch *patch = write->data;
	AUTO_JSON problems = json_array();
	struct err err;
	int r;

	if (!problems)
		return failure_internal(failure, "out of memory");
	if (!old)
		return failure_not_found(failure, &write->request);
	r = patch_run(patch, old, message, &write->object, &err);
	if (r == 0)
		r = codec_json_clean(write->object, message, problems, &err);
	if (r < 0)
		return patch_refuse(r, &err, failure);
	if (body_problems(patch->strict, problems, failure) < 0 ||
		strategy_update(&write->request, write->object, old, failure) < 0)
		return -1;
	update_settle(write, old);
	return 0;
}

static bool patch_retries(struct write *write)
{
	const struct patch *patch = write->data;

	return patch->type == PATCH_JSON || !sent_revision(patch->json)[0];
}

static void patch_release(struct write *write)
{
	struct patch *patch = write->data;

	json_decref(patch->json);
	free(patch);
}

static const struct write_steps patch_steps = {
	.step = patch_step,
	.retries = patch_retries,
	.release = patch_release,
	.manages = true,
};

static int patch_type_read(
	const struct api_request *request, enum patch_type *ret, struct failure *failure)
{
	static const char *const types[] = {
		[PATCH_MERGE] = "application/merge-patch+json",
		[PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
		[PATCH_JSON] = "application/json-patch+json",
	};
	char type[128];

	body_type(request, type, sizeof(type));
	for (size_t i = 0; i < COUNT(types); i++)
		if (strcmp(type, types[i]) == 0) {
			*ret = (enum patch_type)i;
			return 0;
		}
	return failure_set(failure, 415, "UnsupportedMediaType",
		"the body of the request was in an unknown format - accepted media types include: "
		"application/json-patch+json, application/merge-patch+json, "
		"application/strategic-merge-patch+json, application/apply-patch+yaml");
}

int change_patch(const struct api_request *request, struct failure *failure)
{
	struct patch *patch;
	const char *text;
	struct err err;
	size_t len;
	int r;

	if (apply_is_asked(request))
		return apply_begin(request, failure);
	patch = calloc(1, sizeof(*patch));
	if (!patch)
		return failure_internal(failure, "out of memory");
	patch->strict = body_is_strict(request);
	r = patch_type_read(request, &patch->type, failure);
	if (r == 0) {
		text = http_exchange_body(request->exchange, &len);
		r = json_parse(text, len, "the patch", &patch->json, &err);
		if (r < 0)
			patch_refuse(-EINVAL, &err, failure);
	}
	if (r < 0) {
		free(patch);
		return -1;
	}
	write_begin(request, &patch_steps, patch, 200);
	return 0;
}
