// SPDX-License-Identifier: Apache-2.0
#include "user/control/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/placement.h"

#define SCORE_MOST 100

static const char *const hard_effects[] = {"NoSchedule", "NoExecute", NULL};
static const char *const soft_effects[] = {"PreferNoSchedule", NULL};

/* --- snapshot --- */

static struct snapshot_node *snapshot_find(struct snapshot *snapshot, const char *name)
{
	for (size_t i = 0; i < snapshot->count; i++)
		if (strcmp(meta_text(snapshot->nodes[i].node, "name"), name) == 0)
			return &snapshot->nodes[i];
	return NULL;
}

static void snapshot_count(struct snapshot *snapshot, const json_t *pod)
{
	const char *name = json_string_at(json_object_get(pod, "spec"), "nodeName", "");
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");
	struct snapshot_node *node = name[0] ? snapshot_find(snapshot, name) : NULL;
	struct resources requested, shown;

	if (!node || strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return;
	resources_of_pod(pod, &requested, &shown);
	resources_add(&node->requested, &requested);
	resources_add(&node->shown, &shown);
}

int snapshot_make(const json_t *nodes, const json_t *pods, struct snapshot *ret)
{
	const char *key;
	json_t *object;

	ret->count = 0;
	ret->nodes = calloc(json_object_size(nodes) + 1, sizeof(ret->nodes[0]));
	if (!ret->nodes)
		return -ENOMEM;
	json_object_foreach ((json_t *)nodes, key, object) {
		struct snapshot_node *node = &ret->nodes[ret->count++];

		node->node = object;
		resources_of_node(object, &node->allocatable);
	}
	json_object_foreach ((json_t *)pods, key, object)
		snapshot_count(ret, object);
	return 0;
}

void snapshot_clear(struct snapshot *snapshot)
{
	free(snapshot->nodes);
	*snapshot = (struct snapshot){0};
}

/* --- filters --- */

/* Why nodes were refused, and how many for each reason. */
#define REASONS_MOST 16
#define REASON_MAX   160
struct reasons {
	struct {
		char text[REASON_MAX];
		unsigned count;
	} list[REASONS_MOST];
	size_t count;
};

static void reasons_add(struct reasons *reasons, const char *text)
{
	size_t i = 0;

	while (i < reasons->count && strcmp(reasons->list[i].text, text) != 0)
		i++;
	if (i == REASONS_MOST)
		return;
	if (i == reasons->count) {
		reasons->count++;
		snprintf(reasons->list[i].text, REASON_MAX, "%s", text);
	}
	reasons->list[i].count++;
}

static bool refuse(struct reasons *reasons, const char *text)
{
	reasons_add(reasons, text);
	return false;
}

static bool fits(
	const struct snapshot_node *node, const struct resources *pod, struct reasons *reasons)
{
	char text[REASON_MAX];
	bool good = true;

	if (node->requested.pods + 1 > node->allocatable.pods)
		good = refuse(reasons, "Too many pods");
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		int64_t left = node->allocatable.amount[i] - node->requested.amount[i];

		if (!pod->amount[i] || pod->amount[i] <= left)
			continue;
		snprintf(text, sizeof(text), "Insufficient %s", resource_name((enum resource)i));
		good = refuse(reasons, text);
	}
	return good;
}

static bool taints_allow(const json_t *node, const json_t *pod, struct reasons *reasons)
{
	const json_t *taint = taint_untolerated(node, pod, hard_effects);
	char text[REASON_MAX];

	if (!taint)
		return true;
	snprintf(text, sizeof(text), "node(s) had untolerated taint {%.60s: %.60s}",
		json_string_at(taint, "key", ""), json_string_at(taint, "value", ""));
	return refuse(reasons, text);
}

/* In upstream's order: the first reason counts. */
static bool node_passes(const struct snapshot_node *node, const json_t *pod,
	const struct resources *requested, struct reasons *reasons)
{
	static const json_t *unschedulable;
	const json_t *spec = json_object_get(node->node, "spec");

	if (!unschedulable)
		unschedulable = json_pack("{s:s, s:s}", "key", "node.kubernetes.io/unschedulable",
			"effect", "NoSchedule");
	if (json_is_true(json_object_get(spec, "unschedulable")) &&
		!taint_is_tolerated(unschedulable, pod))
		return refuse(reasons, "node(s) were unschedulable");
	if (!taints_allow(node->node, pod, reasons))
		return false;
	if (!placement_selects(pod, node->node))
		return refuse(reasons, "node(s) didn't match Pod's node affinity/selector");
	return fits(node, requested, reasons);
}

/* --- scores --- */

