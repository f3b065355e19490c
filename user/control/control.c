// SPDX-License-Identifier: Apache-2.0
#include "user/control/control.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/control/recorder.h"
#include "user/control/state.h"

#define CACHE_LAG  (30 * USEC_PER_SEC) /* longer than that nothing is waited for */
#define CACHE_LOOK (10 * USEC_PER_MSEC)

struct follower {
	struct control *control;
	enum followed kind;
	struct informer *informer;
};

static const struct controller_kind *const kinds[] = {
	&controller_replica_sets,
	&controller_deployments,
	&controller_budgets,
	&controller_scheduler,
	&controller_namespaces,
	&controller_service_accounts,
	&controller_root_certificates,
	&controller_certificates,
	&controller_tokens,
	&controller_slices,
	&controller_endpoints,
	&controller_mirror,
	&controller_garbage_collector,
	&controller_nodes,
	&controller_eviction,
	&controller_pod_collector,
	&controller_event_collector,
};

const json_t *control_objects(const struct control *control, enum followed kind)
{
	return informer_objects(control->followers[kind].informer);
}

const json_t *control_object(
	const struct control *control, enum followed kind, const char *namespace, const char *name)
{
	return informer_get(control->followers[kind].informer, namespace, name);
}

void controller_look(struct controller *controller, const char *key)
{
	queue_add(controller->queue, key);
}

void controller_look_at(struct controller *controller, const json_t *object)
{
	char key[INFORMER_KEY_MAX];

	informer_key(object, key);
	controller_look(controller, key);
}

static bool control_is_synced(const struct control *control)
{
	for (size_t i = 0; i < FOLLOWED_COUNT; i++)
		if (!informer_is_synced(control->followers[i].informer))
			return false;
	return true;
}

/* --- looking --- */

/* Any follower of the kind will do: one that follows but some of them may never see it. */
static bool kind_has_seen(const struct control *control, const char *kind, uint64_t revision)
{
	bool followed = false;

	for (size_t i = 0; i < FOLLOWED_COUNT; i++) {
		if (strcmp(followed_kinds[i].kind, kind) != 0)
			continue;
		if (informer_revision(control->followers[i].informer) >= revision)
			return true;
		followed = true;
	}
	return !followed;
}

static bool controller_is_current(struct controller *controller, const char *key)
{
	json_t *seen = json_object_get(controller->seen, key), *revision;
	const char *kind;

	if (!seen || (uint64_t)json_integer_at(seen, "since", 0) + CACHE_LAG < clock_now()) {
		json_object_del(controller->seen, key);
		return true;
	}
	json_object_foreach (seen, kind, revision)
		if (strcmp(kind, "since") != 0 && !kind_has_seen(controller->control, kind,
							  (uint64_t)json_integer_value(revision)))
			return false;
	json_object_del(controller->seen, key);
	return true;
}

static void controller_turn(void *userdata, const char *key)
{
	struct controller *controller = userdata;
	struct requests plan = {.again = USEC_NEVER};

	if (json_object_get(controller->jobs, key))
		return; /* its end looks again */
	if (!control_is_synced(controller->control) || !controller_is_current(controller, key)) {
		queue_add_at(controller->queue, key, clock_now() + CACHE_LOOK);
		return;
	}
	if (controller->kind->plan(controller, key, &plan) < 0) {
		log_warning("%s: %s: no memory, trying again", controller->kind->name, key);
		queue_retry(controller->queue, key);
	} else {
		if (plan.again != USEC_NEVER)
			queue_add_at(controller->queue, key, plan.again);
		if (plan.count)
			plan_write(controller, key, &plan);
		else
			queue_forget(
				controller->queue, key); /* what had failed is as it shall be */
	}
	requests_clear(&plan);
}

/* --- following --- */

