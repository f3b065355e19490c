// SPDX-License-Identifier: Apache-2.0
#include "user/control/preempt.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/filter.h"
#include "user/control/owned.h"
#include "user/control/preemptbudget.h"
#include "user/control/snapshot.h"

#define CANDIDATES_LEAST   100 /* nodes to choose from are enough */
#define CANDIDATES_PERCENT 10  /* or so many of all, if that is more */

void preemption_clear(struct preemption *preemption)
{
	free(preemption->victims);
	*preemption = (struct preemption){0};
}

/* --- who may --- */

static bool goes_for_another(const json_t *pod)
{
	const json_t *conditions = json_object_get(json_object_get(pod, "status"), "conditions");
	const json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "DisruptionTarget") == 0 &&
			strcmp(json_string_at(condition, "reason", ""), "PreemptionByScheduler") ==
				0)
			return meta_is_deleting(pod);
	return false;
}

const char *preempt_refuse(const struct snapshot *snapshot, const json_t *pod, const bool *hopeless)
{
	const char *policy = json_string_at(json_object_get(pod, "spec"), "preemptionPolicy", "");
	const struct snapshot_node *node = snapshot_promised(snapshot, pod);

	if (strcmp(policy, "Never") == 0)
		return "not eligible due to preemptionPolicy=Never.";
	for (size_t i = 0; node && !hopeless[node->at] && i < node->pod_count; i++)
		if (node->pods[i]->priority < pod_priority(pod) &&
			goes_for_another(node->pods[i]->pod))
			return "not eligible due to a terminating pod on the nominated node.";
	return NULL;
}

/* --- victims on one node --- */

/* Since when it runs; one that does not yet is the youngest. */
static const char *start_of(const struct snapshot_pod *pod)
{
	return json_string_at(json_object_get(pod->pod, "status"), "startTime", "~");
}

/* The most important first. */
static int importance_order(const void *first, const void *second)
{
	const struct snapshot_pod *a = *(struct snapshot_pod *const *)first;
	const struct snapshot_pod *b = *(struct snapshot_pod *const *)second;
	int order = (a->priority < b->priority) - (a->priority > b->priority);

	order = order ? order : strcmp(start_of(a), start_of(b));
	return order ? order : strcmp(a->key, b->key);
}

static size_t lesser_find(const struct question *question, const struct snapshot_node *node,
	struct snapshot_pod **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < node->pod_count; i++)
		if (node->pods[i]->priority < question->priority)
			ret[count++] = node->pods[i];
	qsort(ret, count, sizeof(ret[0]), importance_order);
	return count;
}

/* What is looked at on one node. */
struct trial {
	struct question *question;
	struct snapshot_node *node;
	struct snapshot_pod **lesser; /* all that may go, the most important first */
	bool *violates, *stays;
	size_t count;
};

static bool trial_passes(const struct trial *trial)
{
	struct reasons reasons = {.count = 0};
	unsigned causes = 0;

	return question_ask(trial->question, trial->node, &reasons, &causes) == VERDICT_PASSES;
}

/* Those whose budgets do not let them go stay first, if they can. */
static void trial_reprieve(const struct trial *trial, bool violating)
{
	for (size_t i = 0; i < trial->count; i++) {
		if (trial->violates[i] != violating)
			continue;
		question_enter(trial->question, trial->lesser[i]);
		trial->stays[i] = trial_passes(trial);
		if (!trial->stays[i])
			question_leave(trial->question, trial->lesser[i]);
	}
}

static void trial_restore(const struct trial *trial)
{
	for (size_t i = trial->count; i > 0; i--)
		if (!trial->stays[i - 1])
			question_enter(trial->question, trial->lesser[i - 1]);
}

/* False: even without all of them it would not pass. */
static bool trial_run(const struct trial *trial, struct reasons *reasons)
{
	unsigned causes = 0;
	bool helps;

	for (size_t i = 0; i < trial->count; i++)
		question_leave(trial->question, trial->lesser[i]);
	helps = question_ask(trial->question, trial->node, reasons, &causes) == VERDICT_PASSES;
	if (helps) {
		trial_reprieve(trial, true);
		trial_reprieve(trial, false);
	}
	trial_restore(trial);
	return helps;
}

/* --- the best of them --- */

/* Above zero for any priority: more Pods always weigh more. */
static long long priority_sum(struct snapshot_pod *const *victims, size_t count)
{
	long long sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += victims[i]->priority + INT32_MAX + 1LL;
	return sum;
}

/* Since when the first of the most important ones runs. */
static const char *start_first(struct snapshot_pod *const *victims)
{
	return start_of(victims[0]); /* they are sorted so */
}

