// SPDX-License-Identifier: Apache-2.0
#include "user/control/rollout.h"

#include <stdlib.h>
#include <string.h>

static long long min(long long a, long long b)
{
	return a < b ? a : b;
}

/* "25%" of @total, or a number. */
static long long portion(const json_t *value, long long total, bool up)
{
	const char *text = json_string_value(value);
	long long percent;

	if (!text)
		return json_integer_value(value);
	percent = strtoll(text, NULL, 10);
	return (total * percent + (up ? 99 : 0)) / 100;
}

void rollout_limits(const json_t *deployment, struct rollout *rollout)
{
	const json_t *spec = json_object_get(deployment, "spec");
	const json_t *strategy = json_object_get(spec, "strategy");
	const json_t *rolling = json_object_get(strategy, "rollingUpdate");

	rollout->replicas = json_integer_at(spec, "replicas", 1);
	rollout->recreate = strcmp(json_string_at(strategy, "type", ""), "Recreate") == 0;
	rollout->surge = portion(json_object_get(rolling, "maxSurge"), rollout->replicas, true);
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

bool rollout_step(struct rollout *rollout)
{
	if (rollout->recreate)
		return recreate_step(rollout);
	if (!rollout->current)
		return false;
	return current_step(rollout) || old_step(rollout);
}
