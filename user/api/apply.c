// SPDX-License-Identifier: Apache-2.0
#include "user/api/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/authorize.h"
#include "user/api/body.h"
#include "user/api/change.h"
#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/request.h"
#include "user/api/strategy.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_json.h"
#include "user/model/fields.h"
#include "user/model/kinds.h"

#define APPLY_TYPE "application/apply-patch+yaml"

struct apply {
	json_t *object; /* what is applied */
	bool force;
};

bool apply_is_asked(const struct api_request *request)
{
	char type[128];

	body_type(request, type, sizeof(type));
	return strcmp(type, APPLY_TYPE) == 0;
}

void manager_name(const struct api_request *request, char ret[MANAGED_MANAGER_MAX + 1])
{
	struct http_exchange *exchange = request->exchange;
	const char *name = exchange ? http_exchange_query(exchange, "fieldManager", 0) : NULL;
	const char *program = exchange ? http_exchange_header(exchange, "User-Agent") : NULL;
	int len = MANAGED_MANAGER_MAX;

	if (!name || !name[0]) {
		name = program ? program : "";
		len = (int)strcspn(name, "/");
	}
	snprintf(ret, MANAGED_MANAGER_MAX + 1, "%.*s", len, name);
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	if (!ret[0])
		snprintf(ret, MANAGED_MANAGER_MAX + 1, "unknown");
}

struct managed_by manager_of(
	const struct api_request *request, const char *name, struct manager *room)
{
	kind_api_version(request->kind->group, request->version, room->api_version);
	clock_rfc3339(clock_wall(), room->now);
	return (struct managed_by){.manager = name,
		.api_version = room->api_version,
		.subresource = request->subresource ? request->subresource->name : "",
		.now = room->now};
}

/* --- the change --- */

static int apply_refuse(const json_t *conflicts, struct failure *failure)
{
	size_t i, count = json_array_size(conflicts);
	AUTO_JSON causes = json_array();
	const char *last = "";
	AUTO_FREE char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	json_t *conflict;

	if (!causes || !out) {
		if (out)
			fclose(out);
		return failure_internal(failure, "out of memory");
	}
	json_array_foreach (conflicts, i, conflict) {
		const char *manager = json_string_at(conflict, "manager", "");
		const char *path = json_string_at(conflict, "path", "");

		if (count == 1)
			fprintf(out, "conflict with %s: %s", manager, path);
		else if (strcmp(manager, last) != 0)
			fprintf(out, "%sconflicts with %s:\n- %s", i ? "\n" : "", manager, path);
		else
			fprintf(out, "\n- %s", path);
		last = manager;
		json_array_append_new(causes,
			json_pack("{s:s, s:o, s:s}", "reason", "FieldManagerConflict", "message",
				json_sprintf("conflict with %s", manager), "field", path));
	}
	fclose(out);
	failure_set(failure, 409, "Conflict", "Apply failed with %zu conflict%s: %s", count,
		count == 1 ? "" : "s", text);
	failure->details = json_pack("{s:O}", "causes", causes);
	return -1;
}

/* Who may patch may not make, too. */
static int apply_may_create(const struct write *write, struct failure *failure)
{
	struct access access;

	authorize_access(&write->request, &access);
	access.verb = "create";
	return authorize(write->request.api, &access, failure);
}

static int apply_run(const struct write *write, const json_t *old, json_t **ret,
	json_t **ret_conflicts, struct failure *failure)
{
	const struct apply *apply = write->data;
	struct manager room;
	struct managed_by by = manager_of(&write->request, write->manager, &room);

	by.force = apply->force;
	return managed_apply(old, apply->object, &by, write->request.kind->message, ret,
		       ret_conflicts) < 0
		       ? failure_internal(failure, "out of memory")
		       : 0;
}

/* It was meant to be one that is not there any more. */
static int apply_refuse_uid(const struct write *write, const char *uid, struct failure *failure)
{
	failure_set(failure, 409, "Conflict",
		"Operation cannot be fulfilled on %s \"%s\": uid mismatch: the provided object "
		"specified uid %.64s, and no existing object was found",
		write->request.kind->plural, write->request.name, uid);
	failure_about(failure, &write->request, write->request.name);
	return -1;
}

