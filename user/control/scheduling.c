// SPDX-License-Identifier: Apache-2.0
/*
 * Pods without a node among what is followed.  What was decided of one counts at once for the next, before the
 * API server has heard of it; if it does not take it, it is undone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/log.h"
#include "user/control/filter.h"
#include "user/control/owned.h"
#include "user/control/preempt.h"
#include "user/control/schedule.h"
#include "user/control/schedulewrites.h"
#include "user/control/snapshot.h"
#include "user/control/state.h"
#include "user/control/waiting.h"
#include "user/control/wakeup.h"

#define TURN_PODS   16 /* then others on the loop have their turn */
#define WRITES_MOST 32 /* Pods at a time of which something is being written */

struct scheduler {
	struct controller *controller;
	struct snapshot *snapshot;
	struct waiting *waiting;
	size_t writing;
};

/* --- life --- */

static void scheduler_close(struct controller *controller)
{
	struct scheduler *scheduler = controller->state;

	snapshot_free(scheduler->snapshot);
	waiting_free(scheduler->waiting);
	free(scheduler);
	controller->state = NULL;
}

static int scheduler_open(struct controller *controller)
{
	struct scheduler *scheduler = calloc(1, sizeof(*scheduler));

	if (!scheduler)
		return -ENOMEM;
	*scheduler = (struct scheduler){
		.controller = controller,
		.snapshot = snapshot_new(),
		.waiting = waiting_new(),
	};
	controller->state = scheduler;
	return scheduler->snapshot && scheduler->waiting ? 0 : -ENOMEM;
}

/* --- changes --- */

static bool pod_waits(const json_t *pod)
{
	const json_t *spec = json_object_get(pod, "spec");

	return !json_string_at(spec, "nodeName", "")[0] && pod_is_active(pod) &&
	       json_array_size(json_object_get(spec, "schedulingGates")) == 0 &&
	       strcmp(json_string_at(spec, "schedulerName", SCHEDULER), SCHEDULER) == 0;
}

static void scheduler_wake(struct scheduler *scheduler, unsigned causes)
{
	if (causes)
		waiting_wake(scheduler->waiting, causes, clock_now());
	controller_look(scheduler->controller, CONTROLLER_ALL);
}

static void count_failed(const char *kind, const json_t *object)
{
	log_warning("%s: no memory to count %s '%s', ignoring it until it changes", SCHEDULER, kind,
		meta_text(object, "name"));
}

static void node_changed(struct scheduler *scheduler, const json_t *object)
{
	const char *name = meta_text(object, "name");
	const json_t *is = control_object(scheduler->controller->control, FOLLOWED_NODES, "", name);
	const struct snapshot_node *known = snapshot_node_find(scheduler->snapshot, name);
	const json_t *was = known ? known->node : NULL;
	unsigned causes;

	if (was == is)
		return;
	causes = wakeup_of_node(was, is);
	if (!is)
		snapshot_remove_node(scheduler->snapshot, name);
	else if (snapshot_put_node(scheduler->snapshot, is) < 0)
		count_failed("node", is);
	if (causes)
		scheduler_wake(scheduler, causes);
}

/* What waits for a node, or does not any more. */
static void pod_queue(struct scheduler *scheduler, const char *key, const json_t *is)
{
	if (!is || !pod_waits(is))
		waiting_remove(scheduler->waiting, key);
	else if (waiting_put(scheduler->waiting, key, is, clock_now()) < 0)
		count_failed("pod", is);
}

static void pod_changed(struct scheduler *scheduler, const json_t *object)
{
	struct snapshot *snapshot = scheduler->snapshot;
	const json_t *is = control_object(scheduler->controller->control, FOLLOWED_PODS,
		meta_text(object, "namespace"), meta_text(object, "name"));
	size_t nominated = snapshot->nominated_count;
	const struct snapshot_pod *known;
	char key[INFORMER_KEY_MAX];
	unsigned causes;

	informer_key(object, key);
	known = snapshot_pod_find(snapshot, key);
	if (known && known->pod == is && !known->assumed)
		return;
	causes = wakeup_of_pod(known && !known->assumed ? known->pod : NULL, is);
	if (!is)
		snapshot_remove_pod(snapshot, key);
	else if (snapshot_put_pod(snapshot, is) < 0)
		count_failed("pod", is);
	if (snapshot->nominated_count < nominated)
		causes |= WAKEUP_ROOM;
	pod_queue(scheduler, key, is);
	scheduler_wake(scheduler, causes);
}

static void scheduler_changed(
	struct controller *controller, enum followed kind, const json_t *object)
{
	if (kind == FOLLOWED_NODES)
		node_changed(controller->state, object);
	if (kind == FOLLOWED_PODS)
		pod_changed(controller->state, object);
	if (kind == FOLLOWED_NAMESPACES)
		scheduler_wake(controller->state, CAUSE_NEIGHBOURS);
}

/* --- decisions --- */

static unsigned chance_new(void)
{
	unsigned chance = 0;

	return getrandom(&chance, sizeof(chance), GRND_NONBLOCK) < 0 ? 0 : chance;
}

static void plan_send(struct scheduler *scheduler, const char *key, struct requests *plan)
{
	if (!plan->count && !plan->no_memory)
		return;
	scheduler->writing++;
	plan_write(scheduler->controller, key, plan);
}

static int pod_bind(
	struct scheduler *scheduler, const char *key, const json_t *pod, struct snapshot_node *node)
{
	struct requests plan = {.again = USEC_NEVER};

