// SPDX-License-Identifier: Apache-2.0
/* Each score of nodes, and what they weigh together. */
#include "tests/cluster.h"

/* "n1=100 n2=50": one score of each node for @pod. */
static const char *score_text(
	struct cluster *cluster, const json_t *pod, enum score score, char ret[256])
{
	AUTO_CLEANUP(question_clear) struct question question = {0};
	struct scores scores[16] = {0};
	size_t count = cluster->snapshot->count;

	if (question_make(cluster->snapshot, pod, &question) < 0 ||
		scores_make(&question, cluster->snapshot->nodes, count, scores) < 0)
		BAIL("no memory");
	ret[0] = '\0';
	for (size_t i = 0; i < count; i++)
		snprintf(ret + strlen(ret), 256 - strlen(ret), "%s%s=%lld", i ? " " : "",
			cluster->snapshot->nodes[i]->name, (long long)scores[i].of[score]);
	return ret;
}

TEST(weights_are_those_of_kubernetes)
{
	static const struct {
		const char *what;
		enum score score;
		int64_t want;
	} rows[] = {
		{"TaintToleration", SCORE_TAINTS, 3},
		{"NodeAffinity", SCORE_PLACEMENT, 2},
		{"PodTopologySpread", SCORE_SPREAD, 2},
		{"InterPodAffinity", SCORE_NEIGHBOURS, 2},
		{"NodeResourcesFit", SCORE_LEAST, 1},
		{"NodeResourcesBalancedAllocation", SCORE_BALANCED, 1},
		{"ImageLocality", SCORE_IMAGES, 1},
	};
	struct scores all = {{1, 1, 1, 1, 1, 1, 1}};

	for (size_t i = 0; i < COUNT(rows); i++)
		CHECK_EQ(rows[i].what, score_weights[rows[i].score], rows[i].want);
	CHECK_EQ("all together", scores_total(&all), 12);
}

TEST(taints_that_are_only_wished_for_cost)
{
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"the fewer the better", "", "n1=100 n2=50 n3=0"},
		{"tolerated ones cost nothing", "'tolerations':[{'key':'a','operator':'Exists'}]",
			"n1=100 n2=100 n3=0"},
		{"none is left", "'tolerations':[{'operator':'Exists'}]", "n1=100 n2=100 n3=100"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", rows[i].spec);
		char got[256];

		cluster_make(&cluster, 3);
		cluster_set(&cluster, "n2", "spec", "taints",
			"[{'key':'a','effect':'PreferNoSchedule'}]");
		cluster_set(&cluster, "n3", "spec", "taints",
			"[{'key':'a','effect':'PreferNoSchedule'},"
			"{'key':'b','effect':'PreferNoSchedule'}]");
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_TAINTS, got), rows[i].want);
	}
}

#define WISH(weight, key, value)                                                               \
	"{'weight':" weight ",'preference':{'matchExpressions':[{'key':'" key "','operator':'" \
	"In','values':['" value "']}]}}"
#define WISHES(list)                                                                               \
	"'affinity':{'nodeAffinity':{'preferredDuringSchedulingIgnoredDuringExecution':[" list "]" \
	"}"                                                                                        \
	"}"

TEST(preferred_nodes_count)
{
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"nothing is preferred", "", "n1=0 n2=0 n3=0"},
		{"one node is", WISHES(WISH("7", "host", "n2")), "n1=0 n2=100 n3=0"},
		{"weights add up", WISHES(WISH("20", "zone", "z1") "," WISH("40", "host", "n2")),
			"n1=33 n2=100 n3=0"},
		{"an empty one prefers nothing", WISHES("{'weight':9,'preference':{}}"),
			"n1=0 n2=0 n3=0"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", rows[i].spec);
		char got[256];

		cluster_make(&cluster, 3);
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_PLACEMENT, got),
			rows[i].want);
	}
}

TEST(wishes_for_neighbours_count_on_both_sides)
{
	/* n1 runs "db"; n3 runs "web", which wishes for "new" nearby, and "cat", which does not. */
	static const struct {
		const char *what, *app, *spec, *of_web, *of_cat, *want;
	} rows[] = {
		{"nobody wishes", "new", "", "", "", "n1=0 n2=0 n3=0"},
		{"near", "new", PREFERRED("podAffinity", "10", TERM("db", "host")), "", "",
			"n1=100 n2=0 n3=0"},
		{"in its zone", "new", PREFERRED("podAffinity", "10", TERM("db", "zone")), "", "",
			"n1=100 n2=100 n3=0"},
		{"apart", "new", PREFERRED("podAntiAffinity", "10", TERM("db", "host")), "", "",
			"n1=0 n2=100 n3=100"},
		{"another wishes for it", "new", "",
			PREFERRED("podAffinity", "10", TERM("new", "host")), "",
			"n1=0 n2=0 n3=100"},
		{"another requires it", "new", "", REQUIRED("podAffinity", TERM("new", "host")), "",
			"n1=0 n2=0 n3=100"},
		{"another wishes it away", "new", "", "",
			PREFERRED("podAntiAffinity", "10", TERM("new", "host")),
			"n1=100 n2=100 n3=0"},
		{"both add up", "new", PREFERRED("podAffinity", "30", TERM("db", "host")),
			PREFERRED("podAffinity", "10", TERM("new", "host")), "",
			"n1=100 n2=0 n3=33"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", rows[i].app, "", rows[i].spec);
		char got[256];

		cluster_make(&cluster, 3);
		pod_put(&cluster, "db", "db", "", "n1", "");
		pod_put(&cluster, "web", "web", "", "n3", rows[i].of_web);
		pod_put(&cluster, "cat", "cat", "", "n3", rows[i].of_cat);
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_NEIGHBOURS, got),
			rows[i].want);
	}
}

