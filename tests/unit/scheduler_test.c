// SPDX-License-Identifier: Apache-2.0
/* Nodes and Pods in, the node for one more Pod out, or why there is none. */
#include "tests/cluster.h"

#define AFFINITY(terms)                                                           \
	"'affinity':{'nodeAffinity':{'requiredDuringSchedulingIgnoredDuringExecu" \
	"tion':{'nodeSelectorTerms':[" terms "]}}}"
#define EXPRESSION(key, operator, values) \
	"{'matchExpressions':[{'key':'" key "','operator':'" operator"'" values "}]}"
#define NAMED(operator, name) \
	"{'matchFields':[{'key':'metadata.name','operator':'" operator"','values':['" name "']}]}"
#define NOT_SELECTED " node(s) didn't match Pod's node affinity/selector."

/* sig-scheduling: SchedulerPredicates validates that NodeSelector is respected if matching; if not matching */
TEST(predicates_nodeselector_is_respected)
{
	/* Two nodes; number is 1 on n1, 2 on n2; only n2 has a disk. */
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"its label matches", "'nodeSelector':{'host':'n2'}", "n2"},
		{"no node matches", "'nodeSelector':{'host':'n9'}",
			"0/2 nodes are available: 2" NOT_SELECTED},
		{"all labels must match", "'nodeSelector':{'host':'n2','zone':'z9'}",
			"0/2 nodes are available: 2" NOT_SELECTED},
		{"In", AFFINITY(EXPRESSION("host", "In", ",'values':['n9','n2']")), "n2"},
		{"NotIn", AFFINITY(EXPRESSION("host", "NotIn", ",'values':['n1']")), "n2"},
		{"NotIn takes nodes without the label",
			AFFINITY(EXPRESSION("disk", "NotIn", ",'values':['ssd']")), "n1"},
		{"Exists", AFFINITY(EXPRESSION("disk", "Exists", "")), "n2"},
		{"DoesNotExist", AFFINITY(EXPRESSION("disk", "DoesNotExist", "")), "n1"},
		{"Gt", AFFINITY(EXPRESSION("number", "Gt", ",'values':['1']")), "n2"},
		{"Lt", AFFINITY(EXPRESSION("number", "Lt", ",'values':['2']")), "n1"},
		{"no number is neither", AFFINITY(EXPRESSION("host", "Lt", ",'values':['2']")),
			"0/2 nodes are available: 2" NOT_SELECTED},
		{"one term of several",
			AFFINITY(
				EXPRESSION("x", "Exists", "") "," EXPRESSION("disk", "Exists", "")),
			"n2"},
		{"an empty term selects nothing", AFFINITY("{}"),
			"0/2 nodes are available: 2" NOT_SELECTED},
		{"a name", AFFINITY(NAMED("In", "n2")), "n2"},
		{"all but a name", AFFINITY(NAMED("NotIn", "n1")), "n2"},
		{"a name that is not there", AFFINITY(NAMED("In", "n9")),
			"0/2 nodes are available: 2 node(s) didn't satisfy plugin(s) "
			"[NodeAffinity]."},
		{"both selector and affinity",
			"'nodeSelector':{'host':'n1'}," AFFINITY(EXPRESSION("disk", "Exists", "")),
			"0/2 nodes are available: 2" NOT_SELECTED},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 2);
		cluster_set(&cluster, "n2", "metadata", "labels",
			"{'host':'n2','number':'2','disk':'ssd'}");
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(taints_keep_off_who_does_not_tolerate_them)
{
	static const struct {
		const char *what, *taints, *spec, *want;
	} rows[] = {
		{"one without toleration", "[{'key':'k','value':'v','effect':'NoSchedule'}]", "",
			"0/1 nodes are available: 1 node(s) had untolerated taint {k: v}."},
		{"NoExecute, too", "[{'key':'k','effect':'NoExecute'}]", "",
			"0/1 nodes are available: 1 node(s) had untolerated taint {k: }."},
		{"one that is only wished for", "[{'key':'k','effect':'PreferNoSchedule'}]", "",
			"n1"},
		{"Equal needs the value", "[{'key':'k','value':'v','effect':'NoSchedule'}]",
			"'tolerations':[{'key':'k','value':'w'}]",
			"0/1 nodes are available: 1 node(s) had untolerated taint {k: v}."},
		{"Equal", "[{'key':'k','value':'v','effect':'NoSchedule'}]",
			"'tolerations':[{'key':'k','value':'v'}]", "n1"},
		{"Exists", "[{'key':'k','value':'v','effect':'NoSchedule'}]",
			"'tolerations':[{'key':'k','operator':'Exists','effect':'NoSchedule'}]",
			"n1"},
		{"another effect", "[{'key':'k','value':'v','effect':'NoSchedule'}]",
			"'tolerations':[{'key':'k','operator':'Exists','effect':'NoExecute'}]",
			"0/1 nodes are available: 1 node(s) had untolerated taint {k: v}."},
		{"everything",
			"[{'key':'k','effect':'NoSchedule'},{'key':'l','effect':'NoExecute'}]",
			"'tolerations':[{'operator':'Exists'}]", "n1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 1);
		cluster_set(&cluster, "n1", "spec", "taints", rows[i].taints);
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(an_unschedulable_node_takes_nobody_new)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "new", "100m", "");
	AUTO_JSON tolerant = pod_make("p", "new", "100m",
		"'tolerations':[{'key':'node.kubernetes.io/unschedulable','operator':'Exists'}]");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 1);
	cluster_set(&cluster, "n1", "spec", "unschedulable", "true");
	CHECK_STR("refused", choose(&cluster, pod, got),
		"0/1 nodes are available: 1 node(s) were unschedulable.");
	CHECK_STR("tolerated", choose(&cluster, tolerant, got), "n1");
	snapshot_remove_node(cluster.snapshot, "n1");
	CHECK_STR("without any", choose(&cluster, pod, got), "no nodes available to schedule pods");
}

