// SPDX-License-Identifier: Apache-2.0
#include "user/control/rollout.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static long long min(long long a, long long b)
{
	return a < b ? a : b;
}

long long portion(const json_t *value, long long total, bool up)
{
	const char *text = json_string_value(value);
	long long percent;

	if (!text)
		return json_integer_value(value);
	percent = min(strtoll(text, NULL, 10), INT32_MAX);
	return (total * percent + (up ? 99 : 0)) / 100;
}

void rollout_limits(const json_t *deployment, struct rollout *rollout)
{
	const json_t *spec = json_object_get(deployment, "spec");
	const json_t *strategy = json_object_get(spec, "strategy");
	const json_t *rolling = json_object_get(strategy, "rollingUpdate");

	rollout->replicas = min(json_integer_at(spec, "replicas", 1), INT32_MAX);
	rollout->recreate = strcmp(json_string_at(strategy, "type", ""), "Recreate") == 0;
	/* All that there may be is a number of 32 bits: sums and products of such fit. */
	rollout->surge = min(portion(json_object_get(rolling, "maxSurge"), rollout->replicas, true),
		INT32_MAX - rollout->replicas);
	rollout->unavailable =
		portion(json_object_get(rolling, "maxUnavailable"), rollout->replicas, false);
	if (rollout->surge == 0 && rollout->unavailable == 0)
		rollout->unavailable = 1;
	rollout->unavailable = min(rollout->unavailable, rollout->replicas);
}

static long long old_sum(const struct rollout *rollout)
{
	long long sum = 0;

	for (size_t i = 0; i < rollout->old_count; i++)
		sum += rollout->old[i].wanted;
	return sum;
}

static long long current_sum(const struct rollout *rollout)
{
	return old_sum(rollout) + (rollout->current ? rollout->current->wanted : 0);
}

long long rollout_first(const struct rollout *rollout)
{
	long long room = rollout->replicas + rollout->surge - current_sum(rollout);

	if (rollout->recreate)
		return rollout->replicas;
	return room <= 0 ? 0 : min(room, rollout->replicas);
}

static bool current_step(struct rollout *rollout)
{
	struct rollout_set *current = rollout->current;
	long long before = current->wanted;
	long long room = rollout->replicas + rollout->surge - current_sum(rollout);

	if (current->wanted > rollout->replicas)
		current->wanted = rollout->replicas;
	else if (current->wanted < rollout->replicas && room > 0)
		current->wanted += min(room, rollout->replicas - current->wanted);
	return current->wanted != before;
}

/* Pods that do not work are missed by nobody. */
static long long old_drop_broken(struct rollout *rollout, long long most)
{
	long long dropped = 0;

	for (size_t i = 0; i < rollout->old_count && dropped < most; i++) {
		struct rollout_set *set = &rollout->old[i];
		long long broken = set->wanted - set->available;

		if (broken <= 0)
			continue;
		broken = min(broken, most - dropped);
		set->wanted -= broken;
		dropped += broken;
	}
	return dropped;
}

static bool old_drop_working(struct rollout *rollout, long long least)
{
	long long available = rollout->current->available, dropped = 0, most;

	for (size_t i = 0; i < rollout->old_count; i++)
		available += min(rollout->old[i].available, rollout->old[i].wanted);
	most = available - least;
	for (size_t i = 0; i < rollout->old_count && dropped < most; i++) {
		long long count = min(rollout->old[i].wanted, most - dropped);

		rollout->old[i].wanted -= count;
		dropped += count;
	}
	return dropped > 0;
}

static bool old_step(struct rollout *rollout)
{
	const struct rollout_set *current = rollout->current;
	long long least = rollout->replicas - rollout->unavailable;
	long long most;
	bool changed;

	if (old_sum(rollout) == 0)
		return false;
	most = current_sum(rollout) - least - (current->wanted - current->available);
	if (most <= 0)
		return false;
	changed = old_drop_broken(rollout, most) > 0;
	return old_drop_working(rollout, least) || changed;
}

static bool recreate_step(struct rollout *rollout)
{
	bool changed = false, running = false;

	for (size_t i = 0; i < rollout->old_count; i++) {
		changed |= rollout->old[i].wanted > 0;
		running |= rollout->old[i].running > 0;
		rollout->old[i].wanted = 0;
	}
	if (changed || running || !rollout->current ||
		rollout->current->wanted == rollout->replicas)
		return changed;
	rollout->current->wanted = rollout->replicas;
	return true;
}