TEST(crowded_topologies_are_avoided)
{
	/* Two of its kind on n1, one on n2, none on n3 of the other zone; n4 has no zone. */
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"nothing is wished for", "", "n1=0 n2=0 n3=0 n4=0"},
		{"hosts", SPREAD("kubernetes.io/hostname", "1", "ScheduleAnyway"),
			"n1=0 n2=50 n3=100 n4=100"},
		{"zones; without the label last", SPREAD("zone", "1", "ScheduleAnyway"),
			"n1=0 n2=0 n3=100 n4=0"},
		{"what must be is no wish", SPREAD("zone", "1", "DoNotSchedule"),
			"n1=0 n2=0 n3=0 n4=0"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", rows[i].spec);
		char got[256];

		cluster_make(&cluster, 4);
		cluster_set(&cluster, "n4", "metadata", "labels",
			"{'host':'n4','kubernetes.io/hostname':'n4'}");
		pod_put(&cluster, "a", "new", "", "n1", "");
		pod_put(&cluster, "b", "new", "", "n1", "");
		pod_put(&cluster, "c", "new", "", "n2", "");
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_SPREAD, got), rows[i].want);
	}
}

TEST(who_says_nothing_is_spread_by_its_services_and_its_controller)
{
	static const struct {
		const char *what, *service, *replica_set, *want;
	} rows[] = {
		{"nobody chooses it", "{'app':'other'}", "{'app':'other'}", "n1=0 n2=0 n3=0"},
		{"a Service without selector", "{}", "{}", "n1=0 n2=0 n3=0"},
		{"a Service does", "{'app':'new'}", "{}", "n1=50 n2=75 n3=100"},
		{"its ReplicaSet does", "{'app':'other'}", "{'app':'new'}", "n1=50 n2=75 n3=100"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", "");
		char got[256], text[512];

		cluster_make(&cluster, 3);
		snprintf(text, sizeof(text),
			"{'metadata':{'namespace':'d','name':'s'},'spec':{'selector':%s}}",
			rows[i].service);
		cluster_put(cluster.services, text);
		snprintf(text, sizeof(text),
			"{'metadata':{'namespace':'d','name':'r'},'spec':{'selector':{'matchLabels'"
			":%s}}}",
			rows[i].replica_set);
		cluster_put(cluster.replica_sets, text);
		if (strcmp(rows[i].replica_set, "{'app':'new'}") == 0)
			json_object_set_new(json_object_get(pod, "metadata"), "ownerReferences",
				json_quoted(
					"[{'kind':'ReplicaSet','name':'r','controller':true}]"));
		pod_put(&cluster, "a", "new", "", "n1", "");
		pod_put(&cluster, "b", "new", "", "n1", "");
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_SPREAD, got), rows[i].want);
	}
}

TEST(what_is_left_is_shared_out)
{
	/* n1: nothing is asked for yet; n2: half of the CPUs. */
	static const struct {
		const char *what, *cpu;
		enum score score;
		const char *want;
	} rows[] = {
		{"the most is left on n1", "500m", SCORE_LEAST, "n1=85 n2=57"},
		{"what asks for nothing counts a little", "", SCORE_LEAST, "n1=95 n2=67"},
		{"CPU and memory alike", "500m", SCORE_BALANCED, "n1=87 n2=62"},
		{"what asks for nothing is balanced anywhere", "", SCORE_BALANCED, "n1=0 n2=0"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", rows[i].cpu, "");
		char got[256];

		cluster_make(&cluster, 2);
		pod_put(&cluster, "a", "a", "1", "n2", "");
		CHECK_STR(
			rows[i].what, score_text(&cluster, pod, rows[i].score, got), rows[i].want);
	}
}

TEST(images_that_are_there_count)
{
	/* 512 MiB on n1; a digest of 2 GiB on both. */
	static const struct {
		const char *what, *image, *want;
	} rows[] = {
		{"one node has it", "example.com/a:1", "n1=23 n2=0"},
		{"a short name", "nginx", "n1=23 n2=0"},
		{"with its tag", "library/nginx:latest", "n1=23 n2=0"},
		{"another tag", "nginx:1", "n1=0 n2=0"},
		{"both have it, and it is large", "example.com/b@sha256:1", "n1=100 n2=100"},
		{"nobody has it", "example.com/c", "n1=0 n2=0"},
		{"too small to matter", "example.com/d", "n1=0 n2=0"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", "");
		json_t *container = json_array_get(
			json_object_get(json_object_get(pod, "spec"), "containers"), 0);
		char got[256];

		json_object_set_new(container, "image", json_string(rows[i].image));
		cluster_make(&cluster, 2);
		cluster_set(&cluster, "n1", "status", "images",
			"[{'names':['example.com/a:1'],'sizeBytes':536870912},"
			"{'names':['docker.io/library/nginx:latest'],'sizeBytes':536870912},"
			"{'names':['example.com/d:latest'],'sizeBytes':1048576},"
			"{'names':['example.com/b@sha256:1'],'sizeBytes':2147483648}]");
		cluster_set(&cluster, "n2", "status", "images",
			"[{'names':['example.com/b@sha256:1'],'sizeBytes':2147483648}]");
		CHECK_STR(rows[i].what, score_text(&cluster, pod, SCORE_IMAGES, got), rows[i].want);
	}
}
