// SPDX-License-Identifier: Apache-2.0
/* Plans on their way to the server: the requests of one, one after the other. */
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/control/recorder.h"
#include "user/control/state.h"

struct job {
	struct job *next, **link;
	struct controller *controller;
	char *key;
	struct requests plan;
	size_t at;
	bool failed;
	struct client_call *call;
};

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

void plans_drop(struct control *control)
{
	while (control->work)
		job_free(control->work);
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

enum outcome {
	OUTCOME_DONE,
	OUTCOME_NOT_YET, /* what it waits for has not come */
	OUTCOME_LOST,	 /* others were faster: it is looked at again */
	OUTCOME_FAILED,
};

static enum outcome outcome_of_read(
	const struct api_write *write, const struct client_answer *answer)
{
	const json_t *meta = json_object_get(answer->body, "metadata");

	if (write->expects == EXPECTS_GONE && answer->status == 404)
		return OUTCOME_DONE;
	if (answer->status != 200)
		return OUTCOME_FAILED;
	if (write->expects == EXPECTS_NONE)
		return json_array_size(json_object_get(answer->body, "items")) ? OUTCOME_NOT_YET
									       : OUTCOME_DONE;
	return !write->uid[0] || strcmp(json_string_at(meta, "uid", ""), write->uid) == 0
		       ? OUTCOME_NOT_YET
		       : OUTCOME_DONE;
}

static enum outcome outcome_of(const struct api_write *write, const struct client_answer *answer)
{
	if (write->expects != EXPECTS_SUCCESS)
		return outcome_of_read(write, answer);
	if (answer->status >= 200 && answer->status < 300)
		return OUTCOME_DONE;
	if (answer->status == 404 && strcmp(write->method, "DELETE") == 0)
		return OUTCOME_DONE;
	return answer->status == 409 || answer->status == 404 ? OUTCOME_LOST : OUTCOME_FAILED;
}

static void job_complain(const struct job *job, const struct client_answer *answer)
{
	const struct api_write *write = &job->plan.writes[job->at];
	const char *why = answer->message[0] ? answer->message : "no reason given";

	log_warning("%s: %s: %s %s: %s", job->controller->kind->name, job->key, write->method,
		write->target, why);
	recorder_failed(job->controller->control->recorder, job->controller->kind->name,
		&write->event, why);
}

static void job_done(void *userdata, const struct client_answer *answer)
{
	struct job *job = userdata;
	const struct api_write *write = &job->plan.writes[job->at];
	enum outcome outcome = outcome_of(write, answer);

	job->call = NULL;
	if (outcome == OUTCOME_DONE && write->expects == EXPECTS_SUCCESS) {
		job_remember(job, answer->body);
		recorder_done(job->controller->control->recorder, job->controller->kind->name,
			&write->event, answer->body);
	} else if (outcome == OUTCOME_FAILED) {
		job_complain(job, answer);
	}
	job->failed = outcome != OUTCOME_DONE;
	job->at++;
	job_next(job);
}

static void tell_written(struct controller *controller, const char *key, bool failed)
{
	if (controller->kind->written)
		controller->kind->written(controller, key, failed);
}

static void job_end(struct job *job)
{
	struct controller *controller = job->controller;
	AUTO_FREE char *key = take_ptr(job->key);
	bool failed = job->failed;

	job_free(job);
	json_object_del(controller->jobs, key);
	tell_written(controller, key, failed);
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

void plan_write(struct controller *controller, const char *key, struct requests *plan)
{
	struct control *control = controller->control;
	struct job *job = calloc(1, sizeof(*job));
	char *copy = strdup(key);

	if (!job || !copy || json_object_set_new(controller->jobs, key, json_true()) < 0) {
		free(job);
		free(copy);
		requests_clear(plan);
		tell_written(controller, key, true);
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
