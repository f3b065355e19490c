// SPDX-License-Identifier: Apache-2.0
/* Who goes for a Pod that matters more, and what is written of it. */
#include "tests/cluster.h"
#include "tests/requests.h"
#include "user/control/preempt.h"
#include "user/control/schedulewrites.h"

/* "n2: small", or why not. */
static const char *preempt_text(
	struct cluster *cluster, const json_t *pod, char ret[SCHEDULE_MESSAGE])
{
	AUTO_CLEANUP(choice_clear) struct choice choice = {0};
	AUTO_CLEANUP(preemption_clear) struct preemption preemption = {0};

	if (schedule_choose(cluster->snapshot, pod, 0, &choice) < 0)
		BAIL("no memory");
	CHECK("it finds no node", !choice.node);
	if (preempt_choose(cluster->snapshot, pod, choice.hopeless, 0, &preemption) < 0)
		BAIL("no memory");
	if (!preemption.node) {
		snprintf(ret, SCHEDULE_MESSAGE, "%s", preemption.message);
		return ret;
	}
	snprintf(ret, SCHEDULE_MESSAGE, "%s:", preemption.node->name);
	for (size_t i = 0; i < preemption.count; i++)
		snprintf(ret + strlen(ret), SCHEDULE_MESSAGE - strlen(ret), " %s",
			meta_text(preemption.victims[i]->pod, "name"));
	return ret;
}

/* sig-scheduling: SchedulerPreemption validates basic preemption works; ... by critical pod */
TEST(preemption_the_least_is_lost_for_what_matters_more)
{
	static const struct {
		const char *what;
		const char *spec, *cpu;
		const char *want; /* node, and who goes; or why nobody does */
	} rows[] = {
		{"nobody matters less", "'priority':0", "1500m",
			"0/2 nodes are available: 2 No preemption victims found for incoming pod."},
		{"the node whose victim matters least", "'priority':100", "1500m", "n2: small"},
		{"a critical one", "'priority':2000001000", "1500m", "n2: small"},
		{"those that need not go stay", "'priority':100", "300m", "n2: small"},
		{"labels do not go with Pods", "'priority':100,'nodeSelector':{'host':'n9'}",
			"1500m",
			"0/2 nodes are available: 2 Preemption is not helpful for scheduling."},
		{"one is left to ask", "'priority':6,'nodeSelector':{'host':'n1'}", "1500m",
			"0/2 nodes are available: 1 No preemption victims found for incoming pod, "
			"1 Preemption is not helpful for scheduling."},
		{"more than all of them", "'priority':100", "3",
			"0/2 nodes are available: 2 Insufficient cpu."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", rows[i].cpu, rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 2);
		pod_put(&cluster, "big", "a", "1900m", "n1", "'priority':10");
		pod_put(&cluster, "kept", "b", "400m", "n2", "'priority':7");
		pod_put(&cluster, "small", "c", "1500m", "n2", "'priority':5");
		CHECK_STR(rows[i].what, preempt_text(&cluster, pod, got), rows[i].want);
		CHECK_EQ("everybody is where he was", cluster.snapshot->nodes[1]->pod_count, 2);
		CHECK_EQ("and counts", cluster.snapshot->nodes[1]->requested.amount[RESOURCE_CPU],
			1900);
	}
}

/* A Pod of 1900m that began at @hour. */
static void old_put(struct cluster *cluster, const char *name, const char *node, const char *cpu,
	int priority, int hour)
{
	char spec[64], since[64];
	AUTO_JSON pod = NULL;

	snprintf(spec, sizeof(spec), "'priority':%d", priority);
	snprintf(since, sizeof(since), "2026-01-01T%02d:00:00Z", hour);
	pod = pod_on(name, name, cpu, node, spec);
	json_object_set_new(json_object_get(pod, "status"), "startTime", json_string(since));
	cluster_put_pod(cluster, pod);
}

TEST(preemption_nodes_are_compared_in_order)
{
	/* On each of two nodes Pods that fill it: {CPU, priority, hour} */
	struct old {
		const char *cpu;
		int priority, hour;
	};
	static const struct {
		const char *what;
		struct old on_n1[2], on_n2[2];
		const char *want;
	} rows[] = {
		{"the lowest of the highest priorities", {{"1900m", 5, 1}}, {{"1900m", 4, 1}},
			"n2: c"},
		{"the lowest sum", {{"900m", 5, 1}, {"900m", 4, 1}},
			{{"900m", 5, 1}, {"900m", 3, 1}}, "n2: c d"},
		{"the fewest", {{"900m", 5, 1}, {"900m", -5, 1}}, {{"1900m", 5, 1}}, "n2: c"},
		{"the latest start", {{"1900m", 5, 1}}, {{"1900m", 5, 2}}, "n2: c"},
		{"of the most important", {{"900m", 5, 1}, {"900m", 4, 9}},
			{{"900m", 5, 2}, {"900m", 4, 1}}, "n2: c d"},
		{"else the first", {{"1900m", 5, 1}}, {{"1900m", 5, 1}}, "n1: a"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		static const char *const names[] = {"a", "b", "c", "d"};
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "1900m", "'priority':100");
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 2);
		for (size_t j = 0; j < 4; j++) {
			const struct old *old = j < 2 ? &rows[i].on_n1[j] : &rows[i].on_n2[j - 2];

			if (old->cpu)
				old_put(&cluster, names[j], j < 2 ? "n1" : "n2", old->cpu,
					old->priority, old->hour);
		}
		CHECK_STR(rows[i].what, preempt_text(&cluster, pod, got), rows[i].want);
	}
}

