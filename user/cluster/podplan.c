// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/podplan.h"

#include <errno.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"

#define HASH_ANNOTATION	  "kubernetes.io/config.hash"
#define SOURCE_ANNOTATION "kubernetes.io/config.source"

/* Parts of a status that are ours: where we say nothing, there is nothing. */
static const char *const own_keys[] = {"phase", "hostIP", "podIP", "podIPs", "startTime", "reason",
	"message", "containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"};

static const json_t *meta_of(const json_t *object)
{
	return json_object_get(object, "metadata");
}

static const char *uid_of(const json_t *object)
{
	return json_string_at(meta_of(object), "uid", "");
}

static const char *annotation_of(const json_t *object, const char *key)
{
	return json_string_at(json_object_get(meta_of(object), "annotations"), key, "");
}

bool pod_is_mirror(const json_t *object)
{
	return annotation_of(object, MIRROR_ANNOTATION)[0] != '\0';
}

char *mirror_name(const char *name, const char *node_name)
{
	return fs_format("%s-%s", name, node_name);
}

int mirror_of(const char *name, const char *node_name, size_t *ret_len)
{
	size_t len = strlen(name), suffix = strlen(node_name) + 1;

	if (len <= suffix || name[len - suffix] != '-' ||
		strcmp(name + len - suffix + 1, node_name) != 0)
		return -ENOENT;
	*ret_len = len - suffix;
	return 0;
}

/* --- status --- */

bool podplan_covers(const json_t *have, const json_t *want)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_null(want))
		return !have || json_is_null(have);
	if (json_is_object(want)) {
		json_object_foreach ((json_t *)want, key, value)
			if (!podplan_covers(json_object_get(have, key), value))
				return false;
		return json_is_object(have) || json_object_size(want) == 0;
	}
	if (json_is_array(want)) {
		json_array_foreach ((json_t *)want, i, value)
			if (!podplan_covers(json_array_get(have, i), value))
				return false;
		return json_array_size(have) == json_array_size(want);
	}
	/* As Go leaves them out. */
	if (!have)
		return json_is_false(want) || (json_is_string(want) && !json_string_length(want));
	return json_equal(have, want);
}

