// SPDX-License-Identifier: Apache-2.0
/* Pods of the API server -> Pods here, and what is told of them in return. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/agent/clusterstate.h"
#include "user/agent/state.h"
#include "user/agent/uid.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/model/place.h"

static const json_t *meta_of(const json_t *object)
{
	return json_object_get(object, "metadata");
}

static const char *uid_of(const json_t *object)
{
	return json_string_at(meta_of(object), "uid", "");
}

static bool is_deleting(const json_t *object)
{
	return json_object_get(meta_of(object), "deletionTimestamp") != NULL;
}

static const json_t *cluster_pods(const struct cluster *cluster)
{
	return informer_objects(cluster->followers[FOLLOWED_PODS].informer);
}

/* --- names --- */

static bool pod_is_foreign(const struct node_pod *pod)
{
	return !uid_is_derived(node_pod_spec(pod)->meta.uid);
}

/* What the server calls it: a manifest's Pod by the name of its mirror.  The caller frees it. */
static char *pod_server_key(const struct agent *agent, const struct node_pod *pod)
{
	const struct object_meta *meta = &node_pod_spec(pod)->meta;

	return pod_is_foreign(pod) ? fs_format("%s/%s", meta->namespace, meta->name)
				   : fs_format("%s/%s-%s", meta->namespace, meta->name,
					     agent->options->node_name);
}

static void pod_look(struct cluster *cluster, const struct node_pod *pod)
{
	AUTO_FREE char *key = pod_server_key(cluster->agent, pod);

	if (key)
		podwrites_look(cluster->writes, key);
	else
		log_warning("no memory to tell the API server of a Pod, it waits for its next "
			    "change");
}

/* --- what happens to them --- */

void clusterpods_changed(struct agent *agent, const struct node_pod *pod)
{
	if (agent->cluster && agent->cluster->writes)
		pod_look(agent->cluster, pod);
}

void clusterpods_gone(struct agent *agent, const struct node_pod *pod)
{
	struct cluster *cluster = agent->cluster;
	const char *uid = node_pod_spec(pod)->meta.uid;

	if (!cluster || !cluster->writes)
		return;
	/* It is not started again while the server still lists it. */
	if (pod_is_foreign(pod) && json_object_set_new(cluster->over, uid, json_true()) < 0)
		log_warning("pod with uid %s: no memory to remember that it has ended", uid);
	pod_look(cluster, pod);
}

void clusterpods_happened(void *userdata, struct node_pod *pod, const struct node_event *happened)
{
	const struct agent *agent = userdata;
	const struct object_meta *meta = &node_pod_spec(pod)->meta;
	AUTO_FREE char *key = NULL, *field = NULL;
	struct event event = {
		.kind = "Pod",
		.namespace = meta->namespace,
		.uid = meta->uid,
		.warning = happened->warning,
		.reason = happened->reason,
		.message = happened->message,
	};

	if (!agent->cluster || !agent->cluster->events)
		return;
	key = pod_server_key(agent, pod);
	if (happened->container)
		field = fs_format("spec.%s{%s}", happened->list, happened->container);
	if (!key) {
		log_warning("no memory for an event, ignoring");
		return;
	}
	event.name = strchr(key, '/') + 1;
	event.field = field;
	events_add(agent->cluster->events, &event);
}

/* --- what the server wants --- */

static void refusal_tell(struct cluster *cluster, const json_t *object, const char *why)
{
	const json_t *meta = meta_of(object);
	struct event event = {
		.kind = "Pod",
		.namespace = json_string_at(meta, "namespace", ""),
		.name = json_string_at(meta, "name", ""),
		.uid = uid_of(object),
		.warning = true,
		.reason = "FailedAdmission",
		.message = why,
	};
	char key[INFORMER_KEY_MAX];

	if (strcmp(json_string_at(cluster->refusals, event.uid, ""), why) == 0 ||
		json_object_set_new(cluster->refusals, event.uid, json_any_text(why)) < 0)
		return;
	log_error("pod %s/%s of the API server: %s", event.namespace, event.name, why);
	events_add(cluster->events, &event);
	informer_key(object, key);
	podwrites_look(cluster->writes, key);
}

/* Checked as a manifest is: what cannot be done is refused, not left out. */
static int pod_decode_admitted(const json_t *object, struct object **ret, struct err *err)
{
	AUTO_JSON copy = json_deep_copy(object);
	json_t *meta;
	int r;

	if (!copy)
		return err_set(err, ENOMEM, "admit a Pod");
	json_object_del(json_object_get(copy, "metadata"), "generateName");
	/* They are added as to a Pod that runs. */
	json_object_del(json_object_get(copy, "spec"), "ephemeralContainers");
	r = object_decode(copy, PLACE_ROOT(NULL), ret, err);
	if (r < 0)
		return r;
	meta = json_object_get((*ret)->json, "metadata");
	if (json_object_set_new(meta, "uid", json_string(uid_of(object))) < 0) {
		*ret = object_free(*ret);
		return err_set(err, ENOMEM, "admit a Pod");
	}
	(*ret)->meta.uid = json_string_at(meta, "uid", "");
	return 0;
}