#define BUDGET(name, labels, allowed, more)                                                  \
	"{'metadata':{'namespace':'d','name':'" name "'},'spec':{'selector':{" labels "}},'" \
	"status':{'disruptionsAllowed':" allowed more "}}"

TEST(preemption_budgets_are_kept_where_they_can_be)
{
	static const struct {
		const char *what, *budget, *want;
	} rows[] = {
		{"none", BUDGET("b", "'matchLabels':{'app':'x'}", "0", ""), "n1: low"},
		{"what it protects goes last", BUDGET("b", "'matchLabels':{'app':'low'}", "0", ""),
			"n2: high"},
		{"as long as it allows none", BUDGET("b", "'matchLabels':{'app':'low'}", "1", ""),
			"n1: low"},
		{"an empty selector protects nobody", BUDGET("b", "", "0", ""), "n1: low"},
		{"what goes already is not counted again",
			BUDGET("b", "'matchLabels':{'app':'low'}", "0",
				",'disruptedPods':{'low':'2026-01-01T00:00:00Z'}"),
			"n1: low"},
		{"where it cannot, it does not hinder",
			BUDGET("b", "'matchExpressions':[{'key':'app','operator':'Exists'}]", "0",
				""),
			"n1: low"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "1900m", "'priority':100");
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 2);
		cluster_put(cluster.budgets, rows[i].budget);
		pod_put(&cluster, "low", "low", "1900m", "n1", "'priority':1");
		pod_put(&cluster, "high", "high", "1900m", "n2", "'priority':9");
		CHECK_STR(rows[i].what, preempt_text(&cluster, pod, got), rows[i].want);
	}
}

TEST(preemption_what_others_protect_stays_first)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "new", "1", "'priority':100");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 1);
	cluster_put(cluster.budgets, BUDGET("b", "'matchLabels':{'app':'low'}", "0", ""));
	pod_put(&cluster, "low", "low", "1", "n1", "'priority':1");
	pod_put(&cluster, "high", "high", "1", "n1", "'priority':9");
	CHECK_STR("though it matters less", preempt_text(&cluster, pod, got), "n1: high");
}

TEST(preemption_neighbours_go_too)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON apart = pod_make("p", "new", "100m",
		"'priority':100," REQUIRED("podAntiAffinity", TERM("db", "zone")));
	AUTO_JSON near = pod_make(
		"q", "new", "3500m", "'priority':100," REQUIRED("podAffinity", TERM("db", "host")));
	AUTO_JSON spread = pod_make(
		"r", "new", "1900m", "'priority':100," SPREAD("zone", "1", "DoNotSchedule"));
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 1);
	pod_put(&cluster, "db", "db", "1900m", "n1", "'priority':1");
	CHECK_STR("who is not wanted", preempt_text(&cluster, apart, got), "n1: db");
	CHECK_STR("not who is needed", preempt_text(&cluster, near, got),
		"0/1 nodes are available: 1 Insufficient cpu.");
	CHECK_STR("who takes the room", preempt_text(&cluster, spread, got), "n1: db");
}

