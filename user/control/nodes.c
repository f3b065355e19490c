// SPDX-License-Identifier: Apache-2.0
/* Nodes among what is followed: their life, what leaves them, and what they leave behind. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/control/eviction.h"
#include "user/control/nodelife.h"
#include "user/control/owned.h"
#include "user/control/podgc.h"
#include "user/control/state.h"
#include "user/control/zones.h"

#define LEASES	      "kube-node-lease"
#define PODGC_EVERY   (20 * USEC_PER_SEC)
#define LOST_AFTER    (40 * USEC_PER_SEC) /* a node that is made anew keeps its Pods */
#define EXPIRED_EVERY (60 * USEC_PER_SEC)

static int64_t now_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

static bool node_is_ready(const json_t *node)
{
	return strcmp(node_condition(node, "Ready"), "True") == 0;
}

/* --- life --- */

static void look_at_nodes(struct controller *controller)
{
	const char *key;
	json_t *node;

	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_NODES), key, node)
		controller_look(controller, key);
}

static void look_at_named(struct controller *controller, const char *name)
{
	char key[INFORMER_KEY_MAX];

	snprintf(key, sizeof(key), "/%s", name);
	controller_look(controller, key);
}

static void life_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_LEASES && strcmp(meta_text(object, "namespace"), LEASES) == 0)
		look_at_named(controller, meta_text(object, "name"));
	else if (kind == FOLLOWED_NODES && !node_is_ready(object))
		look_at_nodes(controller); /* it may be the last, or have been the first */
	else if (kind == FOLLOWED_NODES)
		controller_look_at(controller, object);
}

/* When the node last said something new, as we have seen it: clocks of machines differ. */
static uint64_t life_seen(const struct controller *controller, const char *key, const json_t *node)
{
	const json_t *lease = control_object(
		controller->control, FOLLOWED_LEASES, LEASES, meta_text(node, "name"));
	json_t *note = json_object_get(controller->notes, key);
	AUTO_FREE char *sign = nodelife_sign(node, lease);
	uint64_t now = clock_now();

	if (!sign)
		return now;
	if (note && strcmp(json_string_at(note, "sign", ""), sign) == 0)
		return (uint64_t)json_integer_at(note, "at", 0);
	json_object_set_new(controller->notes, key,
		json_pack("{s:s, s:I}", "sign", sign, "at", (json_int_t)now));
	return now;
}

static bool nodes_are_lost(const struct controller *controller)
{
	const char *key;
	json_t *node;

	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_NODES), key, node)
		if (node_is_ready(node))
			return false;
	return true;
}

/* One that is emptied already only changes its taint. */
static bool life_waits(
	const struct controller *controller, const json_t *node, struct requests *plan)
{
	uint64_t again = USEC_NEVER;
	bool may;

	if (node_is_ready(node))
		zone_turn_over(controller->state, meta_text(node, "name"));
	if (node_is_ready(node) || node_is_emptied(node) || !node_condition(node, "Ready")[0])
		return false;
	may = zone_turn(controller->state, node,
		control_objects(controller->control, FOLLOWED_NODES), clock_now(), &again);
	if (!may)
		requests_again(plan, again);
	return !may;
}

static int life_open(struct controller *controller)
{
	controller->state = json_object();
	return controller->state ? 0 : -ENOMEM;
}

static void life_close(struct controller *controller)
{
	json_decref(controller->state);
}

static int life_plan(const struct controller *controller, const char *key, struct requests *plan)
{
	const struct control *control = controller->control;
	struct nodelife life = {
		.node = json_object_get(control_objects(control, FOLLOWED_NODES), key),
		.pods = control_objects(control, FOLLOWED_PODS),
		.grace = control->config.node_grace,
		.alone = nodes_are_lost(controller),
		.now = now_seconds()};
	uint64_t seen, over;

	if (!life.node) {
		json_object_del(controller->notes, key);
		zone_turn_over(controller->state, key + 1);
		return 0;
	}
	life.held = !life.alone && life_waits(controller, life.node, plan);
	seen = life_seen(controller, key, life.node);
	over = seen + (uint64_t)life.grace * USEC_PER_SEC;
	life.silent = (int64_t)((clock_now() - seen) / USEC_PER_SEC);
	if (life.silent < life.grace)
		requests_again(plan, over);
	return nodelife_plan(&life, plan);
}

