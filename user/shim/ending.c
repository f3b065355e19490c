// SPDX-License-Identifier: Apache-2.0
/* The end of a Pod: containers deleted, processes killed, cgroups removed, the answer, exit. */
#include <stdio.h>

#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/shim/claim.h"
#include "user/shim/container.h"
#include "user/shim/keeper.h"

#define SHUTDOWN_STEP_USEC (10 * USEC_PER_MSEC)
#define CLAIM_PERIOD	   20 /* steps between two attempts */
#define CLAIM_STEPS_MAX	   60

static void shutdown_again(struct alarm *alarm)
{
	keeper_shutdown_step(CONTAINER_OF(alarm, struct keeper, shutdown_alarm));
}

/* True when no container is left; those that are are being deleted. */
static bool containers_deleted(struct keeper *keeper)
{
	const struct origin nobody = {0};
	struct container *next;

	for (struct container *container = keeper->containers; container; container = next) {
		next = container->next;
		if (!container->deleting)
			container_delete(keeper, nobody, container->id);
	}
	return !keeper->containers;
}

/*
 * Going back takes the kernel some tens of milliseconds, and a mount in between begins them anew.
 * Somebody else may have the controller mounted: the Pod's end does not wait for them.
 */
static bool claim_released(struct keeper *keeper, struct err *err)
{
	const struct keeper_options *options = &keeper->options;
	int r = -EAGAIN;

	if (!options->claim || claim_is_released(&keeper->hierarchies, options->claim))
		return true;
	if (keeper->claim_steps % CLAIM_PERIOD == 0)
		r = claim_release(options->claim, options->cgroup, err);
	else
		err_refuse(err, EAGAIN, "the controller is not back in cgroup2");
	if (r == -EAGAIN)
		keeper->claim_steps++;
	return r == 0 || keeper->claim_steps == CLAIM_STEPS_MAX;
}

static bool pod_removed(struct keeper *keeper, struct err *err)
{
	const struct keeper_options *options = &keeper->options;

	if (!containers_deleted(keeper)) {
		err_refuse(err, EBUSY, "the runtime still works on a container");
		return false;
	}
	hierarchies_kill(&keeper->hierarchies, options->cgroup);
	if (keeper->pause_pid || !hierarchies_remove(&keeper->hierarchies, options->cgroup)) {
		err_refuse(err, EBUSY, "processes of the Pod do not die");
		return false;
	}
	return claim_released(keeper, err);
}

/* Nothing here waits: each end of a child and each alarm is another step. */
void keeper_shutdown_step(struct keeper *keeper)
{
	struct err err;

	if (pod_removed(keeper, &err)) {
		server_done(keeper, keeper->shutdown);
		server_close(keeper);
		keeper->reactor.stopped = true;
	} else if (clock_now() < keeper->shutdown_deadline) {
		alarm_set(&keeper->reactor, &keeper->shutdown_alarm,
			clock_now() + SHUTDOWN_STEP_USEC, shutdown_again);
	} else {
		server_fail(keeper, keeper->shutdown, -err.code, err.text);
		alarm_clear(&keeper->reactor, &keeper->shutdown_alarm);
		keeper->shutdown = (struct origin){0};
	}
}