static void follower_changed(void *userdata, const json_t *object, const json_t *old)
{
	struct follower *follower = userdata;
	struct control *control = follower->control;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct controller *controller = &control->controllers[i];

		if (old)
			controller->kind->changed(controller, follower->kind, old);
		if (object)
			controller->kind->changed(controller, follower->kind, object);
	}
}

static void follower_lost(void *userdata, const char *message)
{
	const struct follower *follower = userdata;

	if (message[0])
		log_warning("cannot follow %s: %s, trying again",
			followed_kinds[follower->kind].plural, message);
	else
		log_info("following %s again", followed_kinds[follower->kind].plural);
}

/* Once all is known, those begin that wait for no change. */
static void follower_synced(void *userdata)
{
	const struct follower *follower = userdata;
	struct control *control = follower->control;

	for (size_t i = 0; i < COUNT(kinds) && control_is_synced(control); i++)
		if (kinds[i]->starts)
			controller_look(&control->controllers[i], CONTROLLER_ALL);
}

static void follower_trim(void *userdata, json_t *object)
{
	const struct follower *follower = userdata;

	if (followed_kinds[follower->kind].trim)
		followed_kinds[follower->kind].trim(object);
}

static const struct informer_events follower_events = {
	.changed = follower_changed,
	.synced = follower_synced,
	.lost = follower_lost,
	.trim = follower_trim,
};

static int follower_open(struct follower *follower, struct control *control, enum followed kind)
{
	const struct followed_kind *row = &followed_kinds[kind];
	AUTO_FREE char *path =
		request_target(row->group, row->version, NULL, row->plural, NULL, NULL);

	follower->control = control;
	follower->kind = kind;
	if (!path)
		return -ENOMEM;
	return informer_new(
		control->client, path, row->query, &follower_events, follower, &follower->informer);
}

static int control_open(struct control *control, sd_event *loop, struct err *err)
{
	int r = recorder_new(control->client, &control->recorder);

	for (size_t i = 0; i < COUNT(kinds) && r == 0; i++) {
		struct controller *controller = &control->controllers[i];

		controller->control = control;
		controller->kind = kinds[i];
		controller->jobs = json_object();
		controller->seen = json_object();
		controller->notes = json_object();
		r = controller->jobs && controller->seen && controller->notes
			    ? queue_new(loop, controller_turn, controller, &controller->queue)
			    : -ENOMEM;
		if (r == 0 && kinds[i]->open)
			r = kinds[i]->open(controller);
	}
	for (size_t i = 0; i < FOLLOWED_COUNT && r == 0; i++)
		r = follower_open(&control->followers[i], control, (enum followed)i);
	return r < 0 ? err_set(err, -r, "start the controllers") : 0;
}

int control_new(sd_event *loop, struct client *client, const struct control_config *config,
	struct control **ret, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return err_set(err, ENOMEM, "start the controllers");
	control->client = client;
	control->config = *config;
	control->followers = calloc(FOLLOWED_COUNT, sizeof(control->followers[0]));
	control->controllers = calloc(COUNT(kinds), sizeof(control->controllers[0]));
	r = control->followers && control->controllers
		    ? control_open(control, loop, err)
		    : err_set(err, ENOMEM, "start the controllers");
	if (r < 0) {
		control_free(control);
		return r;
	}
	*ret = control;
	return 0;
}

struct control *control_free(struct control *control)
{
	if (!control)
		return NULL;
	plans_drop(control);
	for (size_t i = 0; control->followers && i < FOLLOWED_COUNT; i++)
		informer_free(control->followers[i].informer);
	for (size_t i = 0; control->controllers && i < COUNT(kinds); i++) {
		if (control->controllers[i].state)
			kinds[i]->close(&control->controllers[i]);
		queue_free(control->controllers[i].queue);
		json_decref(control->controllers[i].jobs);
		json_decref(control->controllers[i].seen);
		json_decref(control->controllers[i].notes);
	}
	recorder_free(control->recorder);
	free(control->followers);
	free(control->controllers);
	free(control);
	return NULL;
}