TEST(preemption_who_waits_for_room_does_not_push_twice)
{
	static const char waits[] = "not eligible due to a terminating pod on the nominated node.";
	static const bool none[1], hopeless[1] = {true};
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "new", "1500m", "'priority':100");
	AUTO_JSON never =
		pod_make("q", "new", "1500m", "'priority':100,'preemptionPolicy':'Never'");
	AUTO_JSON old = pod_on("old", "a", "1900m", "n1", "'priority':10");

	cluster_make(&cluster, 1);
	cluster_put_pod(&cluster, old);
	CHECK("it may", !preempt_refuse(cluster.snapshot, pod, none));
	CHECK_STR("not who says never", preempt_refuse(cluster.snapshot, never, none),
		"not eligible due to preemptionPolicy=Never.");
	json_object_set_new(json_object_get(pod, "status"), "nominatedNodeName", json_string("n1"));
	cluster_put_pod(&cluster, pod);
	CHECK("where nobody leaves", !preempt_refuse(cluster.snapshot, pod, none));
	json_object_set_new(json_object_get(old, "metadata"), "deletionTimestamp",
		json_string("2026-01-01T00:00:00Z"));
	CHECK("who leaves by himself is not waited for",
		!preempt_refuse(cluster.snapshot, pod, none));
	json_object_set_new(json_object_get(old, "status"), "conditions",
		json_quoted("[{'type':'DisruptionTarget','status':'True','reason':"
			    "'PreemptionByScheduler'}]"));
	CHECK_STR("until they have left", preempt_refuse(cluster.snapshot, pod, none), waits);
	CHECK("unless they would not help", !preempt_refuse(cluster.snapshot, pod, hopeless));
}

TEST(preemption_room_is_kept_for_who_made_it)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON first = pod_make("first", "a", "1500m", "'priority':100");
	AUTO_JSON lesser = pod_make("lesser", "b", "1", "'priority':50");
	AUTO_JSON equal = pod_make("equal", "b", "1", "'priority':100");
	AUTO_JSON greater = pod_make("greater", "c", "1", "'priority':200");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 1);
	snapshot_nominate(cluster.snapshot, first, snapshot_node_find(cluster.snapshot, "n1"));
	CHECK_STR("it may have it", choose(&cluster, first, got), "n1");
	CHECK_STR("not who matters less", choose(&cluster, lesser, got),
		"0/1 nodes are available: 1 Insufficient cpu.");
	CHECK_STR("nor who matters as much", choose(&cluster, equal, got),
		"0/1 nodes are available: 1 Insufficient cpu.");
	CHECK_STR("who matters more may", choose(&cluster, greater, got), "n1");
	snapshot_forget(cluster.snapshot, "d/first");
	CHECK_STR("when it does not wait any more", choose(&cluster, lesser, got), "n1");
}

TEST(preemption_what_is_written)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_CLEANUP(preemption_clear) struct preemption preemption = {0};
	AUTO_CLEANUP(requests_clear) struct requests plan = {.again = UINT64_MAX};
	AUTO_JSON pod = pod_make("p", "new", "1900m", "'priority':100");
	AUTO_JSON other = pod_make("other", "new", "100m", "'priority':50");
	static const bool hopeless[1];
	char text[PLAN_TEXT];

	cluster_make(&cluster, 1);
	pod_put(&cluster, "old", "a", "1900m", "n1", "'priority':10");
	snapshot_nominate(cluster.snapshot, other, snapshot_node_find(cluster.snapshot, "n1"));
	CHECK_EQ("there is a node", preempt_choose(cluster.snapshot, pod, hopeless, 0, &preemption),
		0);
	schedule_make_room(cluster.snapshot, pod, &preemption, &plan);
	schedule_explain(pod, "why", preemption.node->name, &plan);
	CHECK_STR("in this order", plan_text(&plan, text),
		"PATCH /api/v1/namespaces/d/pods/old/status\n"
		"DELETE /api/v1/namespaces/d/pods/old\n"
		"PATCH /api/v1/namespaces/d/pods/other/status\n"
		"PATCH /api/v1/namespaces/d/pods/p/status\n");
	CHECK_STR(
		"the victim hears", plan.writes[1].event.message, "Preempted by pod p on node n1");
	CHECK_STR("where it waits",
		json_string_at(
			json_object_get(plan.writes[3].body, "status"), "nominatedNodeName", ""),
		"n1");
	CHECK_STR("and why", plan.writes[3].event.message, "why");
}