bool rollout_waits(const struct rollout *rollout)
{
	for (size_t i = 0; rollout->recreate && i < rollout->old_count; i++)
		if (rollout->old[i].wanted > 0 || rollout->old[i].running > 0)
			return true;
	return false;
}

bool rollout_step(struct rollout *rollout)
{
	if (rollout->recreate)
		return recreate_step(rollout);
	if (!rollout->current)
		return false;
	return current_step(rollout) || old_step(rollout);
}

/* --- other replicas --- */

long long rollout_most(const struct rollout *rollout)
{
	return rollout->replicas + (rollout->recreate ? 0 : rollout->surge);
}

/* All sets that have Pods, the oldest first.  The caller frees the list; NULL when memory is out. */
static struct rollout_set **sets_active(struct rollout *rollout, size_t *ret_count)
{
	struct rollout_set **list = calloc(rollout->old_count + 1, sizeof(list[0]));
	size_t count = 0;

	if (!list)
		return NULL;
	for (size_t i = 0; i < rollout->old_count; i++)
		if (rollout->old[i].wanted > 0)
			list[count++] = &rollout->old[i];
	if (rollout->current && rollout->current->wanted > 0)
		list[count++] = rollout->current;
	*ret_count = count;
	return list;
}

static bool set_is_scaled(const struct rollout *rollout, const struct rollout_set *set)
{
	return set->wanted > 0 && set->was_of && set->was_of != rollout->replicas;
}

bool rollout_is_scaled(const struct rollout *rollout)
{
	for (size_t i = 0; i < rollout->old_count; i++)
		if (set_is_scaled(rollout, &rollout->old[i]))
			return true;
	return rollout->current && set_is_scaled(rollout, rollout->current);
}

static bool set_to(struct rollout_set *set, long long wanted)
{
	bool changed = set->wanted != wanted;

	set->wanted = wanted;
	return changed;
}

/* The largest first; of equal ones the newer when there are more to come, else the older. */
static void sets_sort(struct rollout_set **list, size_t count, bool newer_first)
{
	for (size_t i = 1; i < count; i++)
		for (size_t j = i; j > 0; j--) {
			struct rollout_set *kept = list[j];

			if (newer_first ? kept->wanted < list[j - 1]->wanted
					: kept->wanted <= list[j - 1]->wanted)
				break;
			list[j] = list[j - 1];
			list[j - 1] = kept;
		}
}

/* What @set gets of @change, of which @given is given already. */
static long long share(const struct rollout *rollout, const struct rollout_set *set,
	long long change, long long given)
{
	long long before = set->was_most ? set->was_most : rollout->replicas;
	long long now = before > 0
				? (2 * set->wanted * rollout_most(rollout) + before) / (2 * before)
				: set->wanted;
	long long part = now - set->wanted, left = change - given;

	if (rollout->replicas == 0)
		part = -set->wanted;
	return change > 0 ? min(part, left) : (part > left ? part : left);
}

static bool sets_share(struct rollout *rollout, struct rollout_set **list, size_t count)
{
	long long change = rollout->replicas > 0 ? rollout_most(rollout) : 0, given = 0;
	bool changed = false;

	for (size_t i = 0; i < count; i++)
		change -= list[i]->wanted;
	sets_sort(list, count, change > 0);
	for (size_t i = 0; change && i < count; i++) {
		long long part = share(rollout, list[i], change, given);

		list[i]->wanted += part;
		given += part;
		changed |= part != 0;
	}
	if (change && given != change) { /* what rounding left over */
		list[0]->wanted += change - given;
		if (list[0]->wanted < 0)
			list[0]->wanted = 0;
		changed = true;
	}
	return changed;
}

static bool is_saturated(const struct rollout *rollout)
{
	const struct rollout_set *current = rollout->current;

	return current && current->wanted == rollout->replicas &&
	       current->was_of == rollout->replicas && current->available == rollout->replicas;
}

bool rollout_scale(struct rollout *rollout)
{
	size_t count = 0;
	struct rollout_set **list = sets_active(rollout, &count);
	struct rollout_set *only = rollout->current;
	bool changed = false;

	if (!list)
		return false;
	if (!only && rollout->old_count)
		only = &rollout->old[rollout->old_count - 1];
	if (count == 1)
		only = list[0];
	if (count <= 1)
		changed = only && set_to(only, rollout->replicas);
	else if (is_saturated(rollout))
		for (size_t i = 0; i < rollout->old_count; i++)
			changed |= set_to(&rollout->old[i], 0);
	else if (!rollout->recreate)
		changed = sets_share(rollout, list, count);
	free(list);
	return changed;
}