/* The Pod of that name here; NULL: there is none. */
static struct node_pod *pod_of(const struct cluster *cluster, const json_t *object)
{
	const json_t *meta = meta_of(object);

	return node_pod_find(cluster->agent->node, json_string_at(meta, "namespace", ""),
		json_string_at(meta, "name", ""));
}

static void pod_follow(struct node_pod *pod, const json_t *object)
{
	const json_t *meta = meta_of(object);

	if (is_deleting(object))
		node_pod_delete(pod, json_integer_at(meta, "deletionGracePeriodSeconds", -1));
	else if (!node_pod_observed(pod)->deleting)
		node_pod_update(pod, object);
}

static void pod_add(struct cluster *cluster, const json_t *object)
{
	struct object *admitted = NULL;
	struct err err;
	int r = pod_decode_admitted(object, &admitted, &err);

	if (r == 0)
		r = node_pod_add(cluster->agent->node, admitted, &err);
	object_free(admitted);
	if (r == 0) {
		json_object_del(cluster->refusals, uid_of(object));
		pod_follow(pod_of(cluster, object), object);
	} else if (r != -EBUSY) /* else it is tried again when the sweep is over */
		refusal_tell(cluster, object, err.text);
	pods_retry(cluster->agent, r);
}

static bool phase_is_final(const json_t *object)
{
	const char *phase = json_string_at(json_object_get(object, "status"), "phase", "");

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

/* There is no Pod of its name here. */
static void pod_begin(struct cluster *cluster, const json_t *object)
{
	const json_t *meta = meta_of(object);
	AUTO_JSON keys = NULL;

	if (is_deleting(object) || phase_is_final(object) ||
		json_object_get(cluster->over, uid_of(object)))
		return;
	if (manifests_find(cluster->agent->manifests, KIND_POD,
		    json_string_at(meta, "namespace", ""), json_string_at(meta, "name", ""))) {
		refusal_tell(
			cluster, object, "a manifest of this node describes a Pod of this name");
		return;
	}
	keys = json_object();
	if (keys && references_of(object, keys) == 0 &&
		references_are_known(cluster->references, keys))
		pod_add(cluster, object);
}

static void pod_sync(struct cluster *cluster, const json_t *object)
{
	struct node_pod *pod = pod_of(cluster, object);

	if (!pod)
		pod_begin(cluster, object);
	else if (strcmp(node_pod_spec(pod)->meta.uid, uid_of(object)) == 0)
		pod_follow(pod, object);
	else if (!pod_is_foreign(pod))
		refusal_tell(
			cluster, object, "a manifest of this node describes a Pod of this name");
	else if (!node_pod_observed(pod)->deleting)
		node_pod_delete(pod, -1); /* the new one waits until it has gone */
}

const char *cluster_token(const struct agent *agent, const struct pod *pod,
	const struct projection *projection, struct err *err)
{
	struct token_want want =
		token_want_of(pod->json, projection->audience, projection->seconds);

	if (agent->cluster && agent->cluster->references && !uid_is_derived(pod->meta.uid))
		return references_token(agent->cluster->references, &want, err);
	err_refuse(err, ENOENT, "only Pods of an API server have tokens");
	return NULL;
}

/* What Pods here, and those that are to be, name. */
static void references_sync(struct cluster *cluster)
{
	AUTO_JSON keys = json_object();
	struct node_pod *pod = NULL;
	const char *key;
	json_t *object;
	int r = keys ? 0 : -1;

	while ((pod = node_pod_next(cluster->agent->node, pod)))
		if (pod_is_foreign(pod))
			r |= references_of(node_pod_spec(pod)->json, keys);
	json_object_foreach ((json_t *)cluster_pods(cluster), key, object)
		if (!pod_is_mirror(object) && !phase_is_final(object))
			r |= references_of(object, keys);
	if (r == 0)
		references_follow(cluster->references, keys);
	else
		log_warning("no memory to follow ConfigMaps and Secrets, those of before stay");
}

bool clusterpods_want(const struct agent *agent, const char *uid)
{
	const char *key;
	json_t *object;

	if (!agent->cluster || !cluster_has_pods(agent->cluster))
		return false;
	json_object_foreach ((json_t *)cluster_pods(agent->cluster), key, object)
		if (strcmp(uid_of(object), uid) == 0)
			return true;
	return false;
}

/* What has ended is remembered as long as the server lists it. */
static void over_forget(struct cluster *cluster)
{
	const char *uid;
	json_t *value;
	void *next;

	json_object_foreach_safe (cluster->over, next, uid, value) {
		if (!clusterpods_want(cluster->agent, uid))
			json_object_del(cluster->over, uid);
	}
}

void clusterpods_sync(struct agent *agent)
{
	struct cluster *cluster = agent->cluster;
	struct node_pod *pod, *next;
	const char *key;
	json_t *object;

	if (!cluster || !cluster->references)
		return;
	references_sync(cluster);
	/* Nothing ends because the server is silent. */
	if (!cluster_has_pods(cluster))
		return;
	over_forget(cluster);
	json_object_foreach ((json_t *)cluster_pods(cluster), key, object)
		if (!pod_is_mirror(object))
			pod_sync(cluster, object);
	for (pod = node_pod_next(agent->node, NULL); pod; pod = next) {
		next = node_pod_next(agent->node, pod);
		if (pod_is_foreign(pod) && !node_pod_observed(pod)->deleting &&
			!clusterpods_want(agent, node_pod_spec(pod)->meta.uid))
			node_pod_delete(pod, -1);
	}
}

void clusterpods_told(struct cluster *cluster, const json_t *object, const json_t *old)
{
	char key[INFORMER_KEY_MAX];

	informer_key(object ? object : old, key);
	if (old && strcmp(uid_of(old), object ? uid_of(object) : "") != 0) {
		json_object_del(cluster->refusals, uid_of(old));
	}
	podwrites_hurry(cluster->writes, key);
}

void clusterpods_listed(struct cluster *cluster)
{
	struct node_pod *pod = NULL;

	while ((pod = node_pod_next(cluster->agent->node, pod)))
		pod_look(cluster, pod);
}

void clusterpods_left(const struct agent *agent)
{
	struct node_pod *pod = NULL;
	unsigned count = 0;

	while ((pod = node_pod_next(agent->node, pod)))
		count += pod_is_foreign(pod);
	if (count)
		log_warning("%u Pods of an API server go on without one, until they are deleted",
			count);
}

/* --- what the server is told --- */

/* The Pod of a manifest that the mirror @name stands for; NULL: none. */
static struct node_pod *pod_mirrored(const struct cluster *cluster, const char *name)
{
	const struct agent *agent = cluster->agent;
	char local[NAME_MAX_LEN + 1];
	struct node_pod *pod;
	size_t len;

	if (mirror_of(name, agent->options->node_name, &len) < 0 || len >= sizeof(local))
		return NULL;
	snprintf(local, sizeof(local), "%.*s", (int)len, name);
	pod = node_pod_find(agent->node, cluster->namespace, local);
	return pod && !pod_is_foreign(pod) ? pod : NULL;
}

static void look_mirror(
	struct cluster *cluster, const char *name, struct podplan_input *ret, json_t **ret_local)
{
	struct node_pod *pod = pod_mirrored(cluster, name);

	if (!pod)
		return;
	*ret_local = node_pod_json(pod);
	ret->local = *ret_local;
	if (!node_pod_observed(pod)->deleting)
		ret->mirrored = node_pod_spec(pod)->json;
}

static void look_pod(struct cluster *cluster, struct podplan_input *ret, json_t **ret_local)
{
	struct node_pod *pod = node_pod_find(cluster->agent->node, cluster->namespace, ret->name);
	const char *uid = uid_of(ret->object);

	ret->over = json_object_get(cluster->over, uid) != NULL;
	ret->refusal = json_string_value(json_object_get(cluster->refusals, uid));
	if (!pod || strcmp(node_pod_spec(pod)->meta.uid, uid) != 0)
		return;
	*ret_local = node_pod_json(pod);
	ret->local = *ret_local;
}

static void clusterpods_plan(
	void *userdata, const char *key, struct podplan_input *ret, json_t **ret_local)
{
	struct cluster *cluster = userdata;
	const char *slash = strchr(key, '/');

	snprintf(cluster->namespace, sizeof(cluster->namespace), "%.*s", (int)(slash - key), key);
	ret->namespace = cluster->namespace;
	ret->name = slash + 1;
	ret->node_name = cluster->agent->options->node_name;
	ret->node_uid = membership_node_uid(cluster->membership);
	/* What the server has is not known: nothing is asked of it. */
	if (!cluster_has_pods(cluster))
		return;
	ret->object = json_object_get(cluster_pods(cluster), key);
	if (ret->object && !pod_is_mirror(ret->object))
		look_pod(cluster, ret, ret_local);
	else
		look_mirror(cluster, ret->name, ret, ret_local);
}

const struct podwrites_events clusterpods_writes = {.look = clusterpods_plan};