struct candidate {
	const struct snapshot_node *node;
	double soft_taints, preferred; /* not yet normalized */
	double score;
};

static double soft_taint_count(const json_t *node, const json_t *pod)
{
	const json_t *taint;
	double count = 0;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(node, "spec"), "taints"), i, taint)
		count += strcmp(json_string_at(taint, "effect", ""), soft_effects[0]) == 0 &&
			 !taint_is_tolerated(taint, pod);
	return count;
}

/* The share of @resource that is used with the Pod; 1 when all is. */
static double used_share(
	const struct snapshot_node *node, const struct resources *shown, enum resource resource)
{
	double have = (double)node->allocatable.amount[resource];
	double used = (double)(node->shown.amount[resource] + shown->amount[resource]);

	return have <= 0 || used >= have ? 1 : used / have;
}

/* LeastAllocated and BalancedAllocation, weight 1 each. */
static double resource_score(const struct snapshot_node *node, const struct resources *shown)
{
	double cpu = used_share(node, shown, RESOURCE_CPU);
	double memory = used_share(node, shown, RESOURCE_MEMORY);
	double least = ((1 - cpu) + (1 - memory)) / 2 * SCORE_MOST;
	double balanced = (1 - fabs(cpu - memory) / 2) * SCORE_MOST;

	return least + balanced;
}

static void candidates_score(struct candidate *list, size_t count, const struct resources *shown)
{
	double most_taints = 0, most_preferred = 0;

	for (size_t i = 0; i < count; i++) {
		most_taints = fmax(most_taints, list[i].soft_taints);
		most_preferred = fmax(most_preferred, list[i].preferred);
	}
	for (size_t i = 0; i < count; i++) {
		double taints = most_taints > 0 ? 1 - list[i].soft_taints / most_taints : 1;
		double preferred = most_preferred > 0 ? list[i].preferred / most_preferred : 0;

		list[i].score = 3 * taints * SCORE_MOST + 2 * preferred * SCORE_MOST +
				resource_score(list[i].node, shown);
	}
}

static const json_t *candidates_best(const struct candidate *list, size_t count, unsigned chance)
{
	double best = -1;
	size_t equal = 0;

	for (size_t i = 0; i < count; i++)
		best = fmax(best, list[i].score);
	for (size_t i = 0; i < count; i++)
		equal += list[i].score == best;
	chance = equal ? chance % (unsigned)equal : 0;
	for (size_t i = 0; i < count; i++)
		if (list[i].score == best && chance-- == 0)
			return list[i].node->node;
	return NULL;
}

/* --- the choice --- */

static int reason_order(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void reasons_write(
	const struct reasons *reasons, size_t nodes, char message[SCHEDULE_MESSAGE])
{
	char parts[REASONS_MOST][REASON_MAX + 16];
	size_t len;

	for (size_t i = 0; i < reasons->count; i++)
		snprintf(parts[i], sizeof(parts[i]), "%u %s", reasons->list[i].count,
			reasons->list[i].text);
	qsort(parts, reasons->count, sizeof(parts[0]), reason_order);
	if (nodes == 0)
		snprintf(message, SCHEDULE_MESSAGE, "no nodes available to schedule pods");
	else
		snprintf(message, SCHEDULE_MESSAGE, "0/%zu nodes are available: ", nodes);
	len = strlen(message);
	for (size_t i = 0; i < reasons->count && len < SCHEDULE_MESSAGE; i++)
		len += (size_t)snprintf(message + len, SCHEDULE_MESSAGE - len, "%s%s", parts[i],
			i + 1 < reasons->count ? ", " : ".");
}

const json_t *schedule_choose(const struct snapshot *snapshot, const json_t *pod, unsigned chance,
	char message[SCHEDULE_MESSAGE])
{
	AUTO_FREE struct candidate *list = calloc(snapshot->count + 1, sizeof(*list));
	struct resources requested, shown;
	struct reasons reasons = {.count = 0};
	size_t count = 0;

	message[0] = '\0';
	if (!list) {
		snprintf(message, SCHEDULE_MESSAGE, "out of memory");
		return NULL;
	}
	resources_of_pod(pod, &requested, &shown);
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_node *node = &snapshot->nodes[i];

		if (!node_passes(node, pod, &requested, &reasons))
			continue;
		list[count++] = (struct candidate){.node = node,
			.soft_taints = soft_taint_count(node->node, pod),
			.preferred = placement_preference(pod, node->node)};
	}
	if (count == 0) {
		reasons_write(&reasons, snapshot->count, message);
		return NULL;
	}
	candidates_score(list, count, &shown);
	return candidates_best(list, count, chance);
}
