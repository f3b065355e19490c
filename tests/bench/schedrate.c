// SPDX-License-Identifier: Apache-2.0
/*
 * schedrate NODES PODS: how fast Pods are given nodes, in a snapshot, by one core; "RATE" Pods a second.  The Pods
 * belong to ReplicaSets of a hundred each, behind a Service each, as most do: they are spread over hosts and zones.
 * What was chosen for one counts for the next.
 */
#include <stdio.h>
#include <stdlib.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/json.h"
#include "user/control/schedule.h"
#include "user/control/snapshot.h"

#define GROUP 100 /* Pods of a ReplicaSet */

static void die(const char *what)
{
	fprintf(stderr, "schedrate: %s\n", what);
	exit(1);
}

static unsigned number_of(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (!*text || *end || number < 1 || number > 1000000)
		die("NODES and PODS are numbers from 1 to 1000000");
	return (unsigned)number;
}

static void node_add(struct snapshot *snapshot, unsigned i)
{
	AUTO_JSON node = json_pack("{s:{s:o, s:{s:o, s:o, s:s}}, s:{}, s:{s:{s:s, s:s, s:s}}}",
		"metadata", "name", json_sprintf("node-%u", i), "labels", "kubernetes.io/hostname",
		json_sprintf("node-%u", i), "topology.kubernetes.io/zone",
		json_sprintf("zone-%u", i % 3), "kubernetes.io/os", "linux", "spec", "status",
		"allocatable", "cpu", "32", "memory", "128Gi", "pods", "110");

	if (!node || snapshot_put_node(snapshot, node) < 0)
		die("no memory");
}

static json_t *group_of(const char *kind, unsigned group)
{
	json_t *labels = json_pack("{s:o}", "app", json_sprintf("app-%u", group));
	json_t *selector = kind[0] == 'R' ? json_pack("{s:o}", "matchLabels", labels) : labels;

	return json_pack("{s:s, s:{s:s, s:o}, s:{s:o}}", "kind", kind, "metadata", "namespace",
		"default", "name", json_sprintf("app-%u", group), "spec", "selector", selector);
}

static void groups_add(json_t *objects, const char *kind, unsigned pods)
{
	char key[64];

	for (unsigned group = 0; group * GROUP < pods; group++) {
		snprintf(key, sizeof(key), "default/app-%u", group);
		if (json_object_set_new(objects, key, group_of(kind, group)) < 0)
			die("no memory");
	}
}

static json_t *pod_new(unsigned i)
{
	json_t *pod = json_pack("{s:{s:s, s:o, s:o, s:{s:o}, s:[{s:s, s:o, s:b}]}, s:{s:[{s:s, s:s,"
				" s:{s:{s:s, s:s}}}], s:[{s:s, s:s, s:s}]}, s:{}}",
		"metadata", "namespace", "default", "name", json_sprintf("pod-%u", i), "uid",
		json_sprintf("%u", i), "labels", "app", json_sprintf("app-%u", i / GROUP),
		"ownerReferences", "kind", "ReplicaSet", "name", json_sprintf("app-%u", i / GROUP),
		"controller", 1, "spec", "containers", "name", "a", "image", "example.com/a:1",
		"resources", "requests", "cpu", "100m", "memory", "200Mi", "tolerations", "key",
		"node.kubernetes.io/not-ready", "operator", "Exists", "effect", "NoExecute",
		"status");

	if (!pod)
		die("no memory");
	return pod;
}

static double rate(struct snapshot *snapshot, json_t *const *pods, unsigned count)
{
	uint64_t began = clock_now();

	for (unsigned i = 0; i < count; i++) {
		AUTO_CLEANUP(choice_clear) struct choice choice = {0};

		if (schedule_choose(snapshot, pods[i], i, &choice) < 0)
			die("no memory");
		if (!choice.node)
			die(choice.message);
		if (snapshot_assume(snapshot, pods[i], choice.node) < 0)
			die("no memory");
	}
	return count / ((double)(clock_now() - began) / USEC_PER_SEC);
}

int main(int argc, char **argv)
{
	struct snapshot *snapshot = snapshot_new();
	AUTO_JSON services = json_object();
	AUTO_JSON replica_sets = json_object();
	unsigned nodes, count;
	json_t **pods;

	if (argc != 3)
		die("usage: schedrate NODES PODS");
	nodes = number_of(argv[1]);
	count = number_of(argv[2]);
	pods = calloc(count, sizeof(pods[0]));
	if (!snapshot || !pods)
		die("no memory");
	for (unsigned i = 0; i < nodes; i++)
		node_add(snapshot, i);
	for (unsigned i = 0; i < count; i++)
		pods[i] = pod_new(i);
	groups_add(services, "Service", count);
	groups_add(replica_sets, "ReplicaSet", count);
	snapshot->services = services;
	snapshot->replica_sets = replica_sets;
	printf("%.0f\n", rate(snapshot, pods, count));
	snapshot_free(snapshot);
	for (unsigned i = 0; i < count; i++)
		json_decref(pods[i]);
	free(pods);
	return 0;
}