	if (snapshot_assume(scheduler->snapshot, pod, node) < 0)
		return -ENOMEM;
	schedule_bind(pod, node, &plan);
	if (plan.no_memory) {
		snapshot_forget(scheduler->snapshot, key);
		requests_clear(&plan);
		return -ENOMEM;
	}
	plan_send(scheduler, key, &plan);
	return 0;
}

static void message_add(char message[SCHEDULE_MESSAGE], const char *text)
{
	size_t len = strlen(message);

	snprintf(message + len, SCHEDULE_MESSAGE - len, " preemption: %s", text);
}

/* Where room is made for the Pod: *@ret is its name, "" when nowhere any more, NULL when that stays as it is. */
static int pod_preempt(struct scheduler *scheduler, const json_t *pod, struct choice *choice,
	const char **ret, struct requests *plan)
{
	AUTO_CLEANUP(preemption_clear) struct preemption preemption = {0};
	struct snapshot *snapshot = scheduler->snapshot;
	const char *why = preempt_refuse(snapshot, pod, choice->hopeless);

	*ret = NULL;
	if (why) {
		message_add(choice->message, why);
		return 0;
	}
	if (preempt_choose(snapshot, pod, choice->hopeless, chance_new(), &preemption) < 0)
		return -ENOMEM;
	if (!preemption.node) {
		message_add(choice->message, preemption.message);
		*ret = snapshot_promised(snapshot, pod) ? "" : NULL;
		return 0;
	}
	schedule_make_room(snapshot, pod, &preemption, plan);
	*ret = preemption.node->name;
	return snapshot_nominate(snapshot, pod, preemption.node);
}

static int pod_wait(
	struct scheduler *scheduler, const char *key, const json_t *pod, struct choice *choice)
{
	struct requests plan = {.again = USEC_NEVER};
	const char *nominated = NULL;
	int r = scheduler->snapshot->count ? pod_preempt(scheduler, pod, choice, &nominated, &plan)
					   : 0;

	if (r == 0)
		schedule_explain(pod, choice->message, nominated, &plan);
	if (r < 0 || plan.no_memory) {
		snapshot_forget(scheduler->snapshot, key);
		requests_clear(&plan);
		return -ENOMEM;
	}
	waiting_park(scheduler->waiting, key, choice->causes, clock_now());
	plan_send(scheduler, key, &plan);
	return 0;
}

static int pod_decide(struct scheduler *scheduler, const char *key, const json_t *pod)
{
	AUTO_CLEANUP(choice_clear) struct choice choice = {0};

	if (schedule_choose(scheduler->snapshot, pod, chance_new(), &choice) < 0)
		return -ENOMEM;
	return choice.node ? pod_bind(scheduler, key, pod, choice.node)
			   : pod_wait(scheduler, key, pod, &choice);
}

/* --- one after the other --- */

static void scheduler_look(struct scheduler *scheduler)
{
	const struct control *control = scheduler->controller->control;
	struct snapshot *snapshot = scheduler->snapshot;

	snapshot->namespaces = control_objects(control, FOLLOWED_NAMESPACES);
	snapshot->services = control_objects(control, FOLLOWED_SERVICES);
	snapshot->replica_sets = control_objects(control, FOLLOWED_REPLICA_SETS);
	snapshot->budgets = control_objects(control, FOLLOWED_BUDGETS);
}

static void pod_turn(struct scheduler *scheduler, const json_t *borrowed)
{
	AUTO_JSON pod = json_incref((json_t *)borrowed);
	char key[INFORMER_KEY_MAX];

	informer_key(pod, key);
	if (json_object_get(scheduler->controller->jobs, key)) {
		waiting_hold(scheduler->waiting, key, CAUSE_WRITING);
		return;
	}
	if (pod_decide(scheduler, key, pod) < 0) {
		log_warning("%s: %s: no memory, trying again", SCHEDULER, key);
		waiting_again(scheduler->waiting, key, clock_now());
	}
}

static int scheduler_plan(
	const struct controller *controller, const char *key, struct requests *plan)
{
	struct scheduler *scheduler = controller->state;
	const json_t *pod;

	if (strcmp(key, CONTROLLER_ALL) != 0)
		return 0; /* of one Pod something was written: scheduler_written knows */
	scheduler_look(scheduler);
	for (unsigned i = 0; i < TURN_PODS && scheduler->writing < WRITES_MOST; i++) {
		pod = waiting_next(scheduler->waiting, clock_now());
		if (!pod)
			break;
		pod_turn(scheduler, pod);
	}
	if (scheduler->writing < WRITES_MOST)
		requests_again(plan, waiting_due(scheduler->waiting));
	return 0;
}

static void scheduler_written(struct controller *controller, const char *key, bool failed)
{
	struct scheduler *scheduler = controller->state;

	scheduler->writing--;
	if (failed) {
		snapshot_forget(scheduler->snapshot, key);
		waiting_again(scheduler->waiting, key, clock_now());
	}
	waiting_wake_one(scheduler->waiting, key, CAUSE_WRITING, clock_now());
	scheduler_wake(scheduler, failed ? WAKEUP_ROOM : 0);
}

const struct controller_kind controller_scheduler = {
	.name = SCHEDULER,
	.changed = scheduler_changed,
	.plan = scheduler_plan,
	.open = scheduler_open,
	.close = scheduler_close,
	.written = scheduler_written,
};