static bool is_better(const struct preemption *a, const struct preemption *best)
{
	long long sum = priority_sum(a->victims, a->count);
	long long best_sum = best->node ? priority_sum(best->victims, best->count) : 0;

	if (!best->node)
		return true;
	if (a->violations != best->violations)
		return a->violations < best->violations;
	if (a->victims[0]->priority != best->victims[0]->priority)
		return a->victims[0]->priority < best->victims[0]->priority;
	if (sum != best_sum)
		return sum < best_sum;
	if (a->count != best->count)
		return a->count < best->count;
	return strcmp(start_first(a->victims), start_first(best->victims)) > 0;
}

static void preemption_of(const struct trial *trial, struct preemption *ret)
{
	ret->count = 0;
	ret->violations = 0;
	ret->node = trial->node;
	for (size_t i = 0; i < trial->count; i++) {
		if (trial->stays[i])
			continue;
		ret->victims[ret->count++] = trial->lesser[i];
		ret->violations += trial->violates[i];
	}
}

/* --- the search --- */

struct search {
	struct question question;
	struct trial trial;
	struct preemption one;
	struct reasons reasons;
};

static void search_clear(struct search *search)
{
	question_clear(&search->question);
	free(search->trial.lesser);
	free(search->trial.violates);
	free(search->trial.stays);
	free(search->one.victims);
}

static size_t pods_most(const struct snapshot *snapshot)
{
	size_t most = 0;

	for (size_t i = 0; i < snapshot->count; i++)
		if (snapshot->nodes[i]->pod_count > most)
			most = snapshot->nodes[i]->pod_count;
	return most + 1;
}

static int search_make(
	struct snapshot *snapshot, const json_t *pod, struct search *search, struct preemption *ret)
{
	size_t most = pods_most(snapshot);

	search->trial = (struct trial){.question = &search->question,
		.lesser = calloc(most, sizeof(search->trial.lesser[0])),
		.violates = calloc(most, sizeof(bool)),
		.stays = calloc(most, sizeof(bool))};
	search->one.victims = calloc(most, sizeof(ret->victims[0]));
	ret->victims = calloc(most, sizeof(ret->victims[0]));
	if (!search->trial.lesser || !search->trial.violates || !search->trial.stays ||
		!search->one.victims || !ret->victims)
		return -ENOMEM;
	return question_make(snapshot, pod, &search->question);
}

/* Whether it would help there; the best so far is in @best. */
static int search_node(struct search *search, struct snapshot_node *node, struct preemption *best)
{
	struct trial *trial = &search->trial;

	trial->node = node;
	trial->count = lesser_find(&search->question, node, trial->lesser);
	if (!trial->count) {
		reasons_add(&search->reasons, "No preemption victims found for incoming pod");
		return 0;
	}
	memset(trial->stays, 0, trial->count * sizeof(bool));
	if (budgets_violated(search->question.snapshot->budgets, trial->lesser, trial->count,
		    trial->violates) < 0)
		return -ENOMEM;
	if (!trial_run(trial, &search->reasons))
		return 0;
	preemption_of(trial, &search->one);
	if (search->one.count && is_better(&search->one, best)) {
		struct snapshot_pod **victims = best->victims;

		*best = search->one;
		search->one.victims = victims;
	}
	return 1;
}

static int search_all(
	struct search *search, const bool *hopeless, unsigned chance, struct preemption *ret)
{
	const struct snapshot *snapshot = search->question.snapshot;
	size_t enough = snapshot->count * CANDIDATES_PERCENT / 100, found = 0;
	unsigned unhelpful = 0;

	enough = enough < CANDIDATES_LEAST ? CANDIDATES_LEAST : enough;
	for (size_t i = 0; i < snapshot->count && found < enough; i++) {
		struct snapshot_node *node = snapshot->nodes[(chance + i) % snapshot->count];
		int r;

		if (hopeless[node->at]) {
			unhelpful++;
			continue;
		}
		r = search_node(search, node, ret);
		if (r < 0)
			return r;
		found += (size_t)r;
	}
	reasons_add_many(&search->reasons, "Preemption is not helpful for scheduling", unhelpful);
	return 0;
}

int preempt_choose(struct snapshot *snapshot, const json_t *pod, const bool *hopeless,
	unsigned chance, struct preemption *ret)
{
	AUTO_CLEANUP(search_clear) struct search search = {.reasons = {.count = 0}};
	int r;

	*ret = (struct preemption){0};
	r = search_make(snapshot, pod, &search, ret);
	if (r == 0)
		r = search_all(&search, hopeless, chance, ret);
	if (r == 0 && !ret->node)
		reasons_write(&search.reasons, snapshot->count, ret->message);
	return r;
}
