// SPDX-License-Identifier: Apache-2.0
#include "user/node/plan.h"

#include "user/node/backoff.h"

const struct container *observed_container(const struct pod *pod, size_t index)
{
	if (index < pod->init_count)
		return &pod->init_containers[index];
	index -= pod->init_count;
	return index < pod->container_count
		       ? &pod->containers[index]
		       : &pod->ephemeral_containers[index - pod->container_count];
}

bool observed_is_init(const struct pod *pod, size_t index)
{
	return index < pod->init_count;
}

bool observed_is_ephemeral(const struct pod *pod, size_t index)
{
	return index >= pod->init_count + pod->container_count;
}

size_t observed_end(const struct pod_observed *observed)
{
	return observed->count - observed->ephemeral;
}

void observed_lose(struct container_observed *container)
{
	container->phase = CONTAINER_EXITED;
	container->pid = 0;
	container->has_exit = container->unknown_exit = container->cleaned = true;
	container->exit = (struct shim_exit){.code = 137, .signal = 9};
}

bool container_is_ready(const struct container_observed *container)
{
	return container->phase == CONTAINER_RUNNING && !container->gone && container->probe_ready;
}

static bool container_succeeded(const struct container_observed *container)
{
	return container->phase == CONTAINER_EXITED && container->exit.code == 0;
}

bool pod_is_initialized(const struct pod *pod, const struct pod_observed *observed)
{
	for (size_t i = 0; i < pod->init_count; i++)
		if (!container_succeeded(&observed->containers[i]))
			return false;
	return true;
}

static bool containers_are_ready(const struct pod *pod, const struct pod_observed *observed)
{
	for (size_t i = pod->init_count; i < observed_end(observed); i++)
		if (!container_is_ready(&observed->containers[i]))
			return false;
	return true;
}

bool pod_is_ready(const struct pod *pod, const struct pod_observed *observed)
{
	return !observed->deleting && observed->networked && observed->sandbox != SANDBOX_LOST &&
	       containers_are_ready(pod, observed);
}

enum pod_serving pod_serving(const struct pod *pod, const struct pod_observed *observed)
{
	bool failed;

	if (!observed->networked || pod_is_finished(pod, observed, &failed))
		return SERVING_NONE;
	/* What may still run in a lost sandbox is about to be killed. */
	if (observed->sandbox == SANDBOX_LOST)
		return SERVING_DOWN;
	for (size_t i = pod->init_count; i < observed_end(observed); i++)
		if (observed->containers[i].phase == CONTAINER_EXITED ||
			observed->containers[i].gone)
			return SERVING_DOWN;
	if (!containers_are_ready(pod, observed))
		return SERVING_UNREADY;
	return observed->deleting ? SERVING_TERMINATING : SERVING_READY;
}

bool restart_wanted(const struct pod *pod, size_t index, const struct shim_exit *exit)
{
	if (observed_is_ephemeral(pod, index))
		return false;
	switch (pod->restart_policy) {
	case RESTART_ALWAYS: return !observed_is_init(pod, index) || exit->code != 0;
	case RESTART_ON_FAILURE: return exit->code != 0;
	case RESTART_NEVER: break;
	}
	return false;
}

/* The container ended and stays so. */
static bool container_rests(const struct pod *pod, const struct pod_observed *observed, size_t i)
{
	const struct container_observed *container = &observed->containers[i];

	return container->phase == CONTAINER_EXITED && !restart_wanted(pod, i, &container->exit);
}

bool pod_is_finished(const struct pod *pod, const struct pod_observed *observed, bool *ret_failed)
{
	bool failed = false;

	for (size_t i = 0; i < observed_end(observed); i++) {
		if (!container_rests(pod, observed, i))
			return false;
		failed |= observed->containers[i].exit.code != 0;
		/* A failed init container ends the Pod: those behind it never start. */
		if (failed && observed_is_init(pod, i))
			break;
	}
	*ret_failed = failed;
	return true;
}

uint64_t restart_due(const struct container_observed *container)
{
	uint64_t ran = (container->finished - container->started) / USEC_PER_SEC;

	return container->finished + backoff_delay(container->crashes, ran) * USEC_PER_SEC;
}

/* True when @at has come; else the plan's deadline is no later than it. */
static bool due(uint64_t at, uint64_t now, struct pod_plan *plan)
{
	if (at <= now)
		return true;
	if (at < plan->deadline)
		plan->deadline = at;
	return false;
}

static enum container_action plan_running(
	const struct container_observed *container, bool stop, uint64_t now, struct pod_plan *plan)
{
	if (!container->stopping)
		return stop || container->stop_requested ? CONTAINER_STOP : CONTAINER_NOTHING;
	if (!container->killed && due(container->kill_at, now, plan))
		return CONTAINER_KILL;
	return CONTAINER_NOTHING;
}

/* Brings a container that does not run towards running.  Pulling does not wait for the sandbox. */
static enum container_action plan_start(const struct pod_observed *observed,
	const struct container_observed *container, uint64_t now, struct pod_plan *plan)
{
	if (container->phase == CONTAINER_EXITED && !due(restart_due(container), now, plan))
		return CONTAINER_NOTHING;
	if (!due(container->retry_at, now, plan))
		return CONTAINER_NOTHING;
	if (!container->image_present)
		return CONTAINER_PULL;
	return observed->networked ? CONTAINER_START : CONTAINER_NOTHING;
}

