// SPDX-License-Identifier: Apache-2.0
#include "user/control/schedule.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/hostports.h"
#include "user/control/neighbours.h"
#include "user/control/owned.h"
#include "user/control/placement.h"

#define SCORE_MOST 100

static const char *const hard_effects[] = {"NoSchedule", "NoExecute", NULL};
static const char *const soft_effects[] = {"PreferNoSchedule", NULL};

/* --- snapshot --- */

static bool snapshot_has_room(struct snapshot *snapshot, size_t nodes, size_t pods)
{
	snapshot->nodes = calloc(nodes + 1, sizeof(snapshot->nodes[0]));
	snapshot->pods = calloc(pods + 1, sizeof(snapshot->pods[0]));
	return snapshot->nodes && snapshot->pods;
}

static void snapshot_count(struct snapshot *snapshot, const json_t *pod, size_t at)
{
	struct snapshot_node *node = &snapshot->nodes[at];
	struct resources requested, shown;

	snapshot->pods[snapshot->pod_count++] = (struct snapshot_pod){pod, at};
	resources_of_pod(pod, &requested, &shown);
	resources_add(&node->requested, &requested);
	resources_add(&node->shown, &shown);
}

/* @places: name of a node -> its index. */
static void snapshot_add(struct snapshot *snapshot, const json_t *pod, const json_t *places)
{
	const char *name = json_string_at(json_object_get(pod, "spec"), "nodeName", "");
	const char *phase = json_string_at(json_object_get(pod, "status"), "phase", "");
	const json_t *place;

	if (!name[0] || strcmp(phase, "Succeeded") == 0 || strcmp(phase, "Failed") == 0)
		return;
	place = json_object_get(places, name);
	if (place)
		snapshot_count(snapshot, pod, (size_t)json_integer_value(place));
}

int snapshot_make(
	const json_t *nodes, const json_t *pods, const json_t *namespaces, struct snapshot *ret)
{
	AUTO_JSON places = json_object();
	const char *key;
	json_t *object;

	*ret = (struct snapshot){.namespaces = namespaces};
	if (!snapshot_has_room(ret, json_object_size(nodes), json_object_size(pods)))
		return -ENOMEM;
	json_object_foreach ((json_t *)nodes, key, object) {
		struct snapshot_node *node = &ret->nodes[ret->count];

		if (json_object_set_new(places, meta_text(object, "name"),
			    json_integer((json_int_t)ret->count++)) < 0)
			return -ENOMEM;
		node->node = object;
		resources_of_node(object, &node->allocatable);
	}
	json_object_foreach ((json_t *)pods, key, object)
		snapshot_add(ret, object, places);
	return 0;
}

static bool is_among(const json_t *pod, const json_t *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == pod)
			return true;
	return false;
}

int snapshot_without(const struct snapshot *snapshot, const json_t *const *gone, size_t count,
	struct snapshot *ret)
{
	*ret = (struct snapshot){.namespaces = snapshot->namespaces};
	if (!snapshot_has_room(ret, snapshot->count, snapshot->pod_count))
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->count; i++)
		ret->nodes[ret->count++] = (struct snapshot_node){.node = snapshot->nodes[i].node,
			.allocatable = snapshot->nodes[i].allocatable};
	for (size_t i = 0; i < snapshot->pod_count; i++)
		if (!is_among(snapshot->pods[i].pod, gone, count))
			snapshot_count(ret, snapshot->pods[i].pod, snapshot->pods[i].node);
	return 0;
}

