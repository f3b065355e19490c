// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "user/model/age.h"
#include "user/model/columns_part.h"

static bool condition_is_true(const json_t *pod, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (cell_at(pod, "status", "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	return false;
}

/* How a container ended: its reason, else signal or exit code. */
static void terminated_text(const json_t *terminated, const char *prefix, char *ret, size_t size)
{
	const char *reason = json_string_at(terminated, "reason", "");

	if (reason[0])
		snprintf(ret, size, "%s%s", prefix, reason);
	else if (json_integer_at(terminated, "signal", 0))
		snprintf(ret, size, "%sSignal:%lld", prefix,
			json_integer_at(terminated, "signal", 0));
	else
		snprintf(ret, size, "%sExitCode:%lld", prefix,
			json_integer_at(terminated, "exitCode", 0));
}

/* The first init container that is not done yet: true, and the status it makes. */
static bool init_status(const json_t *pod, char *ret, size_t size)
{
	size_t i, total = json_array_size(cell_at(pod, "spec", "initContainers"));
	const json_t *container;

	json_array_foreach (cell_at(pod, "status", "initContainerStatuses"), i, container) {
		const json_t *terminated = cell_at(container, "state", "terminated");
		const char *waiting =
			json_string_at(cell_at(container, "state", "waiting"), "reason", "");

		if (terminated && json_integer_at(terminated, "exitCode", -1) == 0)
			continue;
		if (terminated)
			terminated_text(terminated, "Init:", ret, size);
		else if (waiting[0] && strcmp(waiting, "PodInitializing") != 0)
			snprintf(ret, size, "Init:%s", waiting);
		else
			snprintf(ret, size, "Init:%zu/%zu", i, total);
		return true;
	}
	return false;
}

/* What the containers make of it: the first one with something to say decides. */
static void container_status(const json_t *pod, char *ret, size_t size)
{
	const json_t *statuses = cell_at(pod, "status", "containerStatuses");
	bool running = false;

	for (size_t i = json_array_size(statuses); i-- > 0;) {
		const json_t *container = json_array_get(statuses, i);
		const json_t *terminated = cell_at(container, "state", "terminated");
		const char *waiting =
			json_string_at(cell_at(container, "state", "waiting"), "reason", "");

		if (waiting[0])
			snprintf(ret, size, "%s", waiting);
		else if (terminated)
			terminated_text(terminated, "", ret, size);
		else if (cell_at(container, "state", "running") &&
			 json_is_true(json_object_get(container, "ready")))
			running = true;
	}
	if (running && strcmp(ret, "Completed") == 0)
		snprintf(ret, size, "%s", condition_is_true(pod, "Ready") ? "Running" : "NotReady");
}

static bool pod_is_initializing(const json_t *pod)
{
	char ignored[64];

	return init_status(pod, ignored, sizeof(ignored)) && !condition_is_true(pod, "Initialized");
}

static bool pod_is_gated(const json_t *pod)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (cell_at(pod, "status", "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), "PodScheduled") == 0 &&
			strcmp(json_string_at(condition, "reason", ""), "SchedulingGated") == 0)
			return true;
	return false;
}

void pod_status_text(const json_t *pod, char *ret, size_t size)
{
	const char *phase = cell_text_at(pod, "status", "phase", "Unknown");

	snprintf(ret, size, "%s",
		pod_is_gated(pod) ? "SchedulingGated"
				  : cell_text_at(pod, "status", "reason", phase));
	init_status(pod, ret, size);
	if (!pod_is_initializing(pod))
		container_status(pod, ret, size);
	if (cell_at(pod, "metadata", "deletionTimestamp") && strcmp(phase, "Succeeded") != 0 &&
		strcmp(phase, "Failed") != 0)
		snprintf(ret, size, "Terminating");
}

void pod_restarts_text(const json_t *pod, int64_t now, char *ret, size_t size)
{
	const json_t *statuses = cell_at(pod, "status",
		pod_is_initializing(pod) ? "initContainerStatuses" : "containerStatuses");
	const json_t *container;
	long long restarts = 0;
	int64_t last = 0;
	char age[32];
	size_t i;

	json_array_foreach (statuses, i, container) {
		int64_t finished = age_parse(json_string_at(
			cell_at(container, "lastState", "terminated"), "finishedAt", ""));

		restarts += json_integer_at(container, "restartCount", 0);
		if (finished > last)
			last = finished;
	}
	if (restarts && last) {
		age_text(now - last, age, sizeof(age));
		snprintf(ret, size, "%lld (%s ago)", restarts, age);
	} else {
		snprintf(ret, size, "%lld", restarts);
	}
}

static size_t pod_ready_count(const json_t *pod)
{
	const json_t *container;
	size_t i, ready = 0;

	if (pod_is_initializing(pod))
		return 0;
	json_array_foreach (cell_at(pod, "status", "containerStatuses"), i, container)
		ready += json_is_true(json_object_get(container, "ready")) &&
			 cell_at(container, "state", "running");
	return ready;
}

static json_t *cell_ready(const json_t *pod, int64_t now)
{
	(void)now;
	return json_sprintf("%zu/%zu", pod_ready_count(pod),
		json_array_size(cell_at(pod, "spec", "containers")));
}

static json_t *cell_status(const json_t *pod, int64_t now)
{
	char text[256];

	(void)now;
	pod_status_text(pod, text, sizeof(text));
	return json_any_text(text);
}

static json_t *cell_restarts(const json_t *pod, int64_t now)
{
	char text[64];

	pod_restarts_text(pod, now, text, sizeof(text));
	return json_string(text);
}

static json_t *cell_ip(const json_t *pod, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(pod, "status", "podIP", COLUMN_NONE));
}

static json_t *cell_node(const json_t *pod, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(pod, "spec", "nodeName", COLUMN_NONE));
}

