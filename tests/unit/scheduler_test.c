// SPDX-License-Identifier: Apache-2.0
/* Nodes and Pods in, the node for one more Pod out. */
#include "tests/json.h"
#include "tests/requests.h"
#include "user/control/owned.h"
#include "user/control/preempt.h"
#include "user/control/schedule.h"

struct cluster {
	json_t *nodes, *pods, *namespaces;
};

static void cluster_make(struct cluster *cluster, unsigned nodes)
{
	*cluster = (struct cluster){json_object(), json_object(), json_object()};
	for (unsigned i = 1; i <= nodes; i++) {
		char text[256], key[16];

		snprintf(key, sizeof(key), "/n%u", i);
		snprintf(text, sizeof(text),
			"{'metadata':{'name':'n%u','labels':{'host':'n%u','zone':'z%u'}},'status':{"
			"'allocatable':{'cpu':'2','memory':'4Gi','pods':'10'}}}",
			i, i, (i + 1) / 2);
		json_object_set_new(cluster->nodes, key, json_quoted(text));
	}
}

static void cluster_free(struct cluster *cluster)
{
	json_decref(cluster->nodes);
	json_decref(cluster->pods);
	json_decref(cluster->namespaces);
}

/* A Pod with label app=@app that asks for @cpu. */
static json_t *pod_make(const char *name, const char *app, const char *cpu, const char *spec)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"{'metadata':{'name':'%s','namespace':'d','uid':'%s','labels':{'app':'%s'}},'spec':"
		"{'containers':[{'name':'c','resources':{'requests':{'cpu':'%s'}}}]%s%s}}",
		name, name, app, cpu, spec[0] ? "," : "", spec);
	return json_quoted(text);
}

static void pod_put(struct cluster *cluster, const char *name, const char *app, const char *cpu,
	const char *node, const char *spec)
{
	json_t *pod = pod_make(name, app, cpu, spec);
	char key[64];

	snprintf(key, sizeof(key), "d/%s", name);
	json_object_set_new(json_object_get(pod, "spec"), "nodeName", json_string(node));
	json_object_set_new(cluster->pods, key, pod);
}

/* The name of the node, or why there is none. */
static void choose(const struct cluster *cluster, const json_t *pod, char ret[SCHEDULE_MESSAGE])
{
	AUTO_CLEANUP(snapshot_clear) struct snapshot snapshot = {0};
	const json_t *node;

	if (snapshot_make(cluster->nodes, cluster->pods, cluster->namespaces, &snapshot) < 0)
		BAIL("no memory");
	node = schedule_choose(&snapshot, pod, 0, ret);
	if (node)
		snprintf(ret, SCHEDULE_MESSAGE, "%s", meta_text(node, "name"));
}

#define TERM(app, key) "{'labelSelector':{'matchLabels':{'app':'" app "'}},'topologyKey':'" key "'}"
#define REQUIRED(which, term) \
	"'affinity':{'" which "':{'requiredDuringSchedulingIgnoredDuringExecution':[" term "]}}"
#define SPREAD(key, skew, how)                                                 \
	"'topologySpreadConstraints':[{'maxSkew':" skew ",'topologyKey':'" key \
	"','whenUnsatisfiable':'" how "','labelSelector':{'matchLabels':{'app':'new'}}}]"
#define PORT(number) \
	"'containers':[{'name':'c','ports':[{'containerPort':80,'hostPort':" number "}]}]"

TEST(a_pod_goes_where_its_neighbours_let_it)
{
	/* Four nodes in two zones; n1 runs a Pod "db", n2 one that keeps "web" off its zone. */
	static const struct {
		const char *what, *app, *spec, *want;
	} rows[] = {
		{"near another", "new", REQUIRED("podAffinity", TERM("db", "host")), "n1"},
		{"near what is nowhere", "new", REQUIRED("podAffinity", TERM("none", "host")),
			"0/4 nodes are available: 4 node(s) didn't match pod affinity rules."},
		{"the first of its own", "self", REQUIRED("podAffinity", TERM("self", "missing")),
			"0/4 nodes are available: 4 node(s) didn't match pod affinity rules."},
		{"apart from another's zone", "new",
			REQUIRED("podAntiAffinity", TERM("db", "zone")), "n3"},
		{"kept off by another", "web", "'nodeSelector':{'zone':'z1'}",
			"0/4 nodes are available: 2 node(s) didn't match Pod's node "
			"affinity/selector, "
			"2 node(s) didn't satisfy existing pods anti-affinity rules."},
		{"spread without the label", "new", SPREAD("rack", "1", "DoNotSchedule"),
			"0/4 nodes are available: 4 node(s) didn't match pod topology spread "
			"constraints (missing required label)."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", rows[i].app, "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 4);
		pod_put(&cluster, "db", "db", "100m", "n1", "");
		pod_put(&cluster, "alone", "alone", "100m", "n2",
			REQUIRED("podAntiAffinity", TERM("web", "zone")));
		choose(&cluster, pod, got);
		CHECK_STR(rows[i].what, got, rows[i].want);
	}
}

