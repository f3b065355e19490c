// SPDX-License-Identifier: Apache-2.0
#include "user/control/schedule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/control/filter.h"
#include "user/control/score.h"
#include "user/control/snapshot.h"

#define ENOUGH_LEAST 100 /* nodes: fewer are all looked at */

/* Half of the nodes, and 1% less with every 125; 5% at least. */
size_t schedule_enough(size_t nodes)
{
	size_t percent = 50 - (nodes / 125 < 45 ? nodes / 125 : 45);
	size_t enough = nodes * percent / 100;

	if (nodes < ENOUGH_LEAST)
		return nodes;
	return enough < ENOUGH_LEAST ? ENOUGH_LEAST : enough;
}

void choice_clear(struct choice *choice)
{
	free(choice->hopeless);
	choice->hopeless = NULL;
}

struct search {
	struct question question;
	struct reasons reasons;
	struct snapshot_node **found;
	size_t count;
};

static void search_clear(struct search *search)
{
	question_clear(&search->question);
	free(search->found);
}

static bool search_node(struct search *search, struct snapshot_node *node, struct choice *choice)
{
	enum verdict verdict =
		question_ask(&search->question, node, &search->reasons, &choice->causes);

	choice->hopeless[node->at] = verdict == VERDICT_HOPELESS;
	if (verdict == VERDICT_PASSES)
		search->found[search->count++] = node;
	return verdict == VERDICT_PASSES;
}

/* Begins where the last search ended: all nodes have their turn. */
static void search_all(struct search *search, struct choice *choice)
{
	struct snapshot *snapshot = search->question.snapshot;
	size_t enough = schedule_enough(snapshot->count), seen = 0;
	size_t start = snapshot->count ? snapshot->start % snapshot->count : 0;

	for (; seen < snapshot->count && search->count < enough; seen++)
		search_node(search, snapshot->nodes[(start + seen) % snapshot->count], choice);
	snapshot->start = start + seen;
}

static struct snapshot_node *best_of(
	const struct search *search, const struct scores *scores, unsigned chance)
{
	int64_t best = INT64_MIN;
	size_t equal = 0;

	for (size_t i = 0; i < search->count; i++) {
		int64_t total = scores_total(&scores[i]);

		equal = total > best ? 1 : equal + (total == best);
		best = total > best ? total : best;
	}
	chance %= equal ? (unsigned)equal : 1;
	for (size_t i = 0; i < search->count; i++)
		if (scores_total(&scores[i]) == best && chance-- == 0)
			return search->found[i];
	return NULL;
}

static int search_choose(struct search *search, unsigned chance, struct choice *ret)
{
	AUTO_FREE struct scores *scores = calloc(search->count, sizeof(scores[0]));

	if (search->count == 1) {
		ret->node = search->found[0];
		return 0;
	}
	if (!scores || scores_make(&search->question, search->found, search->count, scores) < 0)
		return -ENOMEM;
	ret->node = best_of(search, scores, chance);
	return 0;
}

static void choice_explain(const struct search *search, struct choice *ret)
{
	size_t nodes = search->question.snapshot->count;

	if (nodes) {
		reasons_write(&search->reasons, nodes, ret->message);
	} else {
		ret->causes |= CAUSE_NODES;
		snprintf(ret->message, sizeof(ret->message), "no nodes available to schedule pods");
	}
}

int schedule_choose(
	struct snapshot *snapshot, const json_t *pod, unsigned chance, struct choice *ret)
{
	AUTO_CLEANUP(search_clear)
	struct search search = {.found = calloc(snapshot->count + 1, sizeof(search.found[0]))};
	struct snapshot_node *promised = snapshot_promised(snapshot, pod);

	*ret = (struct choice){.hopeless = calloc(snapshot->count + 1, sizeof(bool))};
	if (!ret->hopeless || !search.found || question_make(snapshot, pod, &search.question) < 0)
		return -ENOMEM;
	if (promised && search_node(&search, promised, ret)) {
		ret->node = promised;
		return 0;
	}
	search.reasons.count = 0;
	search_all(&search, ret);
	if (search.count)
		return search_choose(&search, chance, ret);
	choice_explain(&search, ret);
	return 0;
}
