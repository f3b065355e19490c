// SPDX-License-Identifier: Apache-2.0
#include "user/control/zones.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/control/nodelife.h"
#include "user/control/owned.h"

#define ZONE   "topology.kubernetes.io/zone"
#define REGION "topology.kubernetes.io/region"

static const char *label_of(const json_t *node, const char *key)
{
	return json_string_at(
		json_object_get(json_object_get(node, "metadata"), "labels"), key, "");
}

static bool is_same_zone(const json_t *a, const json_t *b)
{
	return strcmp(label_of(a, ZONE), label_of(b, ZONE)) == 0 &&
	       strcmp(label_of(a, REGION), label_of(b, REGION)) == 0;
}

/* How long the zone of @node waits between two; 0: for ever. */
static uint64_t zone_interval(const json_t *node, const json_t *nodes)
{
	size_t all = 0, unready = 0;
	const char *key;
	json_t *other;

	json_object_foreach ((json_t *)nodes, key, other) {
		if (!is_same_zone(node, other))
			continue;
		all++;
		unready += strcmp(node_condition(other, "Ready"), "True") != 0;
	}
	/* A zone without any node that is ready is cut off from us: its Pods are needed elsewhere. */
	if (unready == all || unready <= 2 || unready * 100 < all * ZONE_DISRUPTED)
		return ZONE_INTERVAL;
	return all > ZONE_LARGE ? ZONE_INTERVAL_SECONDARY : 0;
}

bool zone_turn(
	json_t *turns, const json_t *node, const json_t *nodes, uint64_t now, uint64_t *ret_again)
{
	AUTO_FREE char *zone = fs_format("%s/%s", label_of(node, REGION), label_of(node, ZONE));
	const char *name = meta_text(node, "name");
	uint64_t interval = zone_interval(node, nodes), last;

	if (json_object_get(turns, name))
		return true;
	if (!zone || !interval)
		return false;
	last = (uint64_t)json_integer_at(turns, zone, 0);
	if (last && now < last + interval) {
		*ret_again = last + interval;
		return false;
	}
	/* No name of a node has a slash in it. */
	return json_object_set_new(turns, zone, json_integer((json_int_t)now)) == 0 &&
	       json_object_set_new(turns, name, json_true()) == 0;
}

void zone_turn_over(json_t *turns, const char *name)
{
	json_object_del(turns, name);
}