static json_t *condition_find(const json_t *conditions, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach ((json_t *)conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

/*
 * Without a change the server's time stands; with one a time that is older than that cannot be right.  All
 * are in one format and compare as text.
 */
static int condition_date(json_t *condition, const json_t *was, const char *now)
{
	const char *status = json_string_at(condition, "status", "");
	const char *since = json_string_at(condition, "lastTransitionTime", "");
	const char *before = json_string_at(was, "lastTransitionTime", "");

	if (!before[0])
		return 0;
	if (strcmp(status, json_string_at(was, "status", "")) == 0)
		since = before;
	else if (strcmp(since, before) <= 0)
		since = now;
	return json_object_set_new(condition, "lastTransitionTime", json_string(since));
}

static json_t *status_conditions(const json_t *have, const json_t *local, const char *now)
{
	json_t *conditions = local ? json_deep_copy(local) : json_array(), *condition;
	size_t i;
	int r = 0;

	json_array_foreach (conditions, i, condition)
		r |= condition_date(condition,
			condition_find(have, json_string_at(condition, "type", "")), now);
	json_array_foreach ((json_t *)have, i, condition)
		if (!condition_find(conditions, json_string_at(condition, "type", "")))
			r |= json_array_append(conditions, condition);
	if (r < 0) {
		json_decref(conditions);
		return NULL;
	}
	return conditions;
}

json_t *podplan_status(const json_t *object, const json_t *local, const char *now)
{
	const json_t *have = json_object_get(object, "status");
	json_t *status = json_copy((json_t *)json_object_get(local, "status"));
	int r = status ? 0 : -1;

	for (size_t i = 0; r == 0 && i < COUNT(own_keys); i++)
		if (!json_object_get(status, own_keys[i]) && json_object_get(have, own_keys[i]))
			r = json_object_set_new(status, own_keys[i], json_null());
	if (r == 0)
		r = json_object_set_new(status, "conditions",
			status_conditions(json_object_get(have, "conditions"),
				json_object_get(status, "conditions"), now));
	if (r == 0)
		return status;
	json_decref(status);
	return NULL;
}

/* A Pod that is refused waits and says why: one that failed would be replaced, for ever. */
static json_t *refused_status(const char *refusal)
{
	return json_pack("{s:s, s:s, s:o}", "phase", "Pending", "reason", "Refused", "message",
		json_any_text(refusal));
}

/* --- requests --- */

static char *pod_target(const struct podplan_input *in, const char *name, const char *sub)
{
	return writer_target("", "v1", in->namespace, "pods", name, sub);
}

/* With its revision, so that nothing somebody else has written meanwhile is lost. */
static enum podplan plan_status(const struct podplan_input *in, json_t *status, struct write *ret)
{
	const json_t *meta = meta_of(in->object);
	const char *revision = json_string_at(meta, "resourceVersion", "");
	AUTO_JSON wanted = status;

	if (wanted && podplan_covers(json_object_get(in->object, "status"), wanted))
		return PODPLAN_NOTHING;
	/* The server has made of it what it has: asking again would not change that. */
	if (wanted && in->sent && strcmp(in->sent_revision, revision) == 0 &&
		json_equal(in->sent, wanted))
		return PODPLAN_NOTHING;
	*ret = (struct write){
		.method = "PATCH",
		.target = pod_target(in, in->name, "status"),
		.content_type = CLIENT_MERGE_PATCH,
		.body = json_pack("{s:{s:s, s:s}, s:O}", "metadata", "uid", uid_of(in->object),
			"resourceVersion", revision, "status", wanted),
	};
	return PODPLAN_STATUS;
}

/* What runs here has ended: the object goes at once, or when its finalizers have gone. */
static enum podplan plan_delete(const struct podplan_input *in, struct write *ret)
{
	const json_t *meta = meta_of(in->object);

	if (json_object_get(meta, "deletionTimestamp") &&
		json_integer_at(meta, "deletionGracePeriodSeconds", 30) == 0)
		return PODPLAN_NOTHING;
	*ret = (struct write){
		.method = "DELETE",
		.target = pod_target(in, in->name, NULL),
		.body = json_pack("{s:s, s:s, s:i, s:{s:s}}", "kind", "DeleteOptions", "apiVersion",
			"v1", "gracePeriodSeconds", 0, "preconditions", "uid", uid_of(in->object)),
	};
	return PODPLAN_DELETE;
}

static json_t *mirror_annotations(const struct podplan_input *in)
{
	json_t *from = json_object_get(meta_of(in->mirrored), "annotations");
	const char *uid = uid_of(in->mirrored);
	json_t *annotations = from ? json_copy(from) : json_object();

	if (json_object_set_new(annotations, MIRROR_ANNOTATION, json_string(uid)) == 0 &&
		json_object_set_new(annotations, HASH_ANNOTATION, json_string(uid)) == 0 &&
		json_object_set_new(annotations, SOURCE_ANNOTATION, json_string("file")) == 0)
		return annotations;
	json_decref(annotations);
	return NULL;
}

/* It goes with its Node. */
static json_t *mirror_owners(const struct podplan_input *in)
{
	if (!in->node_uid[0])
		return json_array();
	return json_pack("[{s:s, s:s, s:s, s:s, s:b}]", "apiVersion", "v1", "kind", "Node", "name",
		in->node_name, "uid", in->node_uid, "controller", 1);
}

static json_t *mirror_meta(const struct podplan_input *in)
{
	return json_pack("{s:s, s:s, s:o, s:O*, s:o}", "name", in->name, "namespace", in->namespace,
		"annotations", mirror_annotations(in), "labels",
		json_object_get(meta_of(in->mirrored), "labels"), "ownerReferences",
		mirror_owners(in));
}

/* No taint drives a manifest's Pod away. */
static enum podplan plan_mirror(const struct podplan_input *in, struct write *ret)
{
	json_t *spec = json_deep_copy(json_object_get(in->mirrored, "spec"));
	int r = json_object_set_new(spec, "nodeName", json_string(in->node_name)) |
		json_object_set_new(spec, "tolerations",
			json_pack("[{s:s, s:s}]", "operator", "Exists", "effect", "NoExecute"));

	*ret = (struct write){
		.method = "POST",
		.target = pod_target(in, NULL, NULL),
		.body = json_pack("{s:s, s:s, s:o, s:o}", "kind", "Pod", "apiVersion", "v1",
			"metadata", mirror_meta(in), "spec", spec),
	};
	if (r < 0) {
		json_decref(ret->body);
		ret->body = NULL;
	}
	return PODPLAN_MIRROR;
}

static enum podplan podplan_mirror(const struct podplan_input *in, struct write *ret)
{
	bool right = in->mirrored && strcmp(annotation_of(in->object, MIRROR_ANNOTATION),
					     uid_of(in->mirrored)) == 0;

	if (!right || json_object_get(meta_of(in->object), "deletionTimestamp"))
		return plan_delete(in, ret);
	if (!in->local)
		return PODPLAN_NOTHING;
	return plan_status(in, podplan_status(in->object, in->local, in->now), ret);
}

enum podplan podplan(const struct podplan_input *in, struct write *ret)
{
	if (!in->object)
		return in->mirrored ? plan_mirror(in, ret) : PODPLAN_NOTHING;
	if (pod_is_mirror(in->object))
		return podplan_mirror(in, ret);
	if (in->local)
		return plan_status(in, podplan_status(in->object, in->local, in->now), ret);
	if (in->over || json_object_get(meta_of(in->object), "deletionTimestamp"))
		return plan_delete(in, ret);
	if (in->refusal)
		return plan_status(in, refused_status(in->refusal), ret);
	return PODPLAN_NOTHING;
}
