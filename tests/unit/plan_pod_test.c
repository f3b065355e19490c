// SPDX-License-Identifier: Apache-2.0
/* Reconcile: one situation, one plan. */
#include "tests/check.h"
#include "user/node/plan.h"
#include "user/node/podrecord.h"

#define NOW (1000 * USEC_PER_SEC)

/* A Pod with one init container and two containers, as far as a plan looks at it. */
static struct container specs[3] = {{.name = "init"}, {.name = "a"}, {.name = "b"}};
static struct container debug = {.name = "debug"};
static struct container_observed seen[3];
static struct pod pod;
static struct pod_observed observed;
static struct pod_plan plan;
static enum container_action actions[3];

static void fresh(size_t inits)
{
	memset(seen, 0, sizeof(seen));
	memset(&observed, 0, sizeof(observed));
	pod = (struct pod){
		.restart_policy = RESTART_ALWAYS,
		.init_containers = specs,
		.init_count = inits,
		.containers = specs + inits,
		.container_count = 2,
	};
	observed.count = inits + 2;
	observed.containers = seen;
}

/* The same with an ephemeral container, which is the third. */
static void fresh_debugged(void)
{
	fresh(0);
	pod.ephemeral_containers = &debug;
	pod.ephemeral_count = observed.ephemeral = 1;
	observed.count++;
}

static void running(size_t i)
{
	seen[i] = (struct container_observed){
		.phase = CONTAINER_RUNNING, .image_present = true, .probe_ready = true};
}

static void exited(size_t i, int code)
{
	seen[i] = (struct container_observed){
		.phase = CONTAINER_EXITED,
		.image_present = true,
		.cleaned = true,
		.has_exit = true,
		.exit.code = code,
		.started = NOW - 5 * USEC_PER_SEC,
		.finished = NOW - 2 * USEC_PER_SEC,
	};
}

static void up(void)
{
	observed.prepared = observed.networked = true;
	observed.sandbox = SANDBOX_RUNNING;
}

static void make_plan(void)
{
	pod_plan(&pod, &observed, NOW, &plan, actions);
}

TEST(a_pod_is_made_step_by_step)
{
	fresh(0);
	make_plan();
	CHECK_EQ("first the record", plan.action, POD_PREPARE);
	CHECK_EQ("no pull before it is admitted", actions[0], CONTAINER_NOTHING);
	observed.prepared = true;
	make_plan();
	CHECK_EQ("then the sandbox", plan.action, POD_SANDBOX);
	CHECK_EQ("images are pulled meanwhile", actions[0], CONTAINER_PULL);
	observed.busy = true;
	make_plan();
	CHECK_EQ("one action at a time", plan.action, POD_NOTHING);
	observed.busy = false;
	observed.sandbox = SANDBOX_RUNNING;
	seen[0].image_present = seen[1].image_present = true;
	make_plan();
	CHECK_EQ("then the network", plan.action, POD_NETWORK);
	CHECK_EQ("no start without it", actions[0], CONTAINER_NOTHING);
	observed.networked = true;
	make_plan();
	CHECK_EQ("then it is complete", plan.action, POD_NOTHING);
	CHECK_EQ("all containers start", actions[0], CONTAINER_START);
	CHECK_EQ("side by side", actions[1], CONTAINER_START);
	running(0);
	running(1);
	make_plan();
	CHECK("nothing to do, nothing to wait for",
		plan.action == POD_NOTHING && actions[0] == CONTAINER_NOTHING &&
			actions[1] == CONTAINER_NOTHING && plan.deadline == USEC_NEVER);
}

TEST(init_containers_go_one_by_one_before_the_rest)
{
	fresh(1);
	up();
	seen[0].image_present = seen[1].image_present = seen[2].image_present = true;
	make_plan();
	CHECK_EQ("the init container", actions[0], CONTAINER_START);
	CHECK_EQ("the others wait", actions[1], CONTAINER_NOTHING);
	running(0);
	make_plan();
	CHECK_EQ("while it runs too", actions[1], CONTAINER_NOTHING);
	exited(0, 0);
	make_plan();
	CHECK_EQ("a successful one is not started again", actions[0], CONTAINER_NOTHING);
	CHECK_EQ("and lets the others start", actions[1], CONTAINER_START);
	exited(0, 1);
	make_plan();
	CHECK_EQ("a failed one is", actions[0], CONTAINER_START);
	CHECK_EQ("and the others wait on", actions[1], CONTAINER_NOTHING);
}

