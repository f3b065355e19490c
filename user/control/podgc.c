// SPDX-License-Identifier: Apache-2.0
#include "user/control/podgc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"
#include "user/model/age.h"

static char *pod_target(const json_t *pod, const char *sub)
{
	return request_target(
		"", "v1", meta_text(pod, "namespace"), "pods", meta_text(pod, "name"), sub);
}

static const char *pod_node(const json_t *pod)
{
	return json_string_at(json_object_get(pod, "spec"), "nodeName", "");
}

static bool pod_is_finished(const json_t *pod)
{
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");

	return strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0;
}

/* --- of nodes that are gone --- */

static void orphan_remove(const json_t *pod, const char *now, struct requests *plan)
{
	requests_expect_gone(
		plan, request_target("", "v1", NULL, "nodes", pod_node(pod), NULL), "");
	if (!pod_is_finished(pod))
		requests_patch(plan, pod_target(pod, "status"), CLIENT_STRATEGIC_PATCH,
			json_pack("{s:{s:s}, s:{s:s, s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata",
				"uid", meta_text(pod, "uid"), "status", "phase", "Failed",
				"conditions", "type", "DisruptionTarget", "status", "True",
				"reason", "DeletionByPodGC", "message",
				"PodGC: node no longer exists", "lastTransitionTime", now));
	requests_delete_now(plan, pod_target(pod, NULL), meta_text(pod, "uid"));
}

/* --- too many that are over --- */

static int age_order(const void *first, const void *second)
{
	const json_t *a = *(const json_t *const *)first, *b = *(const json_t *const *)second;
	int order = strcmp(meta_text(a, "creationTimestamp"), meta_text(b, "creationTimestamp"));

	return order ? order : strcmp(meta_text(a, "name"), meta_text(b, "name"));
}

static int finished_plan(const json_t *pods, struct requests *plan)
{
	AUTO_FREE const json_t **list = calloc(json_object_size(pods) + 1, sizeof(list[0]));
	size_t count = 0;
	const char *key;
	json_t *pod;

	if (!list)
		return -ENOMEM;
	json_object_foreach ((json_t *)pods, key, pod)
		if (pod_is_finished(pod) && !meta_is_deleting(pod))
			list[count++] = pod;
	if (count <= PODGC_FINISHED_MOST)
		return 0;
	qsort(list, count, sizeof(list[0]), age_order);
	for (size_t i = 0; i < count - PODGC_FINISHED_MOST && i < COLLECT_BURST; i++)
		requests_delete_now(plan, pod_target(list[i], NULL), meta_text(list[i], "uid"));
	return 0;
}

int podgc_plan(const json_t *pods, const json_t *lost, int64_t now, struct requests *plan)
{
	char when[CLOCK_RFC3339_LEN];
	const char *key;
	json_t *pod;

	clock_rfc3339((uint64_t)now * USEC_PER_SEC, when);
	json_object_foreach ((json_t *)pods, key, pod)
		if (plan->count < COLLECT_BURST && json_object_get(lost, pod_node(pod)))
			orphan_remove(pod, when, plan);
	if (finished_plan(pods, plan) < 0)
		return -ENOMEM;
	return plan->no_memory ? -ENOMEM : 0;
}

int events_expire_plan(const json_t *events, int64_t now, struct requests *plan)
{
	const char *key;
	json_t *event;

	json_object_foreach ((json_t *)events, key, event) {
		int64_t last = age_parse(json_string_at(
			event, "lastTimestamp", meta_text(event, "creationTimestamp")));

		if (last + EVENTS_SECONDS > now || plan->count >= COLLECT_BURST)
			continue;
		requests_delete(plan,
			request_target("", "v1", meta_text(event, "namespace"), "events",
				meta_text(event, "name"), NULL),
			meta_text(event, "uid"));
	}
	return plan->no_memory ? -ENOMEM : 0;
}