const struct controller_kind controller_nodes = {
	.name = "node-controller",
	.changed = life_changed,
	.plan = life_plan,
	.open = life_open,
	.close = life_close,
};

/* --- eviction --- */

static bool node_evicts(const json_t *node)
{
	const json_t *taint;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(node, "spec"), "taints"), i, taint)
		if (strcmp(json_string_at(taint, "effect", ""), "NoExecute") == 0)
			return true;
	return false;
}

static const json_t *node_of(const struct controller *controller, const json_t *pod)
{
	return control_object(controller->control, FOLLOWED_NODES, "",
		json_string_at(json_object_get(pod, "spec"), "nodeName", ""));
}

static void eviction_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	const char *key;
	json_t *pod;

	if (kind == FOLLOWED_PODS && node_evicts(node_of(controller, object)))
		controller_look_at(controller, object);
	if (kind != FOLLOWED_NODES || !node_evicts(object))
		return;
	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_PODS), key, pod)
		if (strcmp(json_string_at(json_object_get(pod, "spec"), "nodeName", ""),
			    meta_text(object, "name")) == 0)
			controller_look(controller, key);
}

static int pod_eviction_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *pod =
		json_object_get(control_objects(controller->control, FOLLOWED_PODS), key);
	const json_t *node = node_of(controller, pod);

	return pod && node ? eviction_plan(pod, node, now_seconds(), plan) : 0;
}

const struct controller_kind controller_eviction = {
	.name = "taint-eviction-controller",
	.changed = eviction_changed,
	.plan = pod_eviction_plan,
};

/* --- what is left over --- */

static void nothing_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	(void)controller;
	(void)kind;
	(void)object;
}

/* Names of nodes that Pods are on and that have been away for so long, as keys.  The caller owns it. */
static json_t *nodes_lost(const struct controller *controller)
{
	const json_t *pods = control_objects(controller->control, FOLLOWED_PODS);
	json_t *lost = json_object(), *pod;
	AUTO_JSON missing = json_object();
	const char *key;

	json_object_foreach ((json_t *)pods, key, pod) {
		const char *name = json_string_at(json_object_get(pod, "spec"), "nodeName", "");
		long long since = json_integer_at(controller->notes, name, (json_int_t)clock_now());

		if (!name[0] || node_of(controller, pod))
			continue;
		json_object_set_new(missing, name, json_integer(since));
		if (clock_now() - (uint64_t)since >= LOST_AFTER)
			json_object_set_new(lost, name, json_true());
	}
	json_object_clear(controller->notes);
	json_object_update(controller->notes, missing);
	return lost;
}

static int leftover_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	AUTO_JSON lost = nodes_lost(controller);

	(void)key;
	requests_again(plan, clock_now() + PODGC_EVERY);
	return podgc_plan(
		control_objects(controller->control, FOLLOWED_PODS), lost, now_seconds(), plan);
}

const struct controller_kind controller_pod_collector = {
	.name = "pod-garbage-collector-controller",
	.changed = nothing_changed,
	.plan = leftover_plan,
	.starts = true,
};

static int expired_plan(const struct controller *controller, const char *key, struct requests *plan)
{
	(void)key;
	requests_again(plan, clock_now() + EXPIRED_EVERY);
	return events_expire_plan(
		control_objects(controller->control, FOLLOWED_EVENTS), now_seconds(), plan);
}

const struct controller_kind controller_event_collector = {
	.name = "event-collector",
	.changed = nothing_changed,
	.plan = expired_plan,
	.starts = true,
};
