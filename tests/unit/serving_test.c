// SPDX-License-Identifier: Apache-2.0
/*
 * Readiness lost: the endpoint's state is stored before anything else, rows follow.  Won: rows first.  The data plane is
 * a recorder: these functions stand in place of user/datapath's.
 */
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/agent/state.h"
#include "user/node/nodepod.h"

static char trace[256];
static sd_event *loop;

static void note(const char *what)
{
	size_t len = strlen(trace);

	snprintf(trace + len, sizeof(trace) - len, "%s ", what);
}

int datapath_endpoint_state(struct datapath *datapath, struct in_addr address, uint32_t state)
{
	static const char *const names[] = {
		[ENDPOINT_READY] = "READY",
		[ENDPOINT_UNREADY] = "UNREADY",
		[ENDPOINT_TERMINATING] = "TERMINATING",
		[ENDPOINT_DOWN] = "DOWN",
	};

	(void)datapath;
	note(inet_ntoa(address));
	note(names[state]);
	return 0;
}

int datapath_apply(struct datapath *datapath, const struct dp_desired *desired, bool *ret_retired,
	struct err *err)
{
	(void)datapath;
	(void)desired;
	(void)ret_retired;
	(void)err;
	note("rows");
	sd_event_exit(loop, 0);
	return 0;
}

int datapath_endpoints(
	struct datapath *datapath, struct dp_endpoint **ret, size_t *ret_count, struct err *err)
{
	(void)datapath;
	(void)ret;
	(void)ret_count;
	return err_set(err, ENOSYS, "read the endpoints");
}

int datapath_grace(struct datapath *datapath, struct err *err)
{
	(void)datapath;
	(void)err;
	return 0;
}

int datapath_remove(const struct datapath_config *config, struct err *err)
{
	(void)config;
	(void)err;
	return 0;
}

void datapath_reclaim(struct datapath *datapath)
{
	(void)datapath;
}

void udpsockets_look(struct agent *agent)
{
	(void)agent;
	note("udp");
}

static const char *told(enum pod_serving state)
{
	struct node node = {0};
	struct node_pod pod = {0};
	struct agent agent = {.node = &node, .scanned = true};
	struct err err;

	trace[0] = '\0';
	inet_pton(AF_INET, "10.244.0.7", &pod.observed.ip);
	if (sd_event_new(&loop) < 0 ||
		timer_new(loop, services_apply, &agent, &agent.apply_timer, &err) < 0)
		BAIL("set-up");
	services_serving(&agent, &pod, state);
	note("/");
	sd_event_loop(loop);
	timer_free(agent.apply_timer);
	loop = sd_event_unref(loop);
	return trace;
}

TEST(readiness_that_is_lost_is_stored_at_once_and_rows_follow)
{
	CHECK_STR("unready", told(SERVING_UNREADY), "10.244.0.7 UNREADY udp / rows udp ");
	CHECK_STR("dead", told(SERVING_DOWN), "10.244.0.7 DOWN udp / rows udp ");
	CHECK_STR("deleted", told(SERVING_TERMINATING), "10.244.0.7 TERMINATING udp / rows udp ");
}

TEST(readiness_that_is_won_comes_with_the_rows)
{
	CHECK_STR("nothing is stored before", told(SERVING_READY), "udp / rows udp ");
}
