// SPDX-License-Identifier: Apache-2.0
#include "user/control/bootstrap.h"

#include <errno.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/client/client.h"
#include "user/control/requests.h"

#define RETRY (200 * USEC_PER_MSEC)

struct bootstrap {
	struct client *client;
	void (*done)(void *userdata);
	void *userdata;
	struct timer *timer;
	struct client_call *call;
	struct requests plan;
	size_t at;
};

/* 409: it is there.  What the server refuses today it will refuse tomorrow. */
static bool is_final(unsigned status)
{
	return status >= 200 && status < 500 && status != 429;
}

static void bootstrap_made(void *userdata, const struct client_answer *answer)
{
	struct bootstrap *bootstrap = userdata;
	const struct api_write *write = &bootstrap->plan.writes[bootstrap->at];

	bootstrap->call = NULL;
	if (answer->status >= 300 && answer->status != 409)
		log_warning("start: %s %s: %s, %s", write->method, write->target, answer->message,
			is_final(answer->status) ? "ignoring" : "trying again");
	if (!is_final(answer->status)) {
		timer_arm(bootstrap->timer, clock_now() + RETRY);
		return;
	}
	if (++bootstrap->at < bootstrap->plan.count)
		timer_arm(bootstrap->timer, 0);
	else
		bootstrap->done(bootstrap->userdata);
}

static void bootstrap_next(void *userdata)
{
	struct bootstrap *bootstrap = userdata;
	const struct api_write *write = &bootstrap->plan.writes[bootstrap->at];
	struct client_request request = {.method = write->method,
		.target = write->target,
		.content_type = write->content_type,
		.body = write->body};

	if (client_send(bootstrap->client, &request, bootstrap_made, bootstrap, &bootstrap->call) <
		0)
		timer_arm(bootstrap->timer, clock_now() + RETRY);
}

int bootstrap_new(struct client *client, const struct bootstrap_config *config,
	void (*done)(void *userdata), void *userdata, struct bootstrap **ret)
{
	struct bootstrap *bootstrap = calloc(1, sizeof(*bootstrap));

	if (!bootstrap)
		return -ENOMEM;
	*bootstrap = (struct bootstrap){
		.client = client,
		.done = done,
		.userdata = userdata,
		.plan = {.again = USEC_NEVER},
	};
	if (bootstrap_plan(config, &bootstrap->plan) < 0 ||
		timer_new(client_loop(client), bootstrap_next, bootstrap, &bootstrap->timer, NULL) <
			0) {
		bootstrap_free(bootstrap);
		return -ENOMEM;
	}
	timer_arm(bootstrap->timer, 0);
	*ret = bootstrap;
	return 0;
}

struct bootstrap *bootstrap_free(struct bootstrap *bootstrap)
{
	if (!bootstrap)
		return NULL;
	client_cancel(bootstrap->call);
	timer_free(bootstrap->timer);
	requests_clear(&bootstrap->plan);
	free(bootstrap);
	return NULL;
}
