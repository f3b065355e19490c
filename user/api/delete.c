// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/body.h"
#include "user/api/change.h"
#include "user/api/delete.h"
#include "user/api/meta.h"
#include "user/api/strategy.h"
#include "user/api/write.h"
#include "user/base/cleanup.h"
#include "user/http/server.h"
#include "user/model/schema.h"

#define FOREGROUND "foregroundDeletion"
#define ORPHAN	   "orphan"
#define GRACE_MOST INT32_MAX /* seconds; beyond it a time of deletion would wrap around */

static int delete_check(const struct write *write, const json_t *old, struct failure *failure)
{
	const struct deletion *deletion = write->data;
	const json_t *meta = json_object_get(old, "metadata");
	const char *uid = json_string_at(meta, "uid", "");
	const char *revision = json_string_at(meta, "resourceVersion", "");
	bool uid_differs = deletion->uid[0] && strcmp(deletion->uid, uid) != 0;

	if (!uid_differs && (!deletion->revision[0] || strcmp(deletion->revision, revision) == 0))
		return 0;
	failure_set(failure, 409, "Conflict",
		"Operation cannot be fulfilled on %s \"%s\": Precondition failed: %s in "
		"precondition: "
		"%s, %s in object meta: %s",
		write->request.kind->plural, write->request.name,
		uid_differs ? "UID" : "ResourceVersion",
		uid_differs ? deletion->uid : deletion->revision,
		uid_differs ? "UID" : "ResourceVersion", uid_differs ? uid : revision);
	failure_about(failure, &write->request, write->request.name);
	return -1;
}

static bool finalizers_have(const json_t *finalizers, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach (finalizers, i, item)
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	return false;
}

/* Who asks for another policy than before takes the former's finalizer away. */
static void delete_former_policy(json_t *meta, const char *name)
{
	json_t *finalizers = json_object_get(meta, "finalizers");

	for (size_t i = json_array_size(finalizers); i-- > 0;) {
		const char *one = json_string_value(json_array_get(finalizers, i));

		if ((strcmp(one, FOREGROUND) == 0 || strcmp(one, ORPHAN) == 0) &&
			(!name || strcmp(one, name) != 0))
			json_array_remove(finalizers, i);
	}
	if (finalizers && json_array_size(finalizers) == 0)
		json_object_del(meta, "finalizers");
}

static int delete_finalizer(json_t *object, const struct deletion *deletion)
{
	const char *name = deletion->finalizer;
	json_t *meta = json_object_get(object, "metadata");
	json_t *finalizers;

	if (name || deletion->background)
		delete_former_policy(meta, name);
	finalizers = json_object_get(meta, "finalizers");
	if (!name || finalizers_have(finalizers, name))
		return 0;
	if (!finalizers) {
		finalizers = json_array();
		if (json_object_set_new(meta, "finalizers", finalizers) < 0)
			return -1;
	}
	return json_array_append_new(finalizers, json_string(name));
}

static int delete_mark(json_t *object, long long grace)
{
	const char *kind = json_string_at(object, "kind", "");
	json_t *status = json_object_get(object, "status");

	if (meta_mark_deleted(object, grace) < 0)
		return -1;
	if (strcmp(kind, "Namespace") != 0)
		return 0;
	/* They have no grace, only a phase. */
	json_object_del(json_object_get(object, "metadata"), "deletionGracePeriodSeconds");
	return json_object_set_new(status, "phase", json_string("Terminating"));
}

/* A second deletion may only shorten the grace. */
static bool delete_is_known(const json_t *object, long long grace)
{
	const json_t *meta = json_object_get(object, "metadata");

	return json_object_get(meta, "deletionTimestamp") &&
	       json_integer_at(meta, "deletionGracePeriodSeconds", 0) <= grace;
}

static int delete_refuse(const struct write *write, struct failure *failure)
{
	failure_set(failure, 403, "Forbidden", "%s \"%s\" is forbidden: this %s may not be deleted",
		write->request.kind->plural, write->request.name, write->request.kind->singular);
	failure_about(failure, &write->request, write->request.name);
	return -1;
}

