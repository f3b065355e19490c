// SPDX-License-Identifier: Apache-2.0
/* A situation of a Pod, and the status that Kubernetes would show for it. */
#include <arpa/inet.h>

#include "tests/check.h"
#include "user/node/podrecord.h"
#include "user/node/podstatus.h"

#define NOW	   (1000 * USEC_PER_SEC)
#define WALL	   (UINT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */
#define CONTAINERS 2

/* One container as far as a status looks at it. */
struct situation {
	enum container_phase phase;
	int code;
	bool oom, unknown, unready, gone;
	unsigned crashes; /* restarts in a row before this exit, 2 s ago */
	const char *reason;
};

static struct container specs[CONTAINERS] = {
	{.name = "a", .image = "one"}, {.name = "b", .image = "two"}};
static struct pod pod;
static struct pod_observed observed;

static void container_be(struct container_observed *container, const struct situation *now)
{
	bool exited = now->phase == CONTAINER_EXITED;

	*container = (struct container_observed){
		.phase = now->phase,
		.probe_ready = !now->unready,
		.gone = now->gone,
		.crashes = now->crashes,
		.attempt = now->crashes,
		.has_exit = exited,
		.unknown_exit = now->unknown,
		.exit = {.code = now->code,
			.oom = now->oom,
			.started_wall = WALL,
			.finished_wall = WALL + USEC_PER_SEC},
		.started = NOW - 5 * USEC_PER_SEC,
		.started_wall = WALL,
		.finished = exited ? NOW - 2 * USEC_PER_SEC : 0,
	};
	snprintf(container->exit.id, sizeof(container->exit.id), "a.%u", now->crashes);
	snprintf(
		container->reason, sizeof(container->reason), "%s", now->reason ? now->reason : "");
}

/* A Pod of two containers, the first of which may be an init container. */
static void pod_be(enum restart_policy policy, bool init, const struct situation *situations)
{
	static struct container_observed containers[CONTAINERS];

	pod = (struct pod){
		.meta = {.name = "web", .namespace = "default", .uid = "u1"},
		.restart_policy = policy,
		.init_containers = specs,
		.init_count = init,
		.containers = specs + init,
		.container_count = CONTAINERS - init,
	};
	observed = (struct pod_observed){
		.prepared = true,
		.sandbox = SANDBOX_RUNNING,
		.networked = true,
		.created_wall = WALL,
		.count = CONTAINERS,
		.containers = containers,
	};
	inet_pton(AF_INET, "10.244.0.7", &observed.ip);
	for (size_t i = 0; i < CONTAINERS; i++)
		container_be(&containers[i], &situations[i]);
}

static json_t *status_of(void)
{
	struct podstatus_input input = {.pod = &pod, .observed = &observed, .now = NOW};
	json_t *status = podstatus_build(&input);

	if (!status)
		BAIL("no status");
	return status;
}

static const json_t *container_of(const json_t *status, const char *list, size_t i)
{
	return json_array_get(json_object_get(status, list), i);
}

/* "running", "waiting CrashLoopBackOff", "terminated Error" */
static const char *state_text(const json_t *container, const char *key, char ret[96])
{
	const char *kind = "";
	json_t *body = NULL;

	json_object_foreach (json_object_get(container, key), kind, body)
		break;
	if (body && json_object_get(body, "reason"))
		snprintf(ret, 96, "%s %s", kind, json_string_at(body, "reason", ""));
	else
		snprintf(ret, 96, "%s", body ? kind : "");
	return ret;
}

/* "True", or "False" with the reason behind it. */
static const char *condition_text(const json_t *status, const char *type, char ret[96])
{
	json_t *condition;
	size_t i;

	snprintf(ret, 96, "missing");
	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			snprintf(ret, 96, "%s%s%s", json_string_at(condition, "status", ""),
				json_object_get(condition, "reason") ? " " : "",
				json_string_at(condition, "reason", ""));
	return ret;
}

