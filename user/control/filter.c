// SPDX-License-Identifier: Apache-2.0
#include "user/control/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/hostports.h"
#include "user/control/neighbours.h"
#include "user/control/owned.h"
#include "user/control/placement.h"
#include "user/control/reasons.h"
#include "user/control/snapshot.h"
#include "user/control/spread.h"

/* --- the question --- */

static bool unschedulable_is_tolerated(const json_t *pod)
{
	AUTO_JSON taint = json_pack(
		"{s:s, s:s}", "key", "node.kubernetes.io/unschedulable", "effect", "NoSchedule");

	return taint_is_tolerated(taint, pod);
}

static char *key_new(const json_t *pod)
{
	char *key;

	return asprintf(&key, "%s/%s", meta_text(pod, "namespace"), meta_text(pod, "name")) < 0
		       ? NULL
		       : key;
}

int question_make(struct snapshot *snapshot, const json_t *pod, struct question *ret)
{
	int r;

	snapshot_topologies_trim(snapshot);
	*ret = (struct question){
		.snapshot = snapshot,
		.pod = pod,
		.key = key_new(pod),
		.priority = pod_priority(pod),
		.ports = hostports_any(pod),
		.tolerates_unschedulable = unschedulable_is_tolerated(pod),
		.names = placement_names(pod),
		.selects = placement_any(pod),
	};
	if (!ret->key || resources_extended_of_pod(pod, &ret->extended) < 0)
		return -ENOMEM;
	resources_of_pod(pod, &ret->requested, &ret->shown);
	r = spread_make(snapshot, pod, &ret->spread);
	return r == 0 ? neighbours_make(snapshot, pod, &ret->neighbours) : r;
}

void question_clear(struct question *question)
{
	neighbours_free(question->neighbours);
	spread_free(question->spread);
	json_decref(question->extended);
	json_decref(question->names);
	free((char *)question->key);
	*question = (struct question){0};
}

void question_leave(struct question *question, struct snapshot_pod *pod)
{
	snapshot_pod_leave(pod);
	spread_move(question->spread, pod->class, pod->node, -1);
	neighbours_move(question->neighbours, pod->class, pod->node, -1);
}

/* One that has no place counts nowhere. */
static bool question_try_enter(struct question *question, struct snapshot_pod *pod)
{
	if (snapshot_pod_enter(pod) < 0)
		return false;
	spread_move(question->spread, pod->class, pod->node, 1);
	neighbours_move(question->neighbours, pod->class, pod->node, 1);
	return true;
}

void question_enter(struct question *question, struct snapshot_pod *pod)
{
	question_try_enter(question, pod); /* it has been there: there is room */
}

/* --- filters --- */

/* Where the answers for one node go. */
struct answer {
	struct reasons *reasons;
	unsigned *causes;
};

static enum verdict refuse(
	const struct answer *answer, enum verdict verdict, enum cause cause, const char *text)
{
	reasons_add(answer->reasons, text);
	*answer->causes |= cause;
	return verdict;
}

static enum verdict taints_refuse(const struct question *question, const struct snapshot_node *node,
	const struct answer *answer)
{
	static const char *const effects[] = {"NoSchedule", "NoExecute", NULL};
	const json_t *taint =
		node->taints ? taint_untolerated(node->node, question->pod, effects) : NULL;
	char text[REASON_MAX];

	if (!taint)
		return VERDICT_PASSES;
	snprintf(text, sizeof(text), "node(s) had untolerated taint {%s: %s}",
		json_string_at(taint, "key", ""), json_string_at(taint, "value", ""));
	return refuse(answer, VERDICT_HOPELESS, CAUSE_TAINTS, text);
}

/* What does not depend on other Pods. */
static enum verdict node_refuses(const struct question *question, const struct snapshot_node *node,
	const struct answer *answer)
{
	enum verdict verdict;

	if (question->names && !json_object_get(question->names, node->name))
		return refuse(answer, VERDICT_HOPELESS, CAUSE_PLACEMENT,
			"node(s) didn't satisfy plugin(s) [NodeAffinity]");
	if (node->unschedulable && !question->tolerates_unschedulable)
		return refuse(answer, VERDICT_HOPELESS, CAUSE_UNSCHEDULABLE,
			"node(s) were unschedulable");
	verdict = taints_refuse(question, node, answer);
	if (verdict != VERDICT_PASSES)
		return verdict;
	return !question->selects || placement_selects(question->pod, node->node)
		       ? VERDICT_PASSES
		       : refuse(answer, VERDICT_HOPELESS, CAUSE_PLACEMENT,
				 "node(s) didn't match Pod's node affinity/selector");
}