TEST(exits_are_answered_by_the_restart_policy)
{
	static const struct {
		const char *what;
		enum restart_policy policy;
		int code;
		enum container_action want;
	} cases[] = {
		{"Always restarts a failure", RESTART_ALWAYS, 1, CONTAINER_START},
		{"Always restarts a success", RESTART_ALWAYS, 0, CONTAINER_START},
		{"OnFailure restarts a failure", RESTART_ON_FAILURE, 1, CONTAINER_START},
		{"OnFailure lets a success be", RESTART_ON_FAILURE, 0, CONTAINER_NOTHING},
		{"Never lets a failure be", RESTART_NEVER, 1, CONTAINER_NOTHING},
		{"Never lets a success be", RESTART_NEVER, 0, CONTAINER_NOTHING},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		fresh(0);
		up();
		running(1);
		exited(0, cases[i].code);
		pod.restart_policy = cases[i].policy;
		make_plan();
		CHECK_EQ(cases[i].what, actions[0], cases[i].want);
	}
}

TEST(a_crash_loop_waits_and_says_until_when)
{
	fresh(0);
	up();
	running(1);
	exited(0, 1);
	seen[0].crashes = 1;
	make_plan();
	CHECK_EQ("not yet", actions[0], CONTAINER_NOTHING);
	CHECK_EQ("10 s after the exit", plan.deadline, NOW + 8 * USEC_PER_SEC);
	seen[0].finished = NOW - 10 * USEC_PER_SEC;
	seen[0].started = seen[0].finished;
	make_plan();
	CHECK_EQ("now", actions[0], CONTAINER_START);
	seen[0].cleaned = false;
	make_plan();
	CHECK_EQ("the old attempt is cleaned up first", actions[0], CONTAINER_CLEAN);
}

TEST(a_container_is_stopped_then_killed)
{
	fresh(0);
	up();
	running(0);
	running(1);
	seen[0].stop_requested = true;
	make_plan();
	CHECK_EQ("stop", actions[0], CONTAINER_STOP);
	CHECK_EQ("only that one", actions[1], CONTAINER_NOTHING);
	seen[0].stopping = seen[0].busy = true;
	seen[0].kill_at = NOW + 1;
	make_plan();
	CHECK_EQ("the grace period runs", actions[0], CONTAINER_NOTHING);
	CHECK_EQ("and ends then", plan.deadline, NOW + 1);
	seen[0].kill_at = NOW;
	make_plan();
	CHECK_EQ("kill, even while a preStop hook hangs", actions[0], CONTAINER_KILL);
	seen[0].killed = true;
	make_plan();
	CHECK_EQ("once", actions[0], CONTAINER_NOTHING);
}

TEST(deletion_ejects_drains_stops_releases_erases)
{
	fresh(0);
	up();
	running(0);
	exited(1, 1);
	observed.deleting = true;
	make_plan();
	CHECK_EQ("eject first", plan.action, POD_EJECT);
	CHECK_EQ("nothing is stopped before the data plane acknowledged", actions[0],
		CONTAINER_NOTHING);
	CHECK_EQ("nothing is restarted", actions[1], CONTAINER_NOTHING);
	observed.ejected = true;
	make_plan();
	CHECK_EQ("then drain", plan.action, POD_DRAIN);
	CHECK_EQ("still running", actions[0], CONTAINER_NOTHING);
	observed.drained = true;
	make_plan();
	CHECK_EQ("then stop", actions[0], CONTAINER_STOP);
	CHECK_EQ("the sandbox stays meanwhile", plan.action, POD_NOTHING);
	exited(0, 143);
	make_plan();
	CHECK_EQ("then release", plan.action, POD_RELEASE);
	observed.networked = false;
	observed.sandbox = SANDBOX_ABSENT;
	make_plan();
	CHECK_EQ("then erase", plan.action, POD_ERASE);
	observed.erased = true;
	make_plan();
	CHECK_EQ("then rest", plan.action, POD_NOTHING);
}