#define ABSENT                            \
	{                                 \
		.phase = CONTAINER_ABSENT \
	}
#define RUNNING                            \
	{                                  \
		.phase = CONTAINER_RUNNING \
	}
#define UNREADY                                             \
	{                                                   \
		.phase = CONTAINER_RUNNING, .unready = true \
	}
#define ENDED(c)                                       \
	{                                              \
		.phase = CONTAINER_EXITED, .code = (c) \
	}

TEST(a_situation_has_one_phase_and_one_readiness)
{
	static const struct {
		const char *what;
		enum restart_policy policy;
		bool init;
		struct situation containers[CONTAINERS];
		const char *phase, *initialized, *ready;
	} cases[] = {
		{"nothing has started", RESTART_ALWAYS, false, {ABSENT, ABSENT}, "Pending", "True",
			"False ContainersNotReady"},
		{"one has started", RESTART_ALWAYS, false, {RUNNING, ABSENT}, "Pending", "True",
			"False ContainersNotReady"},
		{"all run", RESTART_ALWAYS, false, {RUNNING, RUNNING}, "Running", "True", "True"},
		{"one is not ready", RESTART_ALWAYS, false, {RUNNING, UNREADY}, "Running", "True",
			"False ContainersNotReady"},
		{"one is dead, its code unknown yet", RESTART_ALWAYS, false,
			{RUNNING, {.phase = CONTAINER_RUNNING, .gone = true}}, "Running", "True",
			"False ContainersNotReady"},
		{"one waits for its restart", RESTART_ALWAYS, false, {RUNNING, ENDED(1)}, "Running",
			"True", "False ContainersNotReady"},
		{"one is done, one runs", RESTART_NEVER, false, {ENDED(0), RUNNING}, "Running",
			"True", "False ContainersNotReady"},
		{"all are done", RESTART_NEVER, false, {ENDED(0), ENDED(0)}, "Succeeded", "True",
			"False PodCompleted"},
		{"one has failed for good", RESTART_NEVER, false, {ENDED(0), ENDED(3)}, "Failed",
			"True", "False PodCompleted"},
		{"a failure is tried again", RESTART_ON_FAILURE, false, {ENDED(0), ENDED(3)},
			"Running", "True", "False ContainersNotReady"},
		{"success is not", RESTART_ON_FAILURE, false, {ENDED(0), ENDED(0)}, "Succeeded",
			"True", "False PodCompleted"},
		{"the init container runs", RESTART_ALWAYS, true, {RUNNING, ABSENT}, "Pending",
			"False ContainersNotInitialized", "False ContainersNotReady"},
		{"the init container failed", RESTART_ALWAYS, true, {ENDED(1), ABSENT}, "Pending",
			"False ContainersNotInitialized", "False ContainersNotReady"},
		{"the init container failed for good", RESTART_NEVER, true, {ENDED(1), ABSENT},
			"Failed", "False ContainersNotInitialized", "False PodCompleted"},
		{"the init container is done", RESTART_ALWAYS, true, {ENDED(0), RUNNING}, "Running",
			"True", "True"},
	};
	char text[96];

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON status = NULL;

		pod_be(cases[i].policy, cases[i].init, cases[i].containers);
		status = status_of();
		CHECK_STR(cases[i].what, json_string_at(status, "phase", ""), cases[i].phase);
		CHECK_STR(cases[i].what, condition_text(status, "Initialized", text),
			cases[i].initialized);
		CHECK_STR(cases[i].what, condition_text(status, "Ready", text), cases[i].ready);
		CHECK_STR(cases[i].what, condition_text(status, "ContainersReady", text),
			cases[i].ready);
		CHECK_STR(cases[i].what, condition_text(status, "PodScheduled", text), "True");
	}
}

