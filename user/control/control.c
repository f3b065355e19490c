// SPDX-License-Identifier: Apache-2.0
#include "user/control/control.h"

#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/control/state.h"

#define CACHE_LAG  (30 * USEC_PER_SEC) /* longer than that nothing is waited for */
#define CACHE_LOOK (10 * USEC_PER_MSEC)

struct follower {
	struct control *control;
	enum followed kind;
	struct informer *informer;
};

static const struct {
	const char *path, *kind;
} followed[] = {
	[FOLLOWED_PODS] = {"/api/v1/pods", "Pod"},
	[FOLLOWED_REPLICA_SETS] = {"/apis/apps/v1/replicasets", "ReplicaSet"},
	[FOLLOWED_DEPLOYMENTS] = {"/apis/apps/v1/deployments", "Deployment"},
	[FOLLOWED_NODES] = {"/api/v1/nodes", "Node"},
};

static const struct controller_kind *const kinds[] = {
	&controller_replica_sets,
	&controller_deployments,
	&controller_scheduler,
};

/* The writes of one plan, one after the other. */
struct job {
	struct job *next, **link;
	struct controller *controller;
	char *key;
	struct requests plan;
	size_t at;
	bool failed;
	struct client_call *call;
};

const json_t *control_objects(const struct control *control, enum followed kind)
{
	return informer_objects(control->followers[kind].informer);
}

void controller_look(struct controller *controller, const char *key)
{
	queue_add(controller->queue, key);
}

static bool control_is_synced(const struct control *control)
{
	for (size_t i = 0; i < FOLLOWED_COUNT; i++)
		if (!informer_is_synced(control->followers[i].informer))
			return false;
	return true;
}

/* --- writing --- */

static void job_next(struct job *job);

static void job_free(struct job *job)
{
	*job->link = job->next;
	if (job->next)
		job->next->link = job->link;
	client_cancel(job->call);
	requests_clear(&job->plan);
	free(job->key);
	free(job);
}

/* The cache must have seen what was written before the key is looked at again. */
static void job_remember(struct job *job, const json_t *object)
{
	struct controller *controller = job->controller;
	const char *revision =
		json_string_at(json_object_get(object, "metadata"), "resourceVersion", "");
	json_t *seen = json_object_get(controller->seen, job->key);

	if (!revision[0])
		return;
	if (!seen) {
		seen = json_pack("{s:I}", "since", (json_int_t)clock_now());
		if (json_object_set_new(controller->seen, job->key, seen) < 0)
			return;
	}
	json_object_set_new(seen, json_string_at(object, "kind", ""),
		json_integer((json_int_t)strtoull(revision, NULL, 10)));
}

static void job_done(void *userdata, const struct client_answer *answer)
{
	struct job *job = userdata;
	const struct api_write *write = &job->plan.writes[job->at];

	job->call = NULL;
	if (answer->status >= 200 && answer->status < 300) {
		job_remember(job, answer->body);
	} else if (!(answer->status == 404 && strcmp(write->method, "DELETE") == 0)) {
		job->failed = true;
		log_warning("%s: %s: %s %s: %s", job->controller->kind->name, job->key,
			write->method, write->target,
			answer->message[0] ? answer->message : "no reason given");
	}
	job->at++;
	job_next(job);
}

static void job_end(struct job *job)
{
	struct controller *controller = job->controller;
	AUTO_FREE char *key = take_ptr(job->key);
	bool failed = job->failed;

	job_free(job);
	json_object_del(controller->jobs, key);
	if (failed) {
		queue_retry(controller->queue, key);
	} else {
		queue_forget(controller->queue, key);
		queue_add(controller->queue, key); /* what came meanwhile was left aside */
	}
}

static void job_next(struct job *job)
{
	struct client *client = job->controller->control->client;
	struct client_request request;

	if (job->at == job->plan.count || job->failed) {
		job_end(job);
		return;
	}
	request = (struct client_request){
		.method = job->plan.writes[job->at].method,
		.target = job->plan.writes[job->at].target,
		.content_type = job->plan.writes[job->at].content_type,
		.body = job->plan.writes[job->at].body,
	};
	if (client_send(client, &request, job_done, job, &job->call) < 0) {
		job->failed = true;
		job_end(job);
	}
}

/* Takes @plan. */
static void job_start(struct controller *controller, const char *key, struct requests *plan)
{
	struct control *control = controller->control;
	struct job *job = calloc(1, sizeof(*job));
	char *copy = strdup(key);

	if (!job || !copy || json_object_set_new(controller->jobs, key, json_true()) < 0) {
		free(job);
		free(copy);
		requests_clear(plan);
		queue_retry(controller->queue, key);
		return;
	}
	*job = (struct job){.next = control->work,
		.link = &control->work,
		.controller = controller,
		.key = copy,
		.plan = *plan};
	if (job->next)
		job->next->link = &job->next;
	control->work = job;
	*plan = (struct requests){.again = USEC_NEVER};
	job_next(job);
}

/* --- looking --- */

static bool kind_has_seen(const struct control *control, const char *kind, uint64_t revision)
{
	for (size_t i = 0; i < FOLLOWED_COUNT; i++)
		if (strcmp(followed[i].kind, kind) == 0)
			return informer_revision(control->followers[i].informer) >= revision;
	return true;
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
	if (controller->kind->plan(controller->control, key, &plan) < 0) {
		log_warning("%s: %s: no memory, trying again", controller->kind->name, key);
		queue_retry(controller->queue, key);
	} else {
		if (plan.again != USEC_NEVER)
			queue_add_at(controller->queue, key, plan.again);
		if (plan.count)
			job_start(controller, key, &plan);
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
		log_warning("cannot follow %s: %s, trying again", followed[follower->kind].path,
			message);
	else
		log_info("following %s again", followed[follower->kind].path);
}

static const struct informer_events follower_events = {
	.changed = follower_changed,
	.lost = follower_lost,
};

static int control_open(struct control *control, sd_event *loop, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < COUNT(kinds) && r == 0; i++) {
		struct controller *controller = &control->controllers[i];

		controller->control = control;
		controller->kind = kinds[i];
		controller->jobs = json_object();
		controller->seen = json_object();
		r = controller->jobs && controller->seen
			    ? queue_new(loop, controller_turn, controller, &controller->queue)
			    : -ENOMEM;
	}
	for (size_t i = 0; i < FOLLOWED_COUNT && r == 0; i++) {
		struct follower *follower = &control->followers[i];

		follower->control = control;
		follower->kind = (enum followed)i;
		r = informer_new(control->client, followed[i].path, "", &follower_events, follower,
			&follower->informer);
	}
	return r < 0 ? err_set(err, -r, "start the controllers") : 0;
}

int control_new(sd_event *loop, struct client *client, struct control **ret, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return err_set(err, ENOMEM, "start the controllers");
	control->client = client;
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
	while (control->work)
		job_free(control->work);
	for (size_t i = 0; control->followers && i < FOLLOWED_COUNT; i++)
		informer_free(control->followers[i].informer);
	for (size_t i = 0; control->controllers && i < COUNT(kinds); i++) {
		queue_free(control->controllers[i].queue);
		json_decref(control->controllers[i].jobs);
		json_decref(control->controllers[i].seen);
	}
	free(control->followers);
	free(control->controllers);
	free(control);
	return NULL;
}
