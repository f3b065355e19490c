// SPDX-License-Identifier: Apache-2.0
#include "user/control/score.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "user/control/filter.h"
#include "user/control/images.h"
#include "user/control/neighbours.h"
#include "user/control/placement.h"
#include "user/control/snapshot.h"
#include "user/control/spread.h"

#define MOST 100

const int64_t score_weights[SCORE_COUNT] = {
	[SCORE_TAINTS] = 3,
	[SCORE_PLACEMENT] = 2,
	[SCORE_SPREAD] = 2,
	[SCORE_NEIGHBOURS] = 2,
	[SCORE_LEAST] = 1,
	[SCORE_BALANCED] = 1,
	[SCORE_IMAGES] = 1,
};

int64_t scores_total(const struct scores *scores)
{
	int64_t sum = 0;

	for (int i = 0; i < SCORE_COUNT; i++)
		sum += score_weights[i] * scores->of[i];
	return sum;
}

/* --- of one node --- */

static int64_t soft_taints(const struct question *question, const struct snapshot_node *node)
{
	const json_t *taint;
	int64_t count = 0;
	size_t i;

	json_array_foreach (node->taints, i, taint)
		count += strcmp(json_string_at(taint, "effect", ""), "PreferNoSchedule") == 0 &&
			 !taint_is_tolerated(taint, question->pod);
	return count;
}

static int64_t least_share(
	const struct question *question, const struct snapshot_node *node, enum resource resource)
{
	int64_t have = node->allocatable.amount[resource];
	int64_t used = node->shown.amount[resource] + question->shown.amount[resource];

	return used > have ? 0 : (int64_t)((__int128)(have - used) * MOST / have);
}

static int64_t least_score(const struct question *question, const struct snapshot_node *node)
{
	int64_t sum = 0, count = 0;

	for (int i = RESOURCE_CPU; i <= RESOURCE_MEMORY; i++)
		if (node->allocatable.amount[i] > 0) {
			sum += least_share(question, node, (enum resource)i);
			count++;
		}
	return count ? sum / count : 0;
}

static double used_share(
	const struct question *question, const struct snapshot_node *node, enum resource resource)
{
	double have = (double)node->allocatable.amount[resource];
	double used =
		(double)(node->requested.amount[resource] + question->requested.amount[resource]);

	return used >= have ? 1 : used / have;
}

/* A Pod that asks for nothing is balanced nowhere: else all of them would go to one node. */
static int64_t balanced_score(const struct question *question, const struct snapshot_node *node)
{
	const struct resources *have = &node->allocatable;
	double apart = 0;

	if (!question->requested.amount[RESOURCE_CPU] &&
		!question->requested.amount[RESOURCE_MEMORY])
		return 0;
	if (have->amount[RESOURCE_CPU] > 0 && have->amount[RESOURCE_MEMORY] > 0)
		apart = fabs(used_share(question, node, RESOURCE_CPU) -
			     used_share(question, node, RESOURCE_MEMORY));
	return (int64_t)((1 - apart / 2) * MOST);
}

/* --- of all, beside each other --- */

struct bounds {
	int64_t least, most;
};

static struct bounds bounds_of(const struct scores *list, size_t count, enum score score)
{
	struct bounds ret = {INT64_MAX, INT64_MIN};

	for (size_t i = 0; i < count; i++) {
		int64_t value = list[i].of[score];

		if (score == SCORE_SPREAD && value < 0)
			continue;
		ret.least = value < ret.least ? value : ret.least;
		ret.most = value > ret.most ? value : ret.most;
	}
	return ret;
}

/* The fewer the better, or the more. */
static int64_t share_of_most(int64_t value, struct bounds bounds, bool fewer)
{
	int64_t share = bounds.most ? MOST * value / bounds.most : 0;

	return fewer ? MOST - share : share;
}

static int64_t share_between(int64_t value, struct bounds bounds)
{
	double range = (double)bounds.most - (double)bounds.least;

	return range > 0 ? (int64_t)(MOST * (((double)value - (double)bounds.least) / range)) : 0;
}

/* A node without the labels (-1) is the last choice. */
static int64_t spread_share(int64_t value, struct bounds bounds)
{
	if (value < 0)
		return 0;
	return bounds.most ? MOST * (bounds.most + bounds.least - value) / bounds.most : MOST;
}

static void normalize(struct scores *list, size_t count, bool spreads)
{
	struct bounds taints = bounds_of(list, count, SCORE_TAINTS);
	struct bounds placement = bounds_of(list, count, SCORE_PLACEMENT);
	struct bounds spread = bounds_of(list, count, SCORE_SPREAD);
	struct bounds neighbours = bounds_of(list, count, SCORE_NEIGHBOURS);

	for (size_t i = 0; i < count; i++) {
		int64_t *of = list[i].of;

		of[SCORE_TAINTS] = share_of_most(of[SCORE_TAINTS], taints, true);
		of[SCORE_PLACEMENT] = share_of_most(of[SCORE_PLACEMENT], placement, false);
		of[SCORE_SPREAD] = spreads ? spread_share(of[SCORE_SPREAD], spread) : 0;
		of[SCORE_NEIGHBOURS] = share_between(of[SCORE_NEIGHBOURS], neighbours);
	}
}

int scores_make(struct question *question, struct snapshot_node *const *nodes, size_t count,
	struct scores *ret)
{
	AUTO_JSON images = images_of_pod(question->snapshot, question->pod);
	size_t containers = images_containers(question->pod);
	bool spreads = spread_wish(question->spread, nodes, count);
	int r = neighbours_wish(question->neighbours);

	for (size_t i = 0; r == 0 && i < count; i++)
		ret[i] = (struct scores){{
			[SCORE_TAINTS] = soft_taints(question, nodes[i]),
			[SCORE_PLACEMENT] = question->selects
						    ? (int64_t)placement_preference(
							      question->pod, nodes[i]->node)
						    : 0,
			[SCORE_SPREAD] = spreads ? spread_crowd(question->spread, nodes[i]) : 0,
			[SCORE_NEIGHBOURS] = neighbours_weight(question->neighbours, nodes[i]),
			[SCORE_LEAST] = least_score(question, nodes[i]),
			[SCORE_BALANCED] = balanced_score(question, nodes[i]),
			[SCORE_IMAGES] =
				images_score(question->snapshot, nodes[i], images, containers),
		}};
	if (r == 0)
		normalize(ret, count, spreads);
	return r;
}