/* There is none: what is applied is it. */
static int apply_create(struct write *write, struct failure *failure)
{
	const struct apply *apply = write->data;
	AUTO_JSON conflicts = NULL;
	AUTO_JSON managed = NULL;
	const char *uid = json_string_at(json_object_get(apply->object, "metadata"), "uid", "");

	if (write->request.subresource)
		return failure_not_found(failure, &write->request);
	if (uid[0])
		return apply_refuse_uid(write, uid, failure);
	if (apply_may_create(write, failure) < 0 || create_check_namespace(write, failure) < 0)
		return -1;
	if (apply_run(write, NULL, &managed, &conflicts, failure) < 0)
		return -1;
	write->object = json_deep_copy(managed);
	write->success = 201;
	if (!write->object)
		return failure_internal(failure, "out of memory");
	if (meta_create(&write->request, write->object, failure) < 0 ||
		strategy_prepare(&write->request, write->object, failure) < 0 ||
		strategy_create(&write->request, write->object, failure) < 0)
		return -1;
	json_object_set(json_object_get(write->object, "metadata"), "managedFields",
		json_object_get(json_object_get(managed, "metadata"), "managedFields"));
	return 0;
}

static int apply_update(struct write *write, json_t *old, struct failure *failure)
{
	const struct schema_message *message = write->request.kind->message;
	AUTO_JSON conflicts = NULL;
	AUTO_JSON managed = NULL;
	struct err err;

	if (apply_run(write, old, &managed, &conflicts, failure) < 0)
		return -1;
	if (json_array_size(conflicts) > 0)
		return apply_refuse(conflicts, failure);
	write->object = json_deep_copy(managed);
	write->success = 200;
	if (!write->object || codec_json_clean(write->object, message, NULL, &err) < 0)
		return failure_internal(failure, "out of memory");
	if (strategy_update(&write->request, write->object, old, failure) < 0)
		return -1;
	json_object_set(json_object_get(write->object, "metadata"), "managedFields",
		json_object_get(json_object_get(managed, "metadata"), "managedFields"));
	return 0;
}

static int apply_step(struct write *write, json_t *old, struct failure *failure)
{
	if (old ? apply_update(write, old, failure) < 0 : apply_create(write, failure) < 0)
		return -1;
	write->effect = WRITE_PUT;
	if (old)
		update_settle(write, old);
	return 0;
}

static bool apply_retries(struct write *write)
{
	const struct apply *apply = write->data;

	return !json_string_at(
		json_object_get(apply->object, "metadata"), "resourceVersion", "")[0];
}

static void apply_free(struct apply *apply)
{
	json_decref(apply->object);
	free(apply);
}

static void apply_release(struct write *write)
{
	apply_free(write->data);
}

static const struct write_steps apply_steps = {
	.step = apply_step,
	.retries = apply_retries,
	.release = apply_release,
};

/* --- the request --- */

static int apply_check(
	const struct api_request *request, const struct apply *apply, struct failure *failure)
{
	const char *manager = http_exchange_query(request->exchange, "fieldManager", 0);
	const json_t *meta = json_object_get(apply->object, "metadata");
	const char *list;

	if (!manager || !manager[0])
		return failure_set(failure, 422, "Invalid",
			"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: "
			"is "
			"required for apply patch");
	if (strlen(manager) > MANAGED_MANAGER_MAX)
		return failure_set(failure, 422, "Invalid",
			"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not "
			"be more than %d bytes",
			MANAGED_MANAGER_MAX);
	for (const char *c = manager; *c; c++)
		if (*c < ' ' || *c > '~')
			return failure_set(failure, 422, "Invalid",
				"PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid "
				"value: should only contain printable characters");
	list = fields_repeated(apply->object, request->kind->message);
	if (list)
		return failure_set(failure, 400, "BadRequest",
			"failed to create typed patch object: %s: duplicate entries for a key",
			list);
	if (json_object_get(meta, "managedFields"))
		return failure_set(
			failure, 400, "BadRequest", "metadata.managedFields must be nil");
	return 0;
}

/* A subresource has its part alone, and nobody else has that. */
static void apply_limit(const struct api_request *request, json_t *object)
{
	bool spec = !request->subresource || strategy_adds_containers(request);

	if (strategy_of(request->kind)->has_status)
		json_object_del(object, spec ? "status" : "spec");
}

static int apply_read(
	const struct api_request *request, struct apply *apply, struct failure *failure)
{
	if (body_named_object(request, &apply->object, failure) < 0 ||
		apply_check(request, apply, failure) < 0)
		return -1;
	apply_limit(request, apply->object);
	if (json_object_set_new(json_object_get(apply->object, "metadata"), "name",
		    json_string(request->name)) < 0)
		return failure_set(failure, 400, "BadRequest", "metadata is required");
	apply->force = request_flag(request->exchange, "force");
	return 0;
}

int apply_begin(const struct api_request *request, struct failure *failure)
{
	struct apply *apply = calloc(1, sizeof(*apply));

	if (!apply)
		return failure_internal(failure, "out of memory");
	if (apply_read(request, apply, failure) < 0) {
		apply_free(apply);
		return -1;
	}
	write_begin(request, &apply_steps, apply, 200);
	return 0;
}