TEST(a_lost_sandbox_is_reset_whatever_else_goes_on)
{
	fresh(0);
	up();
	running(0);
	observed.sandbox = SANDBOX_LOST;
	make_plan();
	CHECK_EQ("living Pod", plan.action, POD_RESET);
	CHECK_EQ("its containers are as good as dead", pod_serving(&pod, &observed), SERVING_DOWN);
	CHECK("and it is not ready", !pod_is_ready(&pod, &observed));
	observed.deleting = true;
	make_plan();
	CHECK_EQ("Pod in deletion", plan.action, POD_RESET);
}

TEST(a_reset_that_failed_waits_for_its_back_off)
{
	fresh(0);
	up();
	observed.sandbox = SANDBOX_LOST;
	observed.retry_at = NOW + 10;
	make_plan();
	CHECK_EQ("living Pod", plan.action, POD_NOTHING);
	CHECK_EQ("looks again", plan.deadline, NOW + 10);
	observed.deleting = true;
	make_plan();
	CHECK_EQ("Pod in deletion", plan.action, POD_NOTHING);
	CHECK_EQ("looks again too", plan.deadline, NOW + 10);
}

TEST(a_pod_that_is_recorded_anew_keeps_its_containers)
{
	fresh(0);
	up();
	running(0);
	exited(1, 1);
	observed.prepared = false;
	make_plan();
	CHECK_EQ("it is recorded", plan.action, POD_PREPARE);
	CHECK_EQ("and a container starts again meanwhile", actions[1], CONTAINER_START);
	observed.retry_at = NOW + 10;
	make_plan();
	CHECK_EQ("even when the record cannot be written", actions[1], CONTAINER_START);
}

TEST(a_finished_pod_gives_its_sandbox_back)
{
	bool failed = true;

	fresh(0);
	up();
	pod.restart_policy = RESTART_NEVER;
	exited(0, 0);
	exited(1, 0);
	seen[1].cleaned = false;
	make_plan();
	CHECK_EQ("clean up first", actions[1], CONTAINER_CLEAN);
	CHECK_EQ("the sandbox after that", plan.action, POD_NOTHING);
	seen[1].cleaned = true;
	make_plan();
	CHECK_EQ("release", plan.action, POD_RELEASE);
	CHECK("finished", pod_is_finished(&pod, &observed, &failed) && !failed);
	seen[1].exit.code = 3;
	CHECK("failed", pod_is_finished(&pod, &observed, &failed) && failed);
	observed.networked = false;
	observed.sandbox = SANDBOX_ABSENT;
	make_plan();
	CHECK_EQ("and makes no new one", plan.action, POD_NOTHING);
}

TEST(serving_follows_life_not_wishes)
{
	fresh(0);
	CHECK_EQ("no address", pod_serving(&pod, &observed), SERVING_NONE);
	up();
	CHECK_EQ("not started", pod_serving(&pod, &observed), SERVING_UNREADY);
	running(0);
	running(1);
	CHECK_EQ("all ready", pod_serving(&pod, &observed), SERVING_READY);
	seen[1].probe_ready = false;
	CHECK_EQ("one unready", pod_serving(&pod, &observed), SERVING_UNREADY);
	observed.deleting = true;
	CHECK_EQ("deletion makes it no better", pod_serving(&pod, &observed), SERVING_UNREADY);
	seen[1].probe_ready = true;
	CHECK_EQ("deletion", pod_serving(&pod, &observed), SERVING_TERMINATING);
	observed.deleting = false;
	seen[1].gone = true;
	CHECK_EQ("its init is gone", pod_serving(&pod, &observed), SERVING_DOWN);
	exited(1, 0);
	CHECK_EQ("it has exited", pod_serving(&pod, &observed), SERVING_DOWN);
	observed.deleting = true;
	CHECK_EQ("deletion is no life", pod_serving(&pod, &observed), SERVING_DOWN);
}