/* What a condition that is not so says. */
static const char *condition_message(const json_t *status, const char *type)
{
	json_t *condition;
	size_t i;

	json_array_foreach (json_object_get(status, "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return json_string_at(condition, "message", "");
	return "missing";
}

TEST(conditions_name_the_containers_that_they_lack)
{
	static const struct {
		const char *what;
		bool init;
		struct situation containers[CONTAINERS];
		const char *initialized, *ready;
	} cases[] = {
		{"all run", false, {RUNNING, RUNNING}, "", ""},
		{"one is not ready", false, {RUNNING, UNREADY}, "",
			"containers with unready status: [b]"},
		{"none", false, {ABSENT, UNREADY}, "", "containers with unready status: [a b]"},
		{"all are done", false, {ENDED(0), ENDED(0)}, "", ""},
		{"init", true, {RUNNING, ABSENT}, "containers with incomplete status: [a]",
			"containers with unready status: [b]"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_JSON status = NULL;

		pod_be(RESTART_NEVER, cases[i].init, cases[i].containers);
		status = status_of();
		CHECK_STR(cases[i].what, condition_message(status, "Initialized"),
			cases[i].initialized);
		CHECK_STR(cases[i].what, condition_message(status, "Ready"), cases[i].ready);
	}
}

TEST(a_container_says_what_it_does_and_why)
{
	static const struct {
		const char *what;
		enum restart_policy policy;
		struct situation container;
		const char *state, *last;
	} cases[] = {
		{"about to start", RESTART_ALWAYS, ABSENT, "waiting ContainerCreating", ""},
		{"its image does not come", RESTART_ALWAYS,
			{.phase = CONTAINER_ABSENT, .reason = "ErrImagePull"},
			"waiting ErrImagePull", ""},
		{"it runs", RESTART_ALWAYS, RUNNING, "running", ""},
		{"done", RESTART_NEVER, ENDED(0), "terminated Completed", ""},
		{"failed", RESTART_NEVER, ENDED(7), "terminated Error", ""},
		{"out of memory", RESTART_NEVER,
			{.phase = CONTAINER_EXITED, .code = 137, .oom = true},
			"terminated OOMKilled", ""},
		{"nobody saw its end", RESTART_NEVER,
			{.phase = CONTAINER_EXITED, .code = 137, .unknown = true},
			"terminated ContainerStatusUnknown", ""},
		{"the first restart is at once", RESTART_ALWAYS, ENDED(1), "terminated Error", ""},
		{"the second waits", RESTART_ALWAYS,
			{.phase = CONTAINER_EXITED, .code = 1, .crashes = 1},
			"waiting CrashLoopBackOff", "terminated Error"},
		{"a restart that fails says so", RESTART_ALWAYS,
			{.phase = CONTAINER_EXITED,
				.code = 1,
				.crashes = 1,
				.reason = "CreateContainerError"},
			"waiting CreateContainerError", "terminated Error"},
	};
	char text[96];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct situation both[CONTAINERS] = {cases[i].container, RUNNING};
		AUTO_JSON status = NULL;
		const json_t *container;

		pod_be(cases[i].policy, false, both);
		status = status_of();
		container = container_of(status, "containerStatuses", 0);
		CHECK_STR(cases[i].what, state_text(container, "state", text), cases[i].state);
		CHECK_STR(cases[i].what, state_text(container, "lastState", text), cases[i].last);
		CHECK_EQ(cases[i].what, json_integer_at(container, "restartCount", -1),
			cases[i].container.crashes);
	}
}

TEST(a_crash_loop_says_what_kubernetes_says)
{
	static const struct situation both[CONTAINERS] = {
		{.phase = CONTAINER_EXITED, .code = 1, .crashes = 2}, RUNNING};
	AUTO_JSON status = NULL;
	const json_t *state;

	pod_be(RESTART_ALWAYS, false, both);
	status = status_of();
	state = json_object_get(container_of(status, "containerStatuses", 0), "state");
	CHECK_STR("message", json_string_at(json_object_get(state, "waiting"), "message", ""),
		"back-off 20s restarting failed container=a pod=web_default(u1)");
}

TEST(the_lists_are_apart_and_ready_is_per_container)
{
	static const struct situation both[CONTAINERS] = {ENDED(0), UNREADY};
	AUTO_JSON status = NULL;
	const json_t *init, *main_one;

	pod_be(RESTART_ALWAYS, true, both);
	status = status_of();
	init = container_of(status, "initContainerStatuses", 0);
	main_one = container_of(status, "containerStatuses", 0);
	CHECK_STR("init container", json_string_at(init, "name", ""), "a");
	CHECK("is ready when done", json_is_true(json_object_get(init, "ready")));
	CHECK_STR("container", json_string_at(main_one, "name", ""), "b");
	CHECK("is not ready", json_is_false(json_object_get(main_one, "ready")));
	CHECK("but started", json_is_true(json_object_get(main_one, "started")));
	CHECK_STR("id", json_string_at(main_one, "containerID", ""), "podnet://u1/b.0");
	CHECK_EQ("no other container",
		json_array_size(json_object_get(status, "containerStatuses")), 1);
}

TEST(ephemeral_containers_have_a_list_of_their_own)
{
	static const struct situation both[CONTAINERS] = {RUNNING, ENDED(1)};
	AUTO_JSON status = NULL;
	const json_t *debug;
	char text[96];

	pod_be(RESTART_ALWAYS, false, both);
	pod.container_count = pod.ephemeral_count = observed.ephemeral = 1;
	pod.ephemeral_containers = specs + 1;
	status = status_of();
	debug = container_of(status, "ephemeralContainerStatuses", 0);
	CHECK_STR("name", json_string_at(debug, "name", ""), "b");
	CHECK_STR("state", state_text(debug, "state", text), "terminated Error");
	CHECK("it is never ready", json_is_false(json_object_get(debug, "ready")));
	CHECK("nor has it a start to wait for", !json_object_get(debug, "started"));
	CHECK_EQ("the other list has the others",
		json_array_size(json_object_get(status, "containerStatuses")), 1);
	CHECK_STR("phase", json_string_at(status, "phase", ""), "Running");
	CHECK_STR("ready", condition_text(status, "Ready", text), "True");
}

TEST(addresses_and_troubles_of_the_whole_pod_show)
{
	static const struct situation both[CONTAINERS] = {ABSENT, ABSENT};
	AUTO_JSON with = NULL;
	AUTO_JSON without = NULL;
	char text[96];

	pod_be(RESTART_ALWAYS, false, both);
	with = status_of();
	CHECK_STR("address", json_string_at(with, "podIP", ""), "10.244.0.7");
	CHECK_STR("start", json_string_at(with, "startTime", ""), "2023-11-14T22:13:20Z");
	CHECK_STR("sandbox", condition_text(with, "PodReadyToStartContainers", text), "True");
	observed.networked = false;
	snprintf(observed.reason, sizeof(observed.reason), "FailedCreatePodSandBox");
	snprintf(observed.message, sizeof(observed.message), "no \xff address");
	without = status_of();
	CHECK("no address", !json_object_get(without, "podIP"));
	CHECK_STR("reason", json_string_at(without, "reason", ""), "FailedCreatePodSandBox");
	CHECK_STR("message, whatever it holds", json_string_at(without, "message", ""),
		"no ? address");
	CHECK_STR(
		"no sandbox", condition_text(without, "PodReadyToStartContainers", text), "False");
}

TEST(a_pod_in_deletion_is_not_ready_but_runs)
{
	static const struct situation both[CONTAINERS] = {RUNNING, RUNNING};
	AUTO_JSON status = NULL;
	char text[96];

	pod_be(RESTART_ALWAYS, false, both);
	observed.deleting = true;
	observed.ready_wall = WALL + 3600 * USEC_PER_SEC;
	status = status_of();
	CHECK_STR("phase", json_string_at(status, "phase", ""), "Running");
	CHECK_STR("ready", condition_text(status, "Ready", text), "False ContainersNotReady");
}