int deletion_step(struct write *write, json_t *old, struct failure *failure)
{
	const struct deletion *deletion = write->data;
	const struct strategy *strategy = strategy_of(write->request.kind);
	long long grace;

	if (!old)
		return failure_not_found(failure, &write->request);
	if (strategy->is_immortal && strategy->is_immortal(write->request.name))
		return delete_refuse(write, failure);
	if (delete_check(write, old, failure) < 0)
		return -1;
	write->object = json_deep_copy(old);
	if (!write->object || delete_finalizer(write->object, deletion) < 0)
		return failure_internal(failure, "out of memory");
	grace = strategy->grace ? strategy->grace(write->object, deletion->grace) : 0;
	grace = grace < GRACE_MOST ? grace : GRACE_MOST;
	if (grace == 0 && !meta_has_finalizers(write->object)) {
		write->effect = WRITE_DELETE;
		return 0;
	}
	write->effect = WRITE_PUT;
	if (!delete_is_known(old, grace) && delete_mark(write->object, grace) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static bool delete_retries(struct write *write)
{
	const struct deletion *deletion = write->data;

	return !deletion->revision[0];
}

/* The object while it is still there, or word that it has gone. */
static json_t *delete_answer(struct write *write)
{
	const struct kind *kind = write->request.kind;
	const json_t *meta = json_object_get(write->object, "metadata");
	json_t *details;

	if (write->effect != WRITE_DELETE || strategy_of(kind)->grace)
		return json_incref(write->object);
	details = json_pack("{s:s, s:s, s:s}", "name", write->request.name, "kind", kind->plural,
		"uid", json_string_at(meta, "uid", ""));
	if (kind->group[0])
		json_object_set_new(details, "group", json_string(kind->group));
	return json_pack("{s:s, s:s, s:{}, s:s, s:o}", "kind", "Status", "apiVersion", "v1",
		"metadata", "status", "Success", "details", details);
}

static void delete_failed(struct write *write, const struct failure *failure)
{
	const struct deletion *deletion = write->data;

	if (deletion->collection)
		collection_part_failed(deletion->collection, failure);
}

static void delete_release(struct write *write)
{
	struct deletion *deletion = write->data;

	if (deletion->collection)
		collection_part_done(deletion->collection);
	free(deletion);
}

static const struct write_steps delete_steps = {
	.step = deletion_step,
	.retries = delete_retries,
	.answer = delete_answer,
	.failed = delete_failed,
	.release = delete_release,
};

static int deletion_policy(const char *policy, struct deletion *deletion, struct failure *failure)
{
	if (strcmp(policy, "Foreground") == 0)
		deletion->finalizer = FOREGROUND;
	else if (strcmp(policy, "Orphan") == 0)
		deletion->finalizer = ORPHAN;
	else if (strcmp(policy, "Background") == 0)
		deletion->background = true;
	else if (policy[0])
		return failure_set(failure, 422, "Invalid",
			"DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported "
			"value: \"%.64s\": supported values: \"Foreground\", \"Background\", "
			"\"Orphan\", \"nil\"",
			policy);
	return 0;
}

static int deletion_dry_run(
	const json_t *options, struct deletion *deletion, struct failure *failure)
{
	const json_t *stages = json_object_get(options, "dryRun");
	const char *stage = json_string_value(json_array_get(stages, 0));

	deletion->dry_run = stage != NULL;
	if (!stage || strcmp(stage, "All") == 0)
		return 0;
	return failure_set(failure, 422, "Invalid",
		"DeleteOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: "
		"\"%.64s\": supported values: \"All\"",
		stage);
}

/* As upstream, what is negative means one second. */
static int deletion_grace(const struct api_request *request, const json_t *options,
	struct deletion *deletion, struct failure *failure)
{
	const char *text = http_exchange_query(request->exchange, "gracePeriodSeconds", 0);
	const json_t *given = json_object_get(options, "gracePeriodSeconds");
	char *end = NULL;

	deletion->grace = -1;
	if (given)
		deletion->grace = json_integer_value(given);
	errno = 0;
	if (text && text[0])
		deletion->grace = strtoll(text, &end, 10);
	if (end && (*end || errno))
		return failure_set(failure, 400, "BadRequest",
			"gracePeriodSeconds: Invalid value: \"%.64s\": must be a number of seconds",
			text);
	if ((given || end) && deletion->grace < 0)
		deletion->grace = 1;
	return 0;
}

int deletion_read_options(const struct api_request *request, const json_t *options,
	struct deletion *deletion, struct failure *failure)
{
	const char *policy = http_exchange_query(request->exchange, "propagationPolicy", 0);
	const json_t *preconditions = json_object_get(options, "preconditions");

	if (deletion_grace(request, options, deletion, failure) < 0 ||
		deletion_dry_run(options, deletion, failure) < 0)
		return -1;
	if (json_is_true(json_object_get(options, "orphanDependents")))
		deletion->finalizer = ORPHAN;
	deletion->background = json_is_false(json_object_get(options, "orphanDependents"));
	snprintf(deletion->uid, sizeof(deletion->uid), "%s",
		json_string_at(preconditions, "uid", ""));
	snprintf(deletion->revision, sizeof(deletion->revision), "%s",
		json_string_at(preconditions, "resourceVersion", ""));
	if (!policy)
		policy = json_string_at(options, "propagationPolicy", "");
	return deletion_policy(policy, deletion, failure);
}

int deletion_read(
	const struct api_request *request, struct deletion *deletion, struct failure *failure)
{
	AUTO_JSON options = NULL;

	return body_options(request, &schema_delete_options, &options, failure) < 0
		       ? -1
		       : deletion_read_options(request, options, deletion, failure);
}

void deletion_begin(const struct api_request *request, struct deletion *deletion)
{
	struct api_request one = *request;

	one.dry_run |= deletion->dry_run;
	write_begin(&one, &delete_steps, deletion, 200);
}

int change_delete(const struct api_request *request, struct failure *failure)
{
	struct deletion *deletion = calloc(1, sizeof(*deletion));

	if (!deletion)
		return failure_internal(failure, "out of memory");
	if (deletion_read(request, deletion, failure) < 0) {
		free(deletion);
		return -1;
	}
	deletion_begin(request, deletion);
	return 0;
}
