// SPDX-License-Identifier: Apache-2.0
/* What Kubernetes' admission adds to a new Pod, and for what it is refused. */
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/pod.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/store/store.h"

#define EVICTED_SECONDS 300 /* a node may be away for so long */

int pod_forbid(const struct api_request *request, struct failure *failure, const char *why)
{
	failure_set(failure, 403, "Forbidden", "pods \"%s\" is forbidden: %s", request->name, why);
	failure_about(failure, request, request->name);
	return -1;
}

/* --- tolerations --- */

/* Something is said about that taint already. */
static bool tolerations_have(const json_t *tolerations, const char *key)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)tolerations, i, item) {
		const char *about = json_string_at(item, "key", "");
		const char *effect = json_string_at(item, "effect", "");

		if ((!about[0] || strcmp(about, key) == 0) &&
			(!effect[0] || strcmp(effect, "NoExecute") == 0))
			return true;
	}
	return false;
}

static int tolerations_admit(json_t *pod, struct failure *failure)
{
	static const char *const taints[] = {
		"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"};
	json_t *spec = json_object_get(pod, "spec");
	json_t *tolerations = json_object_get(spec, "tolerations");

	if (!tolerations) {
		tolerations = json_array();
		if (json_object_set_new(spec, "tolerations", tolerations) < 0)
			return failure_internal(failure, "out of memory");
	}
	for (size_t i = 0; i < COUNT(taints); i++)
		if (!tolerations_have(tolerations, taints[i]) &&
			json_array_append_new(
				tolerations, json_pack("{s:s, s:s, s:s, s:i}", "key", taints[i],
						     "operator", "Exists", "effect", "NoExecute",
						     "tolerationSeconds", EVICTED_SECONDS)) < 0)
			return failure_internal(failure, "out of memory");
	return 0;
}

/* --- priority --- */

static int class_read(const struct store_entry *entry, json_t **ret)
{
	return stored_decode(entry->value, entry->modified,
		kind_by_resource("scheduling.k8s.io", "v1", "priorityclasses"), "v1", ret);
}

static json_t *class_named(const struct api_request *request, const char *name)
{
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];
	json_t *class = NULL;

	stored_key(kind_by_resource("scheduling.k8s.io", "v1", "priorityclasses"), NULL, name, key);
	entry = store_get(request->api->store, key);
	return entry && class_read(entry, &class) == 0 ? class : NULL;
}

/* The one for all who name none; NULL: there is no such class. */
static json_t *class_default(const struct api_request *request)
{
	const struct store_entry *const *entries;
	char prefix[STORED_KEY_MAX];
	size_t count;

	stored_prefix(kind_by_resource("scheduling.k8s.io", "v1", "priorityclasses"), NULL, prefix);
	entries = store_range(request->api->store, prefix, NULL, &count);
	for (size_t i = 0; i < count; i++) {
		AUTO_JSON class = NULL;

		if (class_read(entries[i], &class) == 0 &&
			json_is_true(json_object_get(class, "globalDefault")))
			return take_ptr(class);
	}
	return NULL;
}

static int priority_set(const struct api_request *request, json_t *spec, const json_t *class,
	struct failure *failure)
{
	long long priority = json_integer_at(class, "value", 0);
	const char *policy = json_string_at(class, "preemptionPolicy", "PreemptLowerPriority");
	const json_t *given = json_object_get(spec, "priority");
	char why[200];

	if (given && json_integer_value(given) != priority) {
		snprintf(why, sizeof(why),
			"the integer value of priority (%lld) must not be provided in pod spec; "
			"priority admission controller computed %lld from the given PriorityClass "
			"name",
			(long long)json_integer_value(given), priority);
		return pod_forbid(request, failure, why);
	}
	if (json_object_set_new(spec, "priority", json_integer(priority)) < 0 ||
		(!json_object_get(spec, "preemptionPolicy") &&
			json_object_set_new(spec, "preemptionPolicy", json_string(policy)) < 0))
		return failure_internal(failure, "out of memory");
	return 0;
}

static int priority_admit(const struct api_request *request, json_t *pod, struct failure *failure)
{
	json_t *spec = json_object_get(pod, "spec");
	const char *name = json_string_at(spec, "priorityClassName", "");
	AUTO_JSON class = name[0] ? class_named(request, name) : class_default(request);
	char why[REQUEST_NAME_MAX + 64];

	if (name[0] && !class) {
		snprintf(why, sizeof(why), "no PriorityClass with name %.253s was found", name);
		return pod_forbid(request, failure, why);
	}
	if (!name[0] && class)
		json_object_set(spec, "priorityClassName",
			json_object_get(json_object_get(class, "metadata"), "name"));
	return priority_set(request, spec, class, failure);
}

int pod_admit(const struct api_request *request, json_t *pod, struct failure *failure)
{
	if (pod_admit_account(request, pod, failure) < 0 || tolerations_admit(pod, failure) < 0)
		return -1;
	return priority_admit(request, pod, failure);
}
