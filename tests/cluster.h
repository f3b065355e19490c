/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes and Pods for a scheduler, out of few words. */
#pragma once

#include "tests/json.h"
#include "user/control/filter.h"
#include "user/control/owned.h"
#include "user/control/schedule.h"
#include "user/control/score.h"
#include "user/control/snapshot.h"

#define CLUSTER_TEXT 1024

struct cluster {
	struct snapshot *snapshot;
	json_t *namespaces, *services, *replica_sets, *budgets;
};

static inline void cluster_put_node(struct cluster *cluster, const char *text)
{
	AUTO_JSON node = json_quoted(text);

	if (snapshot_put_node(cluster->snapshot, node) < 0)
		BAIL("no memory");
}

/* "n1", "n2", ...: 2 CPUs, 4 GiB, 10 Pods; n1 and n2 are in zone z1, n3 and n4 in z2, ... */
static inline void cluster_make(struct cluster *cluster, unsigned nodes)
{
	*cluster = (struct cluster){
		snapshot_new(), json_object(), json_object(), json_object(), json_object()};
	if (!cluster->snapshot)
		BAIL("no memory");
	cluster->snapshot->namespaces = cluster->namespaces;
	cluster->snapshot->services = cluster->services;
	cluster->snapshot->replica_sets = cluster->replica_sets;
	cluster->snapshot->budgets = cluster->budgets;
	for (unsigned i = 1; i <= nodes; i++) {
		char text[CLUSTER_TEXT];

		snprintf(text, sizeof(text),
			"{'metadata':{'name':'n%u','labels':{'host':'n%u','zone':'z%u','number':'%"
			"u',"
			"'kubernetes.io/hostname':'n%u','topology.kubernetes.io/zone':'z%u'}},"
			"'spec':{},'status':{'allocatable':{'cpu':'2','memory':'4Gi','pods':'10'}}"
			"}",
			i, i, (i + 1) / 2, i, i, (i + 1) / 2);
		cluster_put_node(cluster, text);
	}
}

static inline void cluster_free(struct cluster *cluster)
{
	snapshot_free(cluster->snapshot);
	json_decref(cluster->namespaces);
	json_decref(cluster->services);
	json_decref(cluster->replica_sets);
	json_decref(cluster->budgets);
}

/* node.@part.@key becomes @text. */
static inline void cluster_set(struct cluster *cluster, const char *node, const char *part,
	const char *key, const char *text)
{
	AUTO_JSON copy = json_deep_copy(snapshot_node_find(cluster->snapshot, node)->node);

	json_object_set_new(json_object_get(copy, part), key, json_quoted(text));
	if (snapshot_put_node(cluster->snapshot, copy) < 0)
		BAIL("no memory");
}

/* In one of cluster's objects: @text, as "namespace/name". */
static inline void cluster_put(json_t *objects, const char *text)
{
	json_t *object = json_quoted(text);
	char key[256];

	snprintf(key, sizeof(key), "%s/%s", meta_text(object, "namespace"),
		meta_text(object, "name"));
	json_object_set_new(objects, key, object);
}

/* A Pod of namespace d with label app=@app that asks for @cpu ("": nothing); @spec: more of its spec. */
static inline json_t *pod_make(const char *name, const char *app, const char *cpu, const char *spec)
{
	char text[4 * CLUSTER_TEXT], requests[128] = "";

	if (cpu[0])
		snprintf(requests, sizeof(requests), ",'resources':{'requests':{'cpu':'%s'}}", cpu);
	snprintf(text, sizeof(text),
		"{'metadata':{'name':'%s','namespace':'d','uid':'%s','labels':{'app':'%s'}},'spec':"
		"{'containers':[{'name':'c','image':'i'%s}]%s%s},'status':{}}",
		name, name, app, requests, spec[0] ? "," : "", spec);
	return json_quoted(text);
}

/* One that is on @node already. */
static inline json_t *pod_on(
	const char *name, const char *app, const char *cpu, const char *node, const char *spec)
{
	json_t *pod = pod_make(name, app, cpu, spec);

	json_object_set_new(json_object_get(pod, "spec"), "nodeName", json_string(node));
	return pod;
}

static inline void cluster_put_pod(struct cluster *cluster, const json_t *pod)
{
	if (snapshot_put_pod(cluster->snapshot, pod) < 0)
		BAIL("no memory");
}

static inline void pod_put(struct cluster *cluster, const char *name, const char *app,
	const char *cpu, const char *node, const char *spec)
{
	AUTO_JSON pod = pod_on(name, app, cpu, node, spec);

	cluster_put_pod(cluster, pod);
}

/* The name of the node for @pod, or why there is none. */
static inline const char *choose(
	struct cluster *cluster, const json_t *pod, char ret[SCHEDULE_MESSAGE])
{
	AUTO_CLEANUP(choice_clear) struct choice choice = {0};

	cluster->snapshot->start = 0;
	if (schedule_choose(cluster->snapshot, pod, 0, &choice) < 0)
		BAIL("no memory");
	snprintf(ret, SCHEDULE_MESSAGE, "%s", choice.node ? choice.node->name : choice.message);
	return ret;
}

#define TERM(app, key) "{'labelSelector':{'matchLabels':{'app':'" app "'}},'topologyKey':'" key "'}"
#define REQUIRED(which, term) \
	"'affinity':{'" which "':{'requiredDuringSchedulingIgnoredDuringExecution':[" term "]}}"
#define PREFERRED(which, weight, term)                                            \
	"'affinity':{'" which                                                     \
	"':{'preferredDuringSchedulingIgnoredDuringExecution':[{'weight':" weight \
	",'podAffinityTerm':" term "}]}}"
#define SPREAD_MORE(key, skew, how, more)                                      \
	"'topologySpreadConstraints':[{'maxSkew':" skew ",'topologyKey':'" key \
	"','whenUnsatisfiable':'" how "','labelSelector':{'matchLabels':{'app':'new'}}" more "}]"
#define SPREAD(key, skew, how) SPREAD_MORE(key, skew, how, "")
