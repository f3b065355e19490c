// SPDX-License-Identifier: Apache-2.0
/* A new Pod's service account: which one, and the volume by which its processes may use the API as it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/pod.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/store/store.h"

#define MIRROR	      "kubernetes.io/config.mirror"
#define MOUNT_PATH    "/var/run/secrets/kubernetes.io/serviceaccount"
#define VOLUME_PREFIX "kube-api-access-"
#define TOKEN_SECONDS 3607 /* upstream's: told from an hour that somebody asked for */

/* A Pod that a node shows of itself has none. */
static bool is_mirror(const json_t *pod)
{
	const json_t *meta = json_object_get(pod, "metadata");

	return json_object_get(json_object_get(meta, "annotations"), MIRROR) != NULL;
}

static int account_find(
	const struct api_request *request, const char *name, json_t **ret, struct failure *failure)
{
	const struct kind *kind = kind_by_resource("", "v1", "serviceaccounts");
	const struct store_entry *entry;
	char key[STORED_KEY_MAX], why[3 * REQUEST_NAME_MAX + 128];

	stored_key(kind, request->namespace, name, key);
	entry = store_get(request->api->store, key);
	if (entry && stored_decode(entry->value, entry->modified, kind, "v1", ret) == 0)
		return 0;
	if (entry)
		return failure_internal(failure, "out of memory");
	snprintf(why, sizeof(why),
		"error looking up service account %s/%.253s: serviceaccount \"%.253s\" not found",
		request->namespace, name, name);
	pod_forbid(request, failure, why);
	failure->passes = true; /* a new namespace is about to get its own */
	return -1;
}

/* --- the token's volume --- */

/* The Pod's word counts before its account's. */
static bool is_mounted(const json_t *spec, const json_t *account)
{
	static const char key[] = "automountServiceAccountToken";
	const json_t *given = json_object_get(spec, key);

	return !json_is_false(given ? given : json_object_get(account, key));
}

static json_t *volume_new(const char *name)
{
	return json_pack("{s:s, s:{s:[{s:{s:i, s:s}}, {s:{s:s, s:[{s:s, s:s}]}}, "
			 "{s:{s:[{s:s, s:{s:s, s:s}}]}}], s:i}}",
		"name", name, "projected", "sources", "serviceAccountToken", "expirationSeconds",
		TOKEN_SECONDS, "path", "token", "configMap", "name", "kube-root-ca.crt", "items",
		"key", "ca.crt", "path", "ca.crt", "downwardAPI", "items", "path", "namespace",
		"fieldRef", "apiVersion", "v1", "fieldPath", "metadata.namespace", "defaultMode",
		0644);
}

static bool has_mount(const json_t *container)
{
	json_t *mount;
	size_t i;

	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount)
		if (strcmp(json_string_at(mount, "mountPath", ""), MOUNT_PATH) == 0)
			return true;
	return false;
}

/* The list at @holder[@key], made when it is missing. */
static json_t *list_at(json_t *holder, const char *key)
{
	json_t *list = json_object_get(holder, key);

	if (list)
		return list;
	list = json_array();
	return json_object_set_new(holder, key, list) < 0 ? NULL : list;
}

/* The number of containers that have got it; -ENOMEM. */
static int mounts_add(json_t *containers, const char *volume)
{
	json_t *container;
	int count = 0;
	size_t i;

	json_array_foreach (containers, i, container) {
		json_t *mount;

		if (has_mount(container))
			continue;
		mount = json_pack(
			"{s:s, s:b, s:s}", "name", volume, "readOnly", 1, "mountPath", MOUNT_PATH);
		if (json_array_append_new(list_at(container, "volumeMounts"), mount) < 0)
			return -ENOMEM;
		count++;
	}
	return count;
}

/* One that the Pod brings along is used: somebody sent again what he had read. */
static const char *volume_named(const json_t *spec)
{
	json_t *volume;
	size_t i;

	json_array_foreach (json_object_get(spec, "volumes"), i, volume) {
		const char *name = json_string_at(volume, "name", "");

		if (strncmp(name, VOLUME_PREFIX, strlen(VOLUME_PREFIX)) == 0)
			return name;
	}
	return NULL;
}

static int token_mount(json_t *spec, struct failure *failure)
{
	char generated[REQUEST_NAME_MAX];
	const char *present = volume_named(spec), *name = present ? present : generated;
	int inits, mains;

	if (!present && !meta_generate(VOLUME_PREFIX, generated))
		return failure_internal(failure, "no random numbers");
	inits = mounts_add(json_object_get(spec, "initContainers"), name);
	mains = mounts_add(json_object_get(spec, "containers"), name);
	if (inits < 0 || mains < 0 ||
		(!present && inits + mains > 0 &&
			json_array_append_new(list_at(spec, "volumes"), volume_new(name)) < 0))
		return failure_internal(failure, "out of memory");
	return 0;
}

int pod_admit_account(const struct api_request *request, json_t *pod, struct failure *failure)
{
	json_t *spec = json_object_get(pod, "spec"), *secrets;
	const char *name = json_string_at(spec, "serviceAccountName", "");
	AUTO_JSON account = NULL;

	if (is_mirror(pod))
		return 0;
	if (!name[0]) {
		name = "default";
		if (json_object_set_new(spec, "serviceAccountName", json_string(name)) < 0 ||
			json_object_set_new(spec, "serviceAccount", json_string(name)) < 0)
			return failure_internal(failure, "out of memory");
	}
	if (account_find(request, name, &account, failure) < 0)
		return -1;
	secrets = json_object_get(account, "imagePullSecrets");
	if (json_array_size(secrets) > 0 &&
		json_array_size(json_object_get(spec, "imagePullSecrets")) == 0 &&
		json_object_set(spec, "imagePullSecrets", secrets) < 0)
		return failure_internal(failure, "out of memory");
	return is_mounted(spec, account) ? token_mount(spec, failure) : 0;
}
