// SPDX-License-Identifier: Apache-2.0
#include "user/control/bootstrap.h"

#include <errno.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/client/client.h"

#define RETRY (200 * USEC_PER_MSEC)

static const char *const namespaces[] = {
	"default", "kube-system", "kube-public", "kube-node-lease"};

struct bootstrap {
	struct client *client;
	void (*done)(void *userdata);
	void *userdata;
	struct timer *timer;
	struct client_call *call;
	size_t at;
};

static void bootstrap_made(void *userdata, const struct client_answer *answer)
{
	struct bootstrap *bootstrap = userdata;

	bootstrap->call = NULL;
	/* 409: it is there. */
	if (answer->status != 201 && answer->status != 409) {
		log_warning("cannot make namespace %s: %s, trying again", namespaces[bootstrap->at],
			answer->message);
		timer_arm(bootstrap->timer, clock_now() + RETRY);
		return;
	}
	if (++bootstrap->at < COUNT(namespaces))
		timer_arm(bootstrap->timer, 0);
	else
		bootstrap->done(bootstrap->userdata);
}

static void bootstrap_next(void *userdata)
{
	struct bootstrap *bootstrap = userdata;
	AUTO_JSON body = json_pack("{s:s, s:s, s:{s:s}}", "kind", "Namespace", "apiVersion", "v1",
		"metadata", "name", namespaces[bootstrap->at]);
	struct client_request request = {
		.method = "POST", .target = "/api/v1/namespaces", .body = body};

	if (!body || client_send(bootstrap->client, &request, bootstrap_made, bootstrap,
			     &bootstrap->call) < 0)
		timer_arm(bootstrap->timer, clock_now() + RETRY);
}

int bootstrap_new(
	struct client *client, void (*done)(void *userdata), void *userdata, struct bootstrap **ret)
{
	struct bootstrap *bootstrap = calloc(1, sizeof(*bootstrap));

	if (!bootstrap)
		return -ENOMEM;
	bootstrap->client = client;
	bootstrap->done = done;
	bootstrap->userdata = userdata;
	if (timer_new(client_loop(client), bootstrap_next, bootstrap, &bootstrap->timer, NULL) <
		0) {
		free(bootstrap);
		return -ENOMEM;
	}
	timer_arm(bootstrap->timer, 0);
	*ret = bootstrap;
	return 0;
}

struct bootstrap *bootstrap_free(struct bootstrap *bootstrap)
{
	if (bootstrap) {
		client_cancel(bootstrap->call);
		timer_free(bootstrap->timer);
		free(bootstrap);
	}
	return NULL;
}