TEST(an_ephemeral_container_runs_once_and_counts_for_nothing)
{
	bool failed;

	fresh_debugged();
	up();
	running(0);
	running(1);
	observed.prepared = false;
	make_plan();
	CHECK_EQ("it waits until it is recorded", actions[2], CONTAINER_NOTHING);
	observed.prepared = true;
	make_plan();
	CHECK_EQ("then its image is pulled", actions[2], CONTAINER_PULL);
	seen[2].image_present = true;
	make_plan();
	CHECK_EQ("and it starts", actions[2], CONTAINER_START);
	CHECK("the Pod is ready without it", pod_is_ready(&pod, &observed));
	CHECK_EQ("and serves", pod_serving(&pod, &observed), SERVING_READY);
	exited(2, 1);
	make_plan();
	CHECK_EQ("it is not started again", actions[2], CONTAINER_NOTHING);
	CHECK_EQ("not even later", plan.deadline, USEC_NEVER);
	CHECK_EQ("its end takes nothing away", pod_serving(&pod, &observed), SERVING_READY);
	pod.restart_policy = RESTART_NEVER;
	exited(0, 0);
	exited(1, 0);
	CHECK("nor does it make the Pod fail",
		pod_is_finished(&pod, &observed, &failed) && !failed);
	running(2);
	CHECK("the Pod ends without it", pod_is_finished(&pod, &observed, &failed));
	make_plan();
	CHECK_EQ("and ends it", actions[2], CONTAINER_STOP);
	CHECK_EQ("before the sandbox goes", plan.action, POD_NOTHING);
	exited(2, 143);
	make_plan();
	CHECK_EQ("which then goes", plan.action, POD_RELEASE);
	seen[2] = (struct container_observed){0};
	make_plan();
	CHECK_EQ("none is started any more", actions[2], CONTAINER_NOTHING);
}

TEST(records_may_disagree_about_ephemeral_containers_alone)
{
	static const struct {
		const char *what;
		size_t count, ephemeral;
		int want;
	} rows[] = {
		{"the same", 3, 1, 0},
		{"the Pod knows one more", 4, 2, 0},
		{"the Pod knows none", 2, 0, -EBADMSG},
		{"the Pod knows more others", 4, 0, -EBADMSG},
		{"the Pod knows fewer of them", 2, 1, 0},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct container_observed back[4] = {0};
		struct pod_observed again = {
			.count = rows[i].count, .ephemeral = rows[i].ephemeral, .containers = back};
		AUTO_JSON record = NULL;
		struct err err;

		fresh_debugged();
		up();
		running(0);
		seen[0].pid = 99;
		record = podrecord_encode(&observed);
		CHECK_EQ(rows[i].what, podrecord_decode(record, &again, &err), rows[i].want);
		if (rows[i].want == 0)
			CHECK_EQ(rows[i].what, back[0].pid, 99);
	}
}

TEST(what_was_observed_survives_its_record)
{
	struct container_observed back[2] = {0};
	struct pod_observed again = {.count = 2, .containers = back};
	struct err err;
	json_t *record;

	fresh(0);
	up();
	observed.ip.s_addr = 0x0100f40a;
	observed.pause_pid = 77;
	running(0);
	seen[0].attempt = 3;
	seen[0].pid = 99;
	seen[0].stop_signal = 3;
	exited(1, 137);
	seen[1].exit.oom = true;
	snprintf(seen[1].exit.id, sizeof(seen[1].exit.id), "b.0");
	record = podrecord_encode(&observed);
	CHECK_OK("decode", podrecord_decode(record, &again, &err), &err);
	CHECK_EQ("address", again.ip.s_addr, observed.ip.s_addr);
	CHECK_EQ("pause", again.pause_pid, 77);
	CHECK_EQ("attempt", back[0].attempt, 3);
	CHECK_EQ("pid", back[0].pid, 99);
	CHECK_EQ("stop signal", back[0].stop_signal, 3);
	CHECK("ready", back[0].probe_ready);
	CHECK_EQ("exit code", back[1].exit.code, 137);
	CHECK("oom", back[1].exit.oom);
	CHECK_EQ("what it serves is the same", pod_serving(&pod, &again),
		pod_serving(&pod, &observed));
	again.count = 1;
	CHECK_FAILS("another number of containers", podrecord_decode(record, &again, &err), EBADMSG,
		&err, "does not fit");
	again.count = 2;
	json_object_del(json_array_get(json_object_get(record, "containers"), 1), "exit");
	CHECK_FAILS("an exit without its record", podrecord_decode(record, &again, &err), EBADMSG,
		&err, "container 1");
	json_decref(record);
}