void snapshot_clear(struct snapshot *snapshot)
{
	free(snapshot->nodes);
	free(snapshot->pods);
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

/* What is asked of every node for one Pod. */
struct question {
	const struct snapshot *snapshot;
	const json_t *pod;
	struct resources requested, shown;
	struct neighbours *neighbours; /* owned */
};

static int question_make(const struct snapshot *snapshot, const json_t *pod, struct question *ret)
{
	*ret = (struct question){.snapshot = snapshot, .pod = pod};
	resources_of_pod(pod, &ret->requested, &ret->shown);
	return neighbours_make(snapshot, pod, &ret->neighbours);
}

static void question_clear(struct question *question)
{
	neighbours_free(question->neighbours);
}

/* What does not depend on other Pods. */
static bool node_suits(const json_t *node, const json_t *pod, struct reasons *reasons)
{
	static const char taint[] = "node.kubernetes.io/unschedulable";
	AUTO_JSON unschedulable = json_pack("{s:s, s:s}", "key", taint, "effect", "NoSchedule");

	if (json_is_true(json_object_get(json_object_get(node, "spec"), "unschedulable")) &&
		!taint_is_tolerated(unschedulable, pod))
		return refuse(reasons, "node(s) were unschedulable");
	if (!taints_allow(node, pod, reasons))
		return false;
	if (!placement_selects(pod, node))
		return refuse(reasons, "node(s) didn't match Pod's node affinity/selector");
	return true;
}

static bool ports_allow(const struct question *question, size_t node, struct reasons *reasons)
{
	const struct snapshot *snapshot = question->snapshot;

	for (size_t i = 0; i < snapshot->pod_count; i++)
		if (snapshot->pods[i].node == node &&
			hostports_conflict(question->pod, snapshot->pods[i].pod))
			return refuse(reasons,
				"node(s) didn't have free ports for the requested pod ports");
	return true;
}

/* In upstream's order: the first reason counts. */
static bool node_passes(const struct question *question, size_t at, struct reasons *reasons)
{
	const struct snapshot_node *node = &question->snapshot->nodes[at];
	const char *why;

	if (!node_suits(node->node, question->pod, reasons) ||
		!ports_allow(question, at, reasons) || !fits(node, &question->requested, reasons))
		return false;
	why = neighbours_refuse(question->neighbours, at);
	return why ? refuse(reasons, why) : true;
}

bool schedule_fits(const struct snapshot *snapshot, const json_t *pod, size_t node)
{
	AUTO_CLEANUP(question_clear) struct question question = {0};
	struct reasons reasons = {.count = 0};

	return question_make(snapshot, pod, &question) == 0 &&
	       node_passes(&question, node, &reasons);
}

bool schedule_may_help(const struct snapshot *snapshot, const json_t *pod, size_t node)
{
	struct reasons reasons = {.count = 0};

	return node_suits(snapshot->nodes[node].node, pod, &reasons);
}

/* --- scores --- */

struct candidate {
	const struct snapshot_node *node;
	double soft_taints, preferred, weight, crowd; /* not yet normalized */
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

/* The best and the worst of each part. */
struct bounds {
	double taints, preferred, weight_least, weight_most, crowd_least, crowd_most;
};

static struct bounds candidates_bounds(const struct candidate *list, size_t count)
{
	struct bounds bounds = {.weight_least = list[0].weight,
		.weight_most = list[0].weight,
		.crowd_least = list[0].crowd,
		.crowd_most = list[0].crowd};

	for (size_t i = 0; i < count; i++) {
		bounds.taints = fmax(bounds.taints, list[i].soft_taints);
		bounds.preferred = fmax(bounds.preferred, list[i].preferred);
		bounds.weight_least = fmin(bounds.weight_least, list[i].weight);
		bounds.weight_most = fmax(bounds.weight_most, list[i].weight);
		bounds.crowd_least = fmin(bounds.crowd_least, list[i].crowd);
		bounds.crowd_most = fmax(bounds.crowd_most, list[i].crowd);
	}
	return bounds;
}

/* With upstream's weights: taints 3, affinity to nodes, to Pods and spreading 2, resources 1 each. */
static void candidates_score(struct candidate *list, size_t count, const struct resources *shown)
{
	struct bounds b = candidates_bounds(list, count);

	for (size_t i = 0; i < count; i++) {
		double taints = b.taints > 0 ? 1 - list[i].soft_taints / b.taints : 1;
		double preferred = b.preferred > 0 ? list[i].preferred / b.preferred : 0;
		double weight = b.weight_most > b.weight_least
					? (list[i].weight - b.weight_least) /
						  (b.weight_most - b.weight_least)
					: 0;
		double crowd = b.crowd_most > 0 ? (b.crowd_most + b.crowd_least - list[i].crowd) /
							  b.crowd_most
						: 1;

		list[i].score = (3 * taints + 2 * preferred + 2 * weight + 2 * crowd) * SCORE_MOST +
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
	AUTO_CLEANUP(question_clear) struct question question = {0};
	struct reasons reasons = {.count = 0};
	size_t count = 0;

	message[0] = '\0';
	if (!list || question_make(snapshot, pod, &question) < 0) {
		snprintf(message, SCHEDULE_MESSAGE, "out of memory");
		return NULL;
	}
	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_node *node = &snapshot->nodes[i];

		if (!node_passes(&question, i, &reasons))
			continue;
		list[count++] = (struct candidate){.node = node,
			.soft_taints = soft_taint_count(node->node, pod),
			.preferred = placement_preference(pod, node->node),
			.weight = neighbours_weight(question.neighbours, i),
			.crowd = neighbours_crowd(question.neighbours, i)};
	}
	if (count == 0) {
		reasons_write(&reasons, snapshot->count, message);
		return NULL;
	}
	candidates_score(list, count, &question.shown);
	return candidates_best(list, count, chance);
}
