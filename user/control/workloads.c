// SPDX-License-Identifier: Apache-2.0
/* ReplicaSets, Deployments and the budgets of their Pods among what is followed. */
#include <stdio.h>
#include <string.h>

#include "user/base/clock.h"
#include "user/control/deployment.h"
#include "user/control/disruption.h"
#include "user/control/owned.h"
#include "user/control/replicaset.h"
#include "user/control/state.h"

static int64_t now_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

/* Looks at the controller of @object, if it is one of @owners; without one, at those who might want it. */
static void look_owners(struct controller *controller, const json_t *object, enum followed owners)
{
	const json_t *reference = owned_controller(object);
	const char *namespace = meta_text(object, "namespace"), *other;
	char key[INFORMER_KEY_MAX];
	json_t *owner;

	snprintf(key, sizeof(key), "%s/%s", namespace, json_string_at(reference, "name", ""));
	if (strcmp(json_string_at(reference, "kind", ""), followed_kinds[owners].kind) == 0)
		controller_look(controller, key);
	if (reference)
		return;
	json_object_foreach ((json_t *)control_objects(controller->control, owners), other, owner)
		if (strcmp(meta_text(owner, "namespace"), namespace) == 0)
			controller_look(controller, other);
}

static void replica_sets_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_REPLICA_SETS)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_PODS)
		look_owners(controller, object, FOLLOWED_REPLICA_SETS);
}

static int replica_sets_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *set =
		json_object_get(control_objects(controller->control, FOLLOWED_REPLICA_SETS), key);

	return set ? replicaset_plan(set, control_objects(controller->control, FOLLOWED_PODS),
			     now_seconds(), plan)
		   : 0;
}

const struct controller_kind controller_replica_sets = {
	.name = "replicaset-controller",
	.changed = replica_sets_changed,
	.plan = replica_sets_plan,
};

/* Who waits until old Pods are gone hears of none but these: their sets have not counted them any more. */
static void look_at_leaving(struct controller *controller, const json_t *pod)
{
	const json_t *set = control_object(controller->control, FOLLOWED_REPLICA_SETS,
		meta_text(pod, "namespace"), json_string_at(owned_controller(pod), "name", ""));

	if (set && meta_is_deleting(pod))
		look_owners(controller, set, FOLLOWED_DEPLOYMENTS);
}

static void deployments_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_PODS)
		look_at_leaving(controller, object);
	if (kind == FOLLOWED_DEPLOYMENTS)
		controller_look_at(controller, object);
	else if (kind == FOLLOWED_REPLICA_SETS)
		look_owners(controller, object, FOLLOWED_DEPLOYMENTS);
}

static int deployments_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	const json_t *deployment =
		json_object_get(control_objects(controller->control, FOLLOWED_DEPLOYMENTS), key);

	return deployment ? deployment_plan(deployment,
				    control_objects(controller->control, FOLLOWED_REPLICA_SETS),
				    control_objects(controller->control, FOLLOWED_PODS),
				    now_seconds(), plan)
			  : 0;
}

const struct controller_kind controller_deployments = {
	.name = "deployment-controller",
	.changed = deployments_changed,
	.plan = deployments_plan,
};

/* A Pod that lost its labels counts for nobody, but did: all budgets of the namespace are asked. */
static void budgets_changed(struct controller *controller, enum followed kind, const json_t *object)
{
	const char *namespace = meta_text(object, "namespace"), *key;
	json_t *budget;

	if (kind == FOLLOWED_BUDGETS)
		controller_look_at(controller, object);
	if (kind != FOLLOWED_PODS && kind != FOLLOWED_REPLICA_SETS && kind != FOLLOWED_DEPLOYMENTS)
		return;
	json_object_foreach (
		(json_t *)control_objects(controller->control, FOLLOWED_BUDGETS), key, budget)
		if (strcmp(meta_text(budget, "namespace"), namespace) == 0)
			controller_look(controller, key);
}

static int budgets_plan(const struct controller *controller, const char *key, struct requests *plan)
{
	const struct control *control = controller->control;
	const struct disruption disruption = {
		.budget = json_object_get(control_objects(control, FOLLOWED_BUDGETS), key),
		.pods = control_objects(control, FOLLOWED_PODS),
		.sets = control_objects(control, FOLLOWED_REPLICA_SETS),
		.deployments = control_objects(control, FOLLOWED_DEPLOYMENTS),
		.now = now_seconds()};

	return disruption.budget ? disruption_plan(&disruption, plan) : 0;
}

const struct controller_kind controller_budgets = {
	.name = "disruption-controller",
	.changed = budgets_changed,
	.plan = budgets_plan,
};