TEST(the_first_of_a_group_may_begin_anywhere)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod =
		pod_make("p", "self", "100m", REQUIRED("podAffinity", TERM("self", "host")));
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 2);
	choose(&cluster, pod, got);
	CHECK_STR("it does", got, "n1");
	pod_put(&cluster, "first", "self", "1900m", "n2", "");
	choose(&cluster, pod, got);
	CHECK_STR("the second is where the first is", got, "n2");
}

TEST(spreading_keeps_the_skew)
{
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"it must", SPREAD("zone", "1", "DoNotSchedule"), "n3"},
		{"it is wished for", SPREAD("zone", "1", "ScheduleAnyway"), "n3"},
		{"more skew is allowed, then resources decide",
			SPREAD("zone", "3", "DoNotSchedule"), "n2"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 4);
		pod_put(&cluster, "a", "new", "100m", "n1", "");
		pod_put(&cluster, "b", "other", "1500m", "n3", "");
		pod_put(&cluster, "c", "other", "1600m", "n4", "");
		choose(&cluster, pod, got);
		CHECK_STR(rows[i].what, got, rows[i].want);
	}
}

TEST(a_port_of_a_node_is_had_once)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod =
		json_quoted("{'metadata':{'name':'p','namespace':'d'},'spec':{" PORT("80") "}}");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 1);
	json_object_set_new(cluster.pods, "d/a",
		json_quoted(
			"{'metadata':{'name':'a','namespace':'d'},'spec':{'nodeName':'n1'," PORT(
				"80") "}}"));
	choose(&cluster, pod, got);
	CHECK_STR("it is taken", got,
		"0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod "
		"ports.");
	json_object_set_new(cluster.pods, "d/a",
		json_quoted(
			"{'metadata':{'name':'a','namespace':'d'},'spec':{'nodeName':'n1'," PORT(
				"81") "}}"));
	choose(&cluster, pod, got);
	CHECK_STR("another is not", got, "n1");
}

TEST(the_least_is_lost_for_what_matters_more)
{
	static const struct {
		const char *what;
		const char *spec, *cpu;
		const char *want; /* node, and who goes; "-": nobody */
	} rows[] = {
		{"nobody matters less", "'priority':0", "1500m", "-"},
		{"the node whose victim matters least", "'priority':100", "1500m", "n2: small"},
		{"those that need not go stay", "'priority':100", "300m", "n2: small"},
		{"taints do not go with Pods", "'priority':100,'nodeSelector':{'host':'n9'}",
			"1500m", "-"},
		{"more than all of them", "'priority':100", "3", "-"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_CLEANUP(snapshot_clear) struct snapshot snapshot = {0};
		AUTO_CLEANUP(preemption_clear) struct preemption preemption = {0};
		AUTO_JSON pod = pod_make("p", "new", rows[i].cpu, rows[i].spec);
		char got[256] = "-";

		cluster_make(&cluster, 2);
		pod_put(&cluster, "big", "a", "1900m", "n1", "'priority':10");
		pod_put(&cluster, "kept", "b", "400m", "n2", "'priority':7");
		pod_put(&cluster, "small", "c", "1500m", "n2", "'priority':5");
		snapshot_make(cluster.nodes, cluster.pods, cluster.namespaces, &snapshot);
		CHECK_EQ(rows[i].what, preempt_choose(&snapshot, pod, &preemption), 0);
		if (preemption.node)
			snprintf(got, sizeof(got), "%s:", meta_text(preemption.node, "name"));
		for (size_t j = 0; j < preemption.count; j++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), " %s",
				meta_text(preemption.victims[j], "name"));
		CHECK_STR(rows[i].what, got, rows[i].want);
	}
}

TEST(who_waits_for_room_does_not_push_twice)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_CLEANUP(snapshot_clear) struct snapshot snapshot = {0};
	AUTO_JSON pod = pod_make("p", "new", "1500m", "'priority':100");
	AUTO_JSON never =
		pod_make("q", "new", "1500m", "'priority':100,'preemptionPolicy':'Never'");

	cluster_make(&cluster, 1);
	pod_put(&cluster, "old", "a", "1900m", "n1", "'priority':10");
	snapshot_make(cluster.nodes, cluster.pods, cluster.namespaces, &snapshot);
	CHECK("it may", preempt_may(&snapshot, pod));
	CHECK("not who says never", !preempt_may(&snapshot, never));
	json_object_set_new(pod, "status", json_quoted("{'nominatedNodeName':'n1'}"));
	CHECK("where nobody leaves", preempt_may(&snapshot, pod));
	json_object_set_new(json_object_get(json_object_get(cluster.pods, "d/old"), "metadata"),
		"deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	CHECK("until they have left", !preempt_may(&snapshot, pod));
}
