// SPDX-License-Identifier: Apache-2.0
/* The data plane's part of the drain handshake: a grace period and a settle time after the last store. */
#include <stdlib.h>

#include "user/agent/state.h"
#include "user/base/log.h"

#define EJECT_SETTLE (50 * USEC_PER_MSEC) /* for SYNs that were on their way */

struct eject {
	struct eject *next;
	struct agent *agent;
	struct timer *settle;
	void (*acknowledged)(void *cookie);
	void *cookie;
};

static void eject_free(struct eject *eject)
{
	struct eject **at = &eject->agent->ejects;

	while (*at != eject)
		at = &(*at)->next;
	*at = eject->next;
	timer_free(eject->settle);
	free(eject);
}

static void eject_settled(void *userdata)
{
	struct eject *eject = userdata;
	void (*acknowledged)(void *cookie) = eject->acknowledged;
	void *cookie = eject->cookie;

	eject_free(eject);
	acknowledged(cookie);
}

static void eject_wait(void *arg)
{
	struct eject *eject = arg;

	services_grace(eject->agent);
}

static void eject_waited(void *arg)
{
	struct eject *eject = arg;

	datapath_reclaim(eject->agent->datapath);
	timer_arm(eject->settle, clock_now() + EJECT_SETTLE);
}

static struct eject *eject_new(
	struct agent *agent, void (*acknowledged)(void *cookie), void *cookie)
{
	struct eject *eject = calloc(1, sizeof(*eject));
	struct err err;

	if (!eject)
		return NULL;
	*eject = (struct eject){
		.next = agent->ejects,
		.agent = agent,
		.acknowledged = acknowledged,
		.cookie = cookie,
	};
	agent->ejects = eject;
	if (timer_new(agent->loop, eject_settled, eject, &eject->settle, &err) < 0 ||
		worker_post(agent->worker, eject_wait, eject_waited, NULL, eject) < 0) {
		eject_free(eject);
		return NULL;
	}
	return eject;
}

void eject_start(
	void *userdata, struct node_pod *pod, void (*acknowledged)(void *cookie), void *cookie)
{
	struct agent *agent = userdata;

	(void)pod; /* its state was stored as TERMINATING when its deletion began */
	services_apply(agent);
	if (eject_new(agent, acknowledged, cookie))
		return;
	log_warning("no memory for the drain handshake, connections may be cut");
	acknowledged(cookie);
}

void eject_end_all(struct agent *agent)
{
	while (agent->ejects)
		eject_free(agent->ejects);
}
