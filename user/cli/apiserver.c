// SPDX-License-Identifier: Apache-2.0
#include "user/cli/apiserver.h"

#include <errno.h>
#include <stdlib.h>

#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/client/client.h"

#define ANSWER_MOST (15 * USEC_PER_SEC)

struct apiserver {
	sd_event *loop;
	struct client *client;
	struct timer *timer;
	bool done, late;
	int result;
	struct apiserver_answer answer;
	struct err err;
};

static void apiserver_late(void *userdata)
{
	struct apiserver *server = userdata;

	server->late = true;
}

static bool answer_is_there(const struct apiserver *server)
{
	return server->done;
}

static bool name_is_known(const struct apiserver *server)
{
	return !client_is_looking_up(server->client);
}

static bool never(const struct apiserver *server)
{
	(void)server;
	return false;
}

/* Until it is so, or time is up. */
static void apiserver_run(
	struct apiserver *server, uint64_t usec, bool (*is_so)(const struct apiserver *server))
{
	server->late = false;
	timer_arm(server->timer, clock_now() + usec);
	while (!server->late && !is_so(server))
		if (sd_event_run(server->loop, UINT64_MAX) < 0)
			return;
}

int apiserver_open(const struct client_config *config, struct apiserver **ret, struct err *err)
{
	struct apiserver *server = calloc(1, sizeof(*server));
	int r;

	if (!server)
		return err_set(err, ENOMEM, "reach an API server");
	r = sd_event_new(&server->loop);
	r = r < 0 ? err_set(err, -r, "make the event loop")
		  : timer_new(server->loop, apiserver_late, server, &server->timer, err);
	if (r == 0)
		r = client_new(server->loop, config, &server->client, err);
	if (r < 0) {
		apiserver_close(server);
		return r;
	}
	apiserver_run(server, ANSWER_MOST, name_is_known);
	*ret = server;
	return 0;
}

struct apiserver *apiserver_close(struct apiserver *server)
{
	if (!server)
		return NULL;
	client_free(server->client);
	timer_free(server->timer);
	sd_event_unref(server->loop);
	free(server);
	return NULL;
}

static void apiserver_answered(void *userdata, const struct client_answer *answer)
{
	struct apiserver *server = userdata;

	server->done = true;
	server->answer = (struct apiserver_answer){
		.status = answer->status, .body = json_incref(answer->body)};
	server->result =
		answer->status ? 0 : err_refuse(&server->err, ECONNREFUSED, "%s", answer->message);
}

int apiserver_ask(struct apiserver *server, const char *method, const char *target,
	const json_t *body, struct apiserver_answer *ret, struct err *err)
{
	const struct client_request request = {.method = method, .target = target, .body = body};
	struct client_call *call;

	server->done = false;
	if (client_send(server->client, &request, apiserver_answered, server, &call) < 0)
		return err_set(err, ENOMEM, "ask an API server");
	apiserver_run(server, ANSWER_MOST, answer_is_there);
	if (!server->done) {
		client_cancel(call);
		return err_refuse(err, ETIMEDOUT, "no answer in time");
	}
	if (server->result < 0) {
		*err = server->err;
		return server->result;
	}
	*ret = server->answer;
	return 0;
}

void apiserver_forget(struct apiserver_answer *answer)
{
	json_decref(answer->body);
	*answer = (struct apiserver_answer){0};
}

void apiserver_wait(struct apiserver *server, uint64_t usec)
{
	apiserver_run(server, usec, never);
}