static json_t *cell_nominated(const json_t *pod, int64_t now)
{
	(void)now;
	return json_any_text(cell_text_at(pod, "status", "nominatedNodeName", COLUMN_NONE));
}

/* How many of the Pod's own conditions hold. */
static json_t *cell_gates(const json_t *pod, int64_t now)
{
	const json_t *gates = cell_at(pod, "spec", "readinessGates"), *gate;
	size_t i, good = 0;

	(void)now;
	if (json_array_size(gates) == 0)
		return json_string(COLUMN_NONE);
	json_array_foreach (gates, i, gate)
		good += condition_is_true(pod, json_string_at(gate, "conditionType", ""));
	return json_sprintf("%zu/%zu", good, json_array_size(gates));
}

const struct column columns_pod[] = {
	COLUMN_NAME,
	{"Ready", "string", "", 0, cell_ready},
	{"Status", "string", "", 0, cell_status},
	{"Restarts", "string", "", 0, cell_restarts},
	COLUMN_AGE,
	{"IP", "string", "", 1, cell_ip},
	{"Node", "string", "", 1, cell_node},
	{"Nominated Node", "string", "", 1, cell_nominated},
	{"Readiness Gates", "string", "", 1, cell_gates},
	COLUMN_END,
};

json_t *columns_conditions(const char *plural, const json_t *object)
{
	const json_t *status = json_object_get(object, "status");
	const char *phase = json_string_at(status, "phase", "");

	if (strcmp(plural, "pods") != 0)
		return NULL;
	if (strcmp(phase, "Succeeded") == 0)
		return json_pack("[{s:s, s:s, s:s, s:s}]", "type", "Completed", "status", "True",
			"reason", "Succeeded", "message", "The pod has completed successfully.");
	if (strcmp(phase, "Failed") == 0)
		return json_pack("[{s:s, s:s, s:s, s:s}]", "type", "Completed", "status", "True",
			"reason", "Failed", "message", "The pod failed.");
	return NULL;
}
