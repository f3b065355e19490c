// SPDX-License-Identifier: Apache-2.0
/* Manifests -> Pods: which Pod has to be there, under which UID, and which has to go. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/incarnations.h"
#include "user/agent/state.h"
#include "user/agent/uid.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"

#define PODS_RETRY  USEC_PER_SEC
#define POD_KEY_MAX (2 * (NAME_MAX_LEN + 1))

static void pod_key(const struct object_meta *meta, char ret[POD_KEY_MAX])
{
	snprintf(ret, POD_KEY_MAX, "%s/%s", meta->namespace, meta->name);
}

static uint64_t pods_incarnation(const struct agent *agent, const struct object_meta *meta)
{
	char key[POD_KEY_MAX];

	pod_key(meta, key);
	return incarnations_get(agent->incarnations, key);
}

/* The Pod made next under this name is another one. */
static void pods_raise(struct agent *agent, const struct object_meta *meta)
{
	char key[POD_KEY_MAX];

	pod_key(meta, key);
	incarnations_raise(agent->incarnations, key);
	store_write(agent, STORE_INCARNATIONS, agent->incarnations);
}

bool pods_may_be_hidden(const struct agent *agent)
{
	const struct manifests_refusal *refusals;
	size_t count;

	refusals = manifests_refusals(agent->manifests, &count);
	for (size_t i = 0; i < count; i++)
		if (!refusals[i].kind[0] || strcmp(refusals[i].kind, "Pod") == 0)
			return true;
	return false;
}

static bool pods_name_is_used(const char *key, const void *userdata)
{
	const struct agent *agent = userdata;
	const char *slash = strchr(key, '/');
	char namespace[POD_KEY_MAX];

	snprintf(namespace, sizeof(namespace), "%.*s", (int)(slash - key), key);
	return manifests_find(agent->manifests, KIND_POD, namespace, slash + 1) ||
	       node_pod_find(agent->node, namespace, slash + 1);
}

/* Numbers are kept for the names of manifests, and of Pods as long as those are there. */
static void pods_number(struct agent *agent, const struct manifests_entry *entries, size_t count)
{
	size_t pods = 0;
	bool changed = false;

	for (size_t i = 0; i < count; i++) {
		char key[POD_KEY_MAX];

		if (entries[i].object->kind != KIND_POD)
			continue;
		pod_key(&entries[i].object->meta, key);
		changed |= incarnations_keep(agent->incarnations, key);
		pods++;
	}
	/* One more is the mark's. */
	if (json_object_size(agent->incarnations) > pods && !pods_may_be_hidden(agent))
		changed |= incarnations_forget(agent->incarnations, pods_name_is_used, agent);
	if (changed)
		store_write(agent, STORE_INCARNATIONS, agent->incarnations);
}

int pods_load(struct agent *agent, struct err *err)
{
	return store_read(agent, STORE_INCARNATIONS, &agent->incarnations, err);
}

/* The object as it is admitted: a copy with its UID. */
static int pod_admit(const struct object *object, const char *uid, struct object *ret)
{
	json_t *json = json_deep_copy(object->json);

	if (json_object_set_new(json_object_get(json, "metadata"), "uid", json_string(uid)) < 0) {
		json_decref(json);
		return -ENOMEM;
	}
	object_view(json, KIND_POD, ret);
	return 0;
}

/* What this machine lacks for a moment, not what is wrong with a Pod. */
static bool may_pass(int r)
{
	static const int codes[] = {
		ENOMEM, ENOBUFS, EMFILE, ENFILE, EAGAIN, ENOSPC, EDQUOT, EROFS, EIO};

	for (size_t i = 0; i < COUNT(codes); i++)
		if (r == -codes[i])
			return true;
	return false;
}

void pods_retry(struct agent *agent, int r)
{
	if (may_pass(r))
		timer_arm(agent->pods_timer, clock_now() + PODS_RETRY);
}

void pods_again(void *userdata)
{
	pods_sync(userdata);
}

static void pods_add(struct agent *agent, const struct manifests_entry *entry, const char *uid)
{
	struct object admitted;
	struct err err;
	int r;

	if (pod_admit(entry->object, uid, &admitted) < 0) {
		log_error("%s: no memory to admit the Pod", entry->file);
		pods_retry(agent, -ENOMEM);
		return;
	}
	r = node_pod_add(agent->node, &admitted, &err);
	json_decref(admitted.json);
	if (r < 0)
		log_error("%s: line %u: %s", entry->file, entry->line, err.text);
	pods_retry(agent, r);
}

static void pods_sync_entry(struct agent *agent, const struct manifests_entry *entry)
{
	const struct object_meta *meta = &entry->object->meta;
	struct node_pod *pod = node_pod_find(agent->node, meta->namespace, meta->name);
	char uid[UID_LEN];

	if (uid_derive(entry->file, entry->object, pods_incarnation(agent, meta), uid) < 0) {
		log_error("%s: no memory to name the Pod", entry->file);
		pods_retry(agent, -ENOMEM);
		return;
	}
	if (!pod)
		pods_add(agent, entry, uid);
	else if (strcmp(node_pod_spec(pod)->meta.uid, uid) == 0)
		node_pod_update(pod, entry->object->json);
	else if (!node_pod_observed(pod)->deleting)
		node_pod_delete(pod, -1);
}

void pods_sync(struct agent *agent)
{
	const struct manifests_entry *entries;
	struct node_pod *pod, *next;
	size_t count;

	if (!agent->manifests || !manifests_revision(agent->manifests))
		return;
	entries = manifests_entries(agent->manifests, &count);
	pods_number(agent, entries, count);
	for (size_t i = 0; i < count; i++)
		if (entries[i].object->kind == KIND_POD)
			pods_sync_entry(agent, &entries[i]);
	for (pod = node_pod_next(agent->node, NULL); pod; pod = next) {
		const struct object_meta *meta = &node_pod_spec(pod)->meta;

		next = node_pod_next(agent->node, pod);
		if (uid_is_derived(meta->uid) &&
			!manifests_find(agent->manifests, KIND_POD, meta->namespace, meta->name) &&
			!node_pod_observed(pod)->deleting)
			node_pod_delete(pod, -1);
	}
	clusterpods_sync(agent);
}

void pods_delete(struct agent *agent, struct node_pod *pod, int64_t grace)
{
	if (uid_is_derived(node_pod_spec(pod)->meta.uid) && !node_pod_observed(pod)->deleting)
		pods_raise(agent, &node_pod_spec(pod)->meta);
	node_pod_delete(pod, grace);
}

bool pods_is_uid(const struct agent *agent, const struct manifests_entry *entry, const char *uid)
{
	uint64_t incarnation = pods_incarnation(agent, &entry->object->meta);
	char derived[UID_LEN];

	/* Without memory nothing is denied. */
	return uid_derive(entry->file, entry->object, incarnation, derived) < 0 ||
	       strcmp(derived, uid) == 0;
}

void pods_gone(struct agent *agent, struct node_pod *pod)
{
	const struct object_meta *meta = &node_pod_spec(pod)->meta;
	const struct manifests_entry *entry;

	entry = manifests_find(agent->manifests, KIND_POD, meta->namespace, meta->name);
	/* What is described in the same words makes another Pod. */
	if (entry && pods_is_uid(agent, entry, meta->uid))
		pods_raise(agent, meta);
}