static enum verdict ports_refuse(const struct question *question, const struct snapshot_node *node,
	const struct answer *answer)
{
	for (size_t i = 0; question->ports && i < node->pod_count; i++)
		if (node->pods[i]->ports && hostports_conflict(question->pod, node->pods[i]->pod))
			return refuse(answer, VERDICT_REFUSED, CAUSE_PORTS,
				"node(s) didn't have free ports for the requested pod ports");
	return VERDICT_PASSES;
}

static enum verdict lacks(const struct answer *answer, const char *resource)
{
	char text[REASON_MAX];

	snprintf(text, sizeof(text), "Insufficient %s", resource);
	return refuse(answer, VERDICT_REFUSED, CAUSE_RESOURCES, text);
}

static enum verdict extended_refuse(const struct question *question,
	const struct snapshot_node *node, const struct answer *answer)
{
	enum verdict verdict = VERDICT_PASSES;
	const char *name;
	json_t *amount;

	json_object_foreach (question->extended, name, amount) {
		int64_t left = resources_extended_of_node(node->node, name);

		for (size_t i = 0; i < node->pod_count; i++)
			if (node->pods[i]->extended)
				left -= resources_extended(node->pods[i]->pod, name);
		if (json_integer_value(amount) > left)
			verdict = lacks(answer, name);
	}
	return verdict;
}

static enum verdict resources_refuse(const struct question *question,
	const struct snapshot_node *node, const struct answer *answer)
{
	enum verdict verdict = VERDICT_PASSES;

	if (node->requested.pods + 1 > node->allocatable.pods)
		verdict = refuse(answer, VERDICT_REFUSED, CAUSE_RESOURCES, "Too many pods");
	for (int i = 0; i < RESOURCE_COUNT; i++) {
		int64_t left = node->allocatable.amount[i] - node->requested.amount[i];

		if (question->requested.amount[i] && question->requested.amount[i] > left)
			verdict = lacks(answer, resource_name((enum resource)i));
	}
	if (question->extended && extended_refuse(question, node, answer) != VERDICT_PASSES)
		verdict = VERDICT_REFUSED;
	return verdict;
}

static enum verdict others_refuse(const struct question *question, const struct snapshot_node *node,
	const struct answer *answer)
{
	enum cause cause = CAUSE_SPREAD;
	bool hopeless;
	const char *why = spread_refuse(question->spread, node, &hopeless);

	if (!why) {
		cause = CAUSE_NEIGHBOURS;
		why = neighbours_refuse(question->neighbours, node, &hopeless);
	}
	return why ? refuse(answer, hopeless ? VERDICT_HOPELESS : VERDICT_REFUSED, cause, why)
		   : VERDICT_PASSES;
}

/* The first that refuses counts. */
static enum verdict filters_ask(const struct question *question, const struct snapshot_node *node,
	const struct answer *answer)
{
	static enum verdict (*const filters[])(const struct question *question,
		const struct snapshot_node *node, const struct answer *answer) = {
		node_refuses, ports_refuse, resources_refuse, others_refuse};
	enum verdict verdict = VERDICT_PASSES;

	for (size_t i = 0; i < COUNT(filters) && verdict == VERDICT_PASSES; i++)
		verdict = filters[i](question, node, answer);
	return verdict;
}

/* --- Pods that wait for room --- */

static bool comes_first(const struct question *question, const struct snapshot_node *node,
	const struct snapshot_pod *pod)
{
	return pod->node == node && pod->priority >= question->priority &&
	       strcmp(pod->key, question->key) != 0;
}

/* With those that wait for room there and come first. */
static enum verdict ask_with_nominated(
	struct question *question, struct snapshot_node *node, const struct answer *answer)
{
	struct snapshot *snapshot = question->snapshot;
	AUTO_FREE struct snapshot_pod **entered = calloc(node->nominated + 1, sizeof(entered[0]));
	enum verdict verdict = VERDICT_PASSES;
	size_t count = 0;

	for (size_t i = 0; entered && i < snapshot->nominated_count; i++)
		if (comes_first(question, node, snapshot->nominated[i]) &&
			question_try_enter(question, snapshot->nominated[i]))
			entered[count++] = snapshot->nominated[i];
	if (count)
		verdict = filters_ask(question, node, answer);
	while (count)
		question_leave(question, entered[--count]);
	return verdict;
}

enum verdict question_ask(struct question *question, struct snapshot_node *node,
	struct reasons *reasons, unsigned *ret_causes)
{
	struct answer answer = {reasons, ret_causes};
	enum verdict verdict =
		node->nominated ? ask_with_nominated(question, node, &answer) : VERDICT_PASSES;

	return verdict == VERDICT_PASSES ? filters_ask(question, node, &answer) : verdict;
}