static enum container_action plan_container(const struct pod *pod,
	const struct pod_observed *observed, size_t i, uint64_t now, struct pod_plan *plan)
{
	const struct container_observed *container = &observed->containers[i];

	/* KILL must not wait for a preStop hook that hangs; STOP is "busy" until TERM was sent. */
	if (container->phase == CONTAINER_RUNNING && (!container->busy || container->stopping))
		return plan_running(container, false, now, plan);
	if (container->busy)
		return CONTAINER_NOTHING;
	if (container->phase == CONTAINER_EXITED && !container->cleaned)
		return CONTAINER_CLEAN;
	if (container_rests(pod, observed, i))
		return CONTAINER_NOTHING;
	/* What is not recorded yet would be unknown to the next podnetd. */
	if (observed_is_ephemeral(pod, i) && !observed->prepared)
		return CONTAINER_NOTHING;
	return plan_start(observed, container, now, plan);
}

static void plan_containers(const struct pod *pod, const struct pod_observed *observed,
	uint64_t now, struct pod_plan *plan, enum container_action *ret)
{
	for (size_t i = 0; i < observed->count; i++) {
		ret[i] = plan_container(pod, observed, i, now, plan);
		/* Init containers run one after the other, the rest only behind the last. */
		if (observed_is_init(pod, i) && !container_succeeded(&observed->containers[i]))
			break;
	}
}

/* Stops every container that runs; true when none is left that runs, starts or has to be cleaned up. */
static bool plan_stop_all(const struct pod_observed *observed, uint64_t now, struct pod_plan *plan,
	enum container_action *ret)
{
	bool all = true;

	for (size_t i = 0; i < observed->count; i++) {
		const struct container_observed *container = &observed->containers[i];

		if (container->phase == CONTAINER_RUNNING)
			ret[i] = container->busy && !container->stopping
					 ? CONTAINER_NOTHING
					 : plan_running(container, true, now, plan);
		else if (container->phase == CONTAINER_EXITED && !container->cleaned &&
			 !container->busy)
			ret[i] = CONTAINER_CLEAN;
		all = all && !container->busy &&
		      (container->phase == CONTAINER_ABSENT ||
			      (container->phase == CONTAINER_EXITED && container->cleaned));
	}
	return all;
}

/* Takes down what a sandbox holds, in the order in which nothing is left behind. */
static enum pod_action plan_release(const struct pod_observed *observed)
{
	if (observed->networked || observed->sandbox == SANDBOX_RUNNING)
		return POD_RELEASE;
	return POD_NOTHING;
}

static enum pod_action plan_deletion(const struct pod_observed *observed, uint64_t now,
	struct pod_plan *plan, enum container_action *ret_containers)
{
	enum pod_action release;

	if (observed->sandbox == SANDBOX_LOST)
		return due(observed->retry_at, now, plan) ? POD_RESET : POD_NOTHING;
	if (!observed->ejected)
		return POD_EJECT;
	if (!observed->drained)
		return POD_DRAIN;
	if (!plan_stop_all(observed, now, plan, ret_containers))
		return POD_NOTHING;
	if (!due(observed->retry_at, now, plan))
		return POD_NOTHING;
	release = plan_release(observed);
	if (release != POD_NOTHING)
		return release;
	return observed->erased ? POD_NOTHING : POD_ERASE;
}

static enum pod_action plan_creation(
	const struct pod_observed *observed, uint64_t now, struct pod_plan *plan)
{
	if (!due(observed->retry_at, now, plan))
		return POD_NOTHING;
	if (!observed->prepared)
		return POD_PREPARE;
	if (observed->sandbox == SANDBOX_ABSENT)
		return POD_SANDBOX;
	return observed->networked ? POD_NOTHING : POD_NETWORK;
}

void pod_plan(const struct pod *pod, const struct pod_observed *observed, uint64_t now,
	struct pod_plan *ret, enum container_action *ret_containers)
{
	bool failed;

	ret->action = POD_NOTHING;
	ret->deadline = USEC_NEVER;
	for (size_t i = 0; i < observed->count; i++)
		ret_containers[i] = CONTAINER_NOTHING;

	if (observed->deleting) {
		ret->action = plan_deletion(observed, now, ret, ret_containers);
	} else if (observed->sandbox == SANDBOX_LOST) {
		if (due(observed->retry_at, now, ret))
			ret->action = POD_RESET;
	} else if (pod_is_finished(pod, observed, &failed)) {
		if (plan_stop_all(observed, now, ret, ret_containers) &&
			due(observed->retry_at, now, ret))
			ret->action = plan_release(observed);
	} else {
		ret->action = plan_creation(observed, now, ret);
		/* A Pod that is only recorded anew keeps its containers meanwhile. */
		if (observed->prepared || observed->sandbox == SANDBOX_RUNNING)
			plan_containers(pod, observed, now, ret, ret_containers);
	}
	if (observed->busy)
		ret->action = POD_NOTHING;
}
