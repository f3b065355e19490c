// SPDX-License-Identifier: Apache-2.0
/* ReplicaSets and Deployments among what is followed. */
#include <string.h>
#include <time.h>

#include "user/base/clock.h"
#include "user/control/deployment.h"
#include "user/control/owned.h"
#include "user/control/replicaset.h"
#include "user/control/state.h"

static int64_t now_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

/* Looks at the controller of @object, if it is one of @owners. */
static void look_owner(struct controller *controller, const json_t *object, enum followed owners)
{
	const char *uid = owned_controller_uid(object), *key;
	json_t *owner;

	if (!uid[0])
		return;
	json_object_foreach ((json_t *)control_objects(controller->control, owners), key, owner)
		if (strcmp(meta_text(owner, "uid"), uid) == 0)
			controller_look(controller, key);
}

static void look_itself(struct controller *controller, const json_t *object)
{
	char key[INFORMER_KEY_MAX];

	informer_key(object, key);
	controller_look(controller, key);
}

static void replica_sets_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_REPLICA_SETS)
		look_itself(controller, object);
	else if (kind == FOLLOWED_PODS)
		look_owner(controller, object, FOLLOWED_REPLICA_SETS);
}

static int replica_sets_plan(const struct control *control, const char *key, struct requests *plan)
{
	const json_t *set = json_object_get(control_objects(control, FOLLOWED_REPLICA_SETS), key);

	return set ? replicaset_plan(
			     set, control_objects(control, FOLLOWED_PODS), now_seconds(), plan)
		   : 0;
}

const struct controller_kind controller_replica_sets = {
	.name = "replicaset-controller",
	.changed = replica_sets_changed,
	.plan = replica_sets_plan,
};

static void deployments_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_DEPLOYMENTS)
		look_itself(controller, object);
	else if (kind == FOLLOWED_REPLICA_SETS)
		look_owner(controller, object, FOLLOWED_DEPLOYMENTS);
}

static int deployments_plan(const struct control *control, const char *key, struct requests *plan)
{
	const json_t *deployment =
		json_object_get(control_objects(control, FOLLOWED_DEPLOYMENTS), key);

	return deployment ? deployment_plan(deployment,
				    control_objects(control, FOLLOWED_REPLICA_SETS),
				    control_objects(control, FOLLOWED_PODS), now_seconds(), plan)
			  : 0;
}

const struct controller_kind controller_deployments = {
	.name = "deployment-controller",
	.changed = deployments_changed,
	.plan = deployments_plan,
};