#define ASKS(requests) "'containers':[{'name':'c','resources':{'requests':{" requests "}}}]"

/* sig-scheduling: SchedulerPredicates validates resource limits of pods that are allowed to run */
TEST(predicates_resource_limits_of_pods_that_are_allowed_to_run)
{
	/* n1 has 2 CPUs, 4 GiB, 3 Pods, 2 devices, of which "old" takes 1500m and one device. */
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"what is left", ASKS("'cpu':'500m'"), "n1"},
		{"more than is left", ASKS("'cpu':'501m'"),
			"0/1 nodes are available: 1 Insufficient cpu."},
		{"more than there is", ASKS("'memory':'5Gi'"),
			"0/1 nodes are available: 1 Insufficient memory."},
		{"each lack is named", ASKS("'cpu':'3','memory':'5Gi'"),
			"0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."},
		{"disk that the node does not tell", ASKS("'ephemeral-storage':'1'"),
			"0/1 nodes are available: 1 Insufficient ephemeral-storage."},
		{"nothing", ASKS(""), "n1"},
		{"a device", ASKS("'example.com/device':'1'"), "n1"},
		{"devices in use", ASKS("'example.com/device':'2'"),
			"0/1 nodes are available: 1 Insufficient example.com/device."},
		{"an unknown device", ASKS("'example.com/other':'1'"),
			"0/1 nodes are available: 1 Insufficient example.com/other."},
		{"the largest init container",
			ASKS("'cpu':'1m'") ",'initContainers':[{'name':'i','resources':{'requests':"
					   "{'cpu':'501m'}}}]",
			"0/1 nodes are available: 1 Insufficient cpu."},
		{"what comes on top", ASKS("'cpu':'400m'") ",'overhead':{'cpu':'101m'}",
			"0/1 nodes are available: 1 Insufficient cpu."},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "", "");
		AUTO_JSON spec = NULL;
		char got[SCHEDULE_MESSAGE], text[2048];

		snprintf(text, sizeof(text), "{%s}", rows[i].spec);
		spec = json_quoted(text);
		json_object_update(json_object_get(pod, "spec"), spec);
		cluster_make(&cluster, 1);
		cluster_set(&cluster, "n1", "status", "allocatable",
			"{'cpu':'2','memory':'4Gi','pods':'3','example.com/device':'2'}");
		pod_put(&cluster, "old", "a", "1500m", "n1", "");
		pod_put(&cluster, "user", "a", "0", "n1",
			"'initContainers':[{'name':'i','resources':{'requests':{'example.com/"
			"device':'1'}}}]");
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(a_node_has_a_number_of_pods)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "new", "3", "");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 2);
	cluster_set(
		&cluster, "n1", "status", "allocatable", "{'cpu':'2','memory':'4Gi','pods':'1'}");
	pod_put(&cluster, "old", "a", "100m", "n1", "");
	CHECK_STR("beside another reason", choose(&cluster, pod, got),
		"0/2 nodes are available: 1 Too many pods, 2 Insufficient cpu.");
}

