// SPDX-License-Identifier: Apache-2.0
#include "user/control/eviction.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/placement.h"
#include "user/control/requests.h"
#include "user/model/age.h"

#define SECONDS_MOST INT32_MAX /* longer is for ever */

/* For how long @taint is tolerated: the shortest of what matches; -1: not at all. */
static int64_t taint_seconds(const json_t *taint, const json_t *pod)
{
	const json_t *toleration;
	int64_t least = -1;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(pod, "spec"), "tolerations"), i, toleration) {
		int64_t seconds = json_integer_at(toleration, "tolerationSeconds", EVICTION_NEVER);

		if (!toleration_matches(toleration, taint))
			continue;
		if (seconds < 0)
			seconds = 0;
		if (least < 0 || seconds < least)
			least = seconds;
	}
	return least;
}

/* A taint without a time gets one from whoever keeps the taints: until then nothing is counted. */
static int64_t taint_due(const json_t *taint, const json_t *pod)
{
	int64_t added = age_parse(json_string_at(taint, "timeAdded", ""));
	int64_t seconds = taint_seconds(taint, pod);

	if (seconds <= 0)
		return 0;
	return seconds > SECONDS_MOST || !added ? EVICTION_NEVER : added + seconds;
}

int64_t eviction_due(const json_t *pod, const json_t *node)
{
	int64_t due = EVICTION_NEVER;
	const json_t *taint;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(node, "spec"), "taints"), i, taint) {
		int64_t of_taint;

		if (strcmp(json_string_at(taint, "effect", ""), "NoExecute") != 0)
			continue;
		of_taint = taint_due(taint, pod);
		if (of_taint < due)
			due = of_taint;
	}
	return due;
}

static void evict(const json_t *pod, int64_t now, struct requests *plan)
{
	const char *namespace = meta_text(pod, "namespace"), *name = meta_text(pod, "name");
	char when[CLOCK_RFC3339_LEN];

	clock_rfc3339((uint64_t)now * USEC_PER_SEC, when);
	requests_patch(plan, request_target("", "v1", namespace, "pods", name, "status"),
		CLIENT_STRATEGIC_PATCH,
		json_pack("{s:{s:s}, s:{s:[{s:s, s:s, s:s, s:s, s:s}]}}", "metadata", "uid",
			meta_text(pod, "uid"), "status", "conditions", "type", "DisruptionTarget",
			"status", "True", "reason", "DeletionByTaintManager", "message",
			"Taint manager: deleting due to NoExecute taint", "lastTransitionTime",
			when));
	requests_delete(plan, request_target("", "v1", namespace, "pods", name, NULL),
		meta_text(pod, "uid"));
	requests_tell(plan, pod, "TaintManagerEviction", NULL,
		fs_format("Marking for deletion Pod %s/%s", namespace, name));
}

int eviction_plan(const json_t *pod, const json_t *node, int64_t now, struct requests *plan)
{
	int64_t due = eviction_due(pod, node);

	if (!pod_is_active(pod) || due == EVICTION_NEVER)
		return 0;
	if (due <= now)
		evict(pod, now, plan);
	else
		requests_again(plan, clock_now() + (uint64_t)(due - now) * USEC_PER_SEC);
	return plan->no_memory ? -ENOMEM : 0;
}
