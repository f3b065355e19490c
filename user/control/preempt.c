// SPDX-License-Identifier: Apache-2.0
#include "user/control/preempt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/control/owned.h"
#include "user/control/schedule.h"

long long pod_priority(const json_t *pod)
{
	return json_integer_at(json_object_get(pod, "spec"), "priority", 0);
}

void preemption_clear(struct preemption *preemption)
{
	free(preemption->victims);
	*preemption = (struct preemption){0};
}

bool preempt_may(const struct snapshot *snapshot, const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");
	const char *nominated =
		json_string_at(json_object_get(pod, "status"), "nominatedNodeName", "");

	if (strcmp(json_string_at(spec, "preemptionPolicy", ""), "Never") == 0)
		return false;
	for (size_t i = 0; nominated[0] && i < snapshot->pod_count; i++) {
		const struct snapshot_pod *other = &snapshot->pods[i];

		if (meta_is_deleting(other->pod) && pod_priority(other->pod) < pod_priority(pod) &&
			strcmp(meta_text(snapshot->nodes[other->node].node, "name"), nominated) ==
				0)
			return false;
	}
	return true;
}

/* The most important first: they are the first to stay. */
static int victim_order(const void *first, const void *second)
{
	const json_t *a = *(const json_t *const *)first, *b = *(const json_t *const *)second;
	long long of_a = pod_priority(a), of_b = pod_priority(b);

	return of_a != of_b ? (of_a < of_b) - (of_a > of_b)
			    : strcmp(meta_text(a, "creationTimestamp"),
				      meta_text(b, "creationTimestamp"));
}

static size_t lesser_find(
	const struct snapshot *snapshot, const json_t *pod, size_t node, const json_t **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < snapshot->pod_count; i++)
		if (snapshot->pods[i].node == node &&
			pod_priority(snapshot->pods[i].pod) < pod_priority(pod))
			ret[count++] = snapshot->pods[i].pod;
	qsort(ret, count, sizeof(ret[0]), victim_order);
	return count;
}

static bool fits_without(const struct snapshot *snapshot, const json_t *pod, size_t node,
	const json_t *const *gone, size_t count)
{
	AUTO_CLEANUP(snapshot_clear) struct snapshot reduced = {0};

	return snapshot_without(snapshot, gone, count, &reduced) == 0 &&
	       schedule_fits(&reduced, pod, node);
}

/* How many of @list, which changes places, must go; 0: it would not help. */
static size_t victims_of(const struct snapshot *snapshot, const json_t *pod, size_t node,
	const json_t **list, size_t count)
{
	if (!count || !fits_without(snapshot, pod, node, list, count))
		return 0;
	for (size_t i = 0; i < count && count > 1;) {
		const json_t *back = list[i];

		memmove(&list[i], &list[i + 1], (count - i - 1) * sizeof(list[0]));
		if (fits_without(snapshot, pod, node, list, count - 1)) {
			count--;
			continue;
		}
		memmove(&list[i + 1], &list[i], (count - i - 1) * sizeof(list[0]));
		list[i++] = back;
	}
	return count;
}

static long long priority_sum(const json_t *const *victims, size_t count)
{
	long long sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += pod_priority(victims[i]);
	return sum;
}

static bool is_better(const json_t *const *victims, size_t count, const struct preemption *best)
{
	long long sum, best_sum;

	if (!best->node)
		return true;
	if (pod_priority(victims[0]) != pod_priority(best->victims[0]))
		return pod_priority(victims[0]) < pod_priority(best->victims[0]);
	sum = priority_sum(victims, count);
	best_sum = priority_sum(best->victims, best->count);
	return sum != best_sum ? sum < best_sum : count < best->count;
}

int preempt_choose(const struct snapshot *snapshot, const json_t *pod, struct preemption *ret)
{
	AUTO_FREE const json_t **list = calloc(snapshot->pod_count + 1, sizeof(list[0]));

	*ret = (struct preemption){
		.victims = calloc(snapshot->pod_count + 1, sizeof(ret->victims[0]))};
	if (!list || !ret->victims)
		return -ENOMEM;
	for (size_t node = 0; node < snapshot->count; node++) {
		size_t count;

		if (!schedule_may_help(snapshot, pod, node)) {
			ret->unhelpful++;
			continue;
		}
		count = lesser_find(snapshot, pod, node, list);
		count = victims_of(snapshot, pod, node, list, count);
		if (!count || !is_better(list, count, ret))
			continue;
		ret->node = snapshot->nodes[node].node;
		ret->count = count;
		memcpy(ret->victims, list, count * sizeof(list[0]));
	}
	return 0;
}
