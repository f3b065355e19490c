// SPDX-License-Identifier: Apache-2.0
/* The cluster, kept up to date change by change, is what it would be if it were read anew. */
#include "tests/cluster.h"

static long long cpu_on(const struct cluster *cluster, const char *node)
{
	const struct snapshot_node *found = snapshot_node_find(cluster->snapshot, node);

	return found ? (long long)found->requested.amount[RESOURCE_CPU] : -1;
}

TEST(what_is_assumed_counts_until_it_is_true_or_not)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON pod = pod_make("p", "a", "500m", "");
	AUTO_JSON bound = pod_on("p", "a", "500m", "n1", "");
	AUTO_JSON another = pod_make("p", "a", "500m", "");
	struct snapshot_node *node;

	json_object_set_new(json_object_get(another, "metadata"), "uid", json_string("other"));
	cluster_make(&cluster, 2);
	node = snapshot_node_find(cluster.snapshot, "n1");
	CHECK_EQ("it is assumed", snapshot_assume(cluster.snapshot, pod, node), 0);
	CHECK_EQ("it counts", cpu_on(&cluster, "n1"), 500);
	cluster_put_pod(&cluster, pod);
	CHECK_EQ("what is not known yet changes nothing", cpu_on(&cluster, "n1"), 500);
	cluster_put_pod(&cluster, bound);
	CHECK_EQ("it counts once", cpu_on(&cluster, "n1"), 500);
	snapshot_forget(cluster.snapshot, "d/p");
	CHECK_EQ("what is true is not forgotten", cpu_on(&cluster, "n1"), 500);
	snapshot_remove_pod(cluster.snapshot, "d/p");
	CHECK_EQ("it goes", cpu_on(&cluster, "n1"), 0);
	snapshot_assume(cluster.snapshot, pod, node);
	snapshot_forget(cluster.snapshot, "d/p");
	CHECK_EQ("what was refused is forgotten", cpu_on(&cluster, "n1"), 0);
	snapshot_assume(cluster.snapshot, pod, node);
	cluster_put_pod(&cluster, another);
	CHECK_EQ("another one of that name is not there", cpu_on(&cluster, "n1"), 0);
}

TEST(pods_count_on_nodes_that_come_later)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	AUTO_JSON done = pod_on("p", "a", "500m", "n1", "");

	cluster_make(&cluster, 0);
	pod_put(&cluster, "p", "a", "500m", "n1", "");
	CHECK_EQ("there is no node", cluster.snapshot->count, 0);
	cluster_put_node(&cluster, "{'metadata':{'name':'n1'},'status':{}}");
	CHECK_EQ("there is", cluster.snapshot->count, 1);
	CHECK_EQ("its Pod counts", cpu_on(&cluster, "n1"), 500);
	snapshot_remove_node(cluster.snapshot, "n1");
	CHECK_EQ("there is none", cluster.snapshot->count, 0);
	CHECK_EQ("its Pods are remembered", cpu_on(&cluster, "n1"), 500);
	json_object_set_new(json_object_get(done, "status"), "phase", json_string("Succeeded"));
	cluster_put_pod(&cluster, done);
	CHECK_EQ("without them it is forgotten", cpu_on(&cluster, "n1"), -1);
}

TEST(images_are_counted_over_nodes)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;

	cluster_make(&cluster, 2);
	cluster_set(&cluster, "n1", "status", "images", "[{'names':['a','b'],'sizeBytes':1}]");
	cluster_set(&cluster, "n2", "status", "images", "[{'names':['a'],'sizeBytes':1}]");
	CHECK_EQ("two have it", json_integer_at(cluster.snapshot->images, "a", 0), 2);
	CHECK_EQ("one has it", json_integer_at(cluster.snapshot->images, "b", 0), 1);
	cluster_set(&cluster, "n1", "status", "images", "[]");
	CHECK_EQ("it is gone there", json_integer_at(cluster.snapshot->images, "a", 0), 1);
	snapshot_remove_node(cluster.snapshot, "n2");
	CHECK_EQ("nobody has it", json_object_size(cluster.snapshot->images), 0);
}

static unsigned chance_next(unsigned *state)
{
	*state = *state * 1103515245 + 12345;
	return *state >> 16;
}

/* What is known of all nodes and classes, in an order that does not depend on how it came so. */
static json_t *snapshot_text(const struct snapshot *snapshot)
{
	json_t *ret = json_object();

	for (size_t i = 0; i < snapshot->count; i++) {
		const struct snapshot_node *node = snapshot->nodes[i];

		json_object_set_new(ret, node->name,
			json_pack("{s:I, s:I, s:I, s:I}", "cpu",
				(json_int_t)node->requested.amount[RESOURCE_CPU], "memory",
				(json_int_t)node->shown.amount[RESOURCE_MEMORY], "pods",
				(json_int_t)node->pod_count, "count",
				(json_int_t)node->requested.pods));
	}
	for (size_t i = 0; i < snapshot->class_count; i++)
		for (size_t j = 0; j < snapshot->classes[i]->count; j++) {
			const struct class_place *place = &snapshot->classes[i]->places[j];
			char key[600];

			snprintf(key, sizeof(key), "%s on %s", snapshot->classes[i]->key,
				place->node->name);
			json_object_set_new(ret, key, json_integer(place->count));
		}
	return ret;
}

TEST(changes_in_any_order_come_to_the_same)
{
	AUTO_CLEANUP(cluster_free) struct cluster cluster;
	json_t *pods[40] = {0};
	unsigned state = 7;

	cluster_make(&cluster, 5);
	for (unsigned step = 0; step < 2000; step++) {
		unsigned which = chance_next(&state) % COUNT(pods);
		char name[16], key[32], app[16], cpu[16], node[16];

		snprintf(name, sizeof(name), "p%u", which);
		snprintf(key, sizeof(key), "d/%s", name);
		snprintf(app, sizeof(app), "a%u", chance_next(&state) % 4);
		snprintf(cpu, sizeof(cpu), "%um", chance_next(&state) % 100);
		snprintf(node, sizeof(node), "n%u", chance_next(&state) % 5 + 1);
		json_decref(pods[which]);
		pods[which] = NULL;
		if (chance_next(&state) % 3 == 0) {
			snapshot_remove_pod(cluster.snapshot, key);
			continue;
		}
		pods[which] = pod_on(name, app, cpu, node, "");
		cluster_put_pod(&cluster, pods[which]);
	}
	{
		AUTO_CLEANUP(cluster_free) struct cluster anew;
		AUTO_JSON want = NULL;
		AUTO_JSON got = snapshot_text(cluster.snapshot);

		cluster_make(&anew, 5);
		for (size_t i = 0; i < COUNT(pods); i++)
			if (pods[i])
				cluster_put_pod(&anew, pods[i]);
		want = snapshot_text(anew.snapshot);
		CHECK("as if read anew", json_equal(got, want));
	}
	for (size_t i = 0; i < COUNT(pods); i++)
		json_decref(pods[i]);
}