#define PORT(more) "'containers':[{'name':'c','ports':[{'containerPort':80," more "}]}]"

/*
 * sig-scheduling: SchedulerPredicates validates that there exists conflict between pods with same hostPort and
 * protocol but one using 0.0.0.0 hostIP
 */
TEST(predicates_conflict_between_pods_with_same_hostport)
{
	static const char taken[] = "0/1 nodes are available: 1 node(s) didn't have free ports for "
				    "the requested pod ports.";
	static const struct {
		const char *what, *a, *b, *want;
	} rows[] = {
		{"the same", PORT("'hostPort':80"), PORT("'hostPort':80"), taken},
		{"another port", PORT("'hostPort':80"), PORT("'hostPort':81"), "n1"},
		{"another protocol", PORT("'hostPort':80"), PORT("'hostPort':80,'protocol':'UDP'"),
			"n1"},
		{"another address", PORT("'hostPort':80,'hostIP':'10.0.0.1'"),
			PORT("'hostPort':80,'hostIP':'10.0.0.2'"), "n1"},
		{"the same address", PORT("'hostPort':80,'hostIP':'10.0.0.1'"),
			PORT("'hostPort':80,'hostIP':'10.0.0.1'"), taken},
		{"one at all addresses", PORT("'hostPort':80,'hostIP':'10.0.0.1'"),
			PORT("'hostPort':80,'hostIP':'0.0.0.0'"), taken},
		{"all addresses first", PORT("'hostPort':80"),
			PORT("'hostPort':80,'hostIP':'10.0.0.1'"), taken},
		{"a port of the Pod alone", PORT("'name':'a'"), PORT("'name':'b'"), "n1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON first = pod_make("a", "a", "", "");
		AUTO_JSON second = pod_make("b", "a", "", "");
		char got[SCHEDULE_MESSAGE], text[512];
		AUTO_JSON of_first = NULL;
		AUTO_JSON of_second = NULL;

		snprintf(text, sizeof(text), "{'nodeName':'n1',%s}", rows[i].a);
		of_first = json_quoted(text);
		snprintf(text, sizeof(text), "{%s}", rows[i].b);
		of_second = json_quoted(text);
		json_object_update(json_object_get(first, "spec"), of_first);
		json_object_update(json_object_get(second, "spec"), of_second);
		cluster_make(&cluster, 1);
		cluster_put_pod(&cluster, first);
		CHECK_STR(rows[i].what, choose(&cluster, second, got), rows[i].want);
	}
}

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
		{"near two that are not one", "new",
			REQUIRED("podAffinity", TERM("db", "zone") "," TERM("alone", "zone")),
			"0/4 nodes are available: 4 node(s) didn't match pod affinity rules."},
		{"apart from another's zone", "new",
			REQUIRED("podAntiAffinity", TERM("db", "zone")), "n3"},
		{"apart from everybody", "new",
			REQUIRED("podAntiAffinity",
				"{'labelSelector':{},'topologyKey':'host'}") ",'nodeSelector':"
									     "{'zone':'z1'}",
			"0/4 nodes are available: 2 node(s) didn't match Pod's node "
			"affinity/selector, 2 node(s) didn't match pod anti-affinity rules."},
		{"without a selector from nobody", "new",
			REQUIRED("podAntiAffinity", "{'topologyKey':'zone'}") ",'nodeSelector':{"
									      "'host':'n1'}",
			"n1"},
		{"kept off by another", "web", "'nodeSelector':{'zone':'z1'}",
			"0/4 nodes are available: 2 node(s) didn't match Pod's node "
			"affinity/selector, "
			"2 node(s) didn't satisfy existing pods anti-affinity rules."},
		{"keys stand in the selector already", "db",
			"'nodeSelector':{'host':'n1'}," REQUIRED("podAffinity",
				"{'labelSelector':{'matchLabels':{'app':'db'}},"
				"'mismatchLabelKeys':['app'],'topologyKey':'host'}"),
			"n1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", rows[i].app, "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		cluster_make(&cluster, 4);
		pod_put(&cluster, "db", "db", "", "n1", "");
		pod_put(&cluster, "alone", "alone", "100m", "n2",
			REQUIRED("podAntiAffinity", TERM("web", "zone")));
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(terms_mean_namespaces)
{
	/* A Pod of namespace e is on n1, which has label team=a; ours is of namespace d. */
	static const struct {
		const char *what, *more, *want;
	} rows[] = {
		{"its own without any word", "",
			"0/1 nodes are available: 1 node(s) didn't match pod affinity rules."},
		{"one that is named", ",'namespaces':['e']", "n1"},
		{"one that is selected", ",'namespaceSelector':{'matchLabels':{'team':'a'}}", "n1"},
		{"others", ",'namespaceSelector':{'matchLabels':{'team':'b'}}",
			"0/1 nodes are available: 1 node(s) didn't match pod affinity rules."},
		{"all", ",'namespaceSelector':{}", "n1"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON other = pod_on("o", "db", "", "n1", "");
		AUTO_JSON pod = NULL;
		char got[SCHEDULE_MESSAGE], text[512];

		snprintf(text, sizeof(text),
			REQUIRED("podAffinity", "{'labelSelector':{'matchLabels':{'app':'db'}},"
						"'topologyKey':'host'%s}"),
			rows[i].more);
		pod = pod_make("p", "new", "", text);
		json_object_set_new(
			json_object_get(other, "metadata"), "namespace", json_string("e"));
		cluster_make(&cluster, 1);
		cluster_put(cluster.namespaces, "{'metadata':{'name':'e','labels':{'team':'a'}}}");
		cluster_put_pod(&cluster, other);
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(the_first_of_a_group_may_begin_anywhere)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod =
		pod_make("p", "self", "100m", REQUIRED("podAffinity", TERM("self", "host")));
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 2);
	CHECK_STR("it does", choose(&cluster, pod, got), "n1");
	pod_put(&cluster, "first", "self", "1900m", "n2", "");
	CHECK_STR("the second is where the first is", choose(&cluster, pod, got), "n2");
}

#define SKEWED "node(s) didn't match pod topology spread constraints"

TEST(spreading_keeps_the_skew)
{
	/* One of its kind is on n1; n3 and n4, of the other zone, are full but for 500m and 400m. */
	static const struct {
		const char *what, *spec, *want;
	} rows[] = {
		{"it must", SPREAD("zone", "1", "DoNotSchedule"), "n3"},
		{"it is wished for", SPREAD("zone", "1", "ScheduleAnyway"), "n3"},
		{"more skew is allowed, then resources decide",
			SPREAD("zone", "3", "DoNotSchedule"), "n2"},
		{"without the label", SPREAD("rack", "1", "DoNotSchedule"),
			"0/4 nodes are available: 4 " SKEWED " (missing required label)."},
		{"where it may not be, nothing counts",
			SPREAD("zone", "1", "DoNotSchedule") ",'nodeSelector':{'zone':'z1'}", "n2"},
		{"where it may not be, all counts by policy",
			SPREAD_MORE("zone", "1", "DoNotSchedule",
				",'nodeAffinityPolicy':'Ignore'") ",'nodeSelector':{'zone':'z1'}",
			"0/4 nodes are available: 2 node(s) didn't match Pod's node "
			"affinity/selector, 2 " SKEWED "."},
		{"too few domains", SPREAD_MORE("zone", "1", "DoNotSchedule", ",'minDomains':3"),
			"n3"},
		{"too few domains, and all have one",
			SPREAD_MORE("zone", "1", "DoNotSchedule",
				",'minDomains':3") ",'nodeSelector':{'zone':'z1'}",
			"0/4 nodes are available: 2 node(s) didn't match Pod's node "
			"affinity/selector, 2 " SKEWED "."},
		{"its own version alone",
			SPREAD_MORE("zone", "1", "DoNotSchedule",
				",'matchLabelKeys':['version']") ",'nodeSelector':{'zone':'z1'}",
			"n2"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		AUTO_CLEANUP(cluster_free) struct cluster cluster;
		AUTO_JSON pod = pod_make("p", "new", "100m", rows[i].spec);
		char got[SCHEDULE_MESSAGE];

		json_object_set_new(meta_labels(pod), "version", json_string("2"));
		cluster_make(&cluster, 4);
		pod_put(&cluster, "a", "new", "100m", "n1", "");
		pod_put(&cluster, "b", "other", "1500m", "n3", "");
		pod_put(&cluster, "c", "other", "1600m", "n4", "");
		CHECK_STR(rows[i].what, choose(&cluster, pod, got), rows[i].want);
	}
}

TEST(spreading_leaves_out_what_is_tainted_and_who_goes)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON honor = pod_make("p", "new", "",
		SPREAD_MORE("zone", "1", "DoNotSchedule", ",'nodeTaintsPolicy':'Honor'"));
	AUTO_JSON ignore = pod_make("p", "new", "", SPREAD("zone", "1", "DoNotSchedule"));
	AUTO_JSON goes = pod_on("a", "new", "", "n1", "");
	char got[SCHEDULE_MESSAGE];

	cluster_make(&cluster, 4);
	cluster_set(&cluster, "n3", "spec", "taints", "[{'key':'k','effect':'NoSchedule'}]");
	cluster_set(&cluster, "n4", "spec", "taints", "[{'key':'k','effect':'NoSchedule'}]");
	cluster_put_pod(&cluster, goes);
	CHECK_STR("the tainted zone counts", choose(&cluster, ignore, got),
		"0/4 nodes are available: 2 " SKEWED ", 2 node(s) had untolerated taint {k: }.");
	CHECK_STR("by policy it does not", choose(&cluster, honor, got), "n2");
	goes = (json_decref(goes), pod_on("a", "new", "", "n1", ""));
	json_object_set_new(json_object_get(goes, "metadata"), "deletionTimestamp",
		json_string("2026-01-01T00:00:00Z"));
	cluster_put_pod(&cluster, goes);
	CHECK_STR("who goes does not count", choose(&cluster, ignore, got), "n2");
}

TEST(in_a_large_cluster_some_nodes_are_enough)
{
	CHECK_EQ("all of few", schedule_enough(99), 99);
	CHECK_EQ("a hundred at least", schedule_enough(120), 100);
	CHECK_EQ("42 % of 1,000", schedule_enough(1000), 420);
	CHECK_EQ("5 % of very many", schedule_enough(20000), 1000);
}

TEST(each_search_begins_where_the_last_ended)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "new", "100m", "");
	AUTO_CLEANUP(choice_clear) struct choice first = {0};
	AUTO_CLEANUP(choice_clear) struct choice second = {0};

	cluster_make(&cluster, 150);
	CHECK_EQ("it finds one", schedule_choose(cluster.snapshot, pod, 0, &first), 0);
	CHECK_STR("the first", first.node->name, "n1");
	CHECK_EQ("it finds another", schedule_choose(cluster.snapshot, pod, 0, &second), 0);
	CHECK_STR("behind the hundredth", second.node->name, "n101");
}
