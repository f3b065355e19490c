// SPDX-License-Identifier: Apache-2.0
/* The Node object: what is written when, and what of others is left alone. */
#include "tests/check.h"
#include "tests/json.h"
#include "user/base/clock.h"
#include "user/cluster/machine.h"
#include "user/cluster/nodeobject.h"
#include "user/model/patch.h"
#include "user/model/schema.h"

#define WALL (UINT64_C(1700000000) * USEC_PER_SEC) /* 2023-11-14T22:13:20Z */

static struct machine machine = {
	.os_image = "Debian",
	.kernel = "6.1.0",
	.architecture = "amd64",
	.machine_id = "m",
	.cpus = 2,
	.memory = UINT64_C(4) << 30,
	.memory_available = UINT64_C(2) << 30,
	.disk = UINT64_C(100) << 30,
	.disk_available = UINT64_C(50) << 30,
	.pids = 32768,
	.pids_available = 32000,
};

static struct nodeobject_input input = {
	.name = "node-1",
	.address = "192.0.2.1",
	.pod_cidr = "10.244.0.0/24",
	.version = "1",
	.machine = &machine,
	.wall = WALL,
};

static const struct {
	const char *what, *node, *patch; /* NULL: none */
} mends[] = {
	{"labels and a range are given to a Node without",
		"{'metadata':{'labels':{'disk':'fast'}},'spec':{'taints':[]}}",
		"{\"metadata\":{\"labels\":{\"kubernetes.io/hostname\":\"node-1\",\"kubernetes.io/"
		"os\":"
		"\"linux\",\"kubernetes.io/arch\":\"amd64\",\"beta.kubernetes.io/os\":\"linux\","
		"\"beta.kubernetes.io/arch\":\"amd64\"}},\"spec\":{\"podCIDR\":\"10.244.0.0/24\","
		"\"podCIDRs\":[\"10.244.0.0/24\"]}}"},
	{"one that was changed is set right, a range that somebody gave stays",
		"{'metadata':{'labels':{'kubernetes.io/hostname':'node-1','kubernetes.io/"
		"os':'plan9',"
		"'kubernetes.io/arch':'amd64','beta.kubernetes.io/os':'linux',"
		"'beta.kubernetes.io/arch':'amd64','disk':'fast'}},'spec':{'podCIDR':'10.1.0.0/"
		"24'}}",
		"{\"metadata\":{\"labels\":{\"kubernetes.io/os\":\"linux\"}}}"},
	{"one that is right is left alone",
		"{'metadata':{'labels':{'kubernetes.io/hostname':'node-1','kubernetes.io/"
		"os':'linux',"
		"'kubernetes.io/arch':'amd64','beta.kubernetes.io/os':'linux',"
		"'beta.kubernetes.io/arch':'amd64'}},'spec':{'podCIDR':'10.1.0.0/24'}}",
		NULL},
};

TEST(a_node_that_is_there_is_mended)
{
	for (size_t i = 0; i < COUNT(mends); i++) {
		AUTO_JSON node = json_quoted(mends[i].node);
		AUTO_JSON patch = NULL;
		AUTO_FREE char *text = NULL;

		CHECK_EQ(mends[i].what, nodeobject_mend(&input, node, &patch), 0);
		text = patch ? json_text(patch) : strdup("none");
		CHECK_STR(mends[i].what, text, mends[i].patch ? mends[i].patch : "none");
	}
}

/* The status of @node after our patch; as a server makes it. */
static json_t *patched(const json_t *node, bool *ret_differs)
{
	AUTO_JSON patch = nodeobject_status(&input, node, ret_differs);
	json_t *result = NULL;
	struct err err;

	if (!patch || patch_strategic(node, patch, &schema_node, &result, &err) < 0)
		BAIL("the status is no patch");
	return result;
}

static const char *condition_text(const json_t *node, const char *type, const char *key)
{
	json_t *condition;
	size_t i;

	json_array_foreach (
		json_object_get(json_object_get(node, "status"), "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return json_string_at(condition, key, "");
	return "";
}

TEST(the_nodes_own_api_is_told_when_there_is_one)
{
	AUTO_JSON node = json_quoted("{'status':{}}");
	AUTO_JSON without = NULL;
	AUTO_JSON with = NULL;
	AUTO_JSON again = NULL;
	const json_t *endpoints;
	bool differs;

	without = patched(node, &differs);
	CHECK("none", !json_object_get(json_object_get(without, "status"), "daemonEndpoints"));
	input.port = 10250;
	with = patched(without, &differs);
	CHECK("one is news", differs);
	endpoints = json_object_get(json_object_get(with, "status"), "daemonEndpoints");
	CHECK_EQ("where it listens",
		json_integer_at(json_object_get(endpoints, "kubeletEndpoint"), "Port", 0), 10250);
	again = patched(with, &differs);
	CHECK("once", !differs);
	input.port = 0;
}

TEST(the_status_is_told_when_it_changes)
{
	AUTO_JSON node =
		json_quoted("{'status':{'conditions':[{'type':'Other','status':'True'}]}}");
	AUTO_JSON first = NULL;
	AUTO_JSON second = NULL;
	AUTO_JSON third = NULL;
	const json_t *capacity;
	bool differs;

	input.wall = WALL;
	first = patched(node, &differs);
	capacity = json_object_get(json_object_get(first, "status"), "capacity");
	CHECK("the first one is news", differs);
	CHECK_STR("the node is ready", condition_text(first, "Ready", "status"), "True");
	CHECK_STR("since now", condition_text(first, "Ready", "lastTransitionTime"),
		"2023-11-14T22:13:20Z");
	CHECK_STR("conditions of others stay", condition_text(first, "Other", "status"), "True");
	CHECK_STR("memory in the server's words", json_string_at(capacity, "memory", ""), "4Gi");

	json_array_append_new(json_object_get(json_object_get(first, "status"), "addresses"),
		json_pack("{s:s, s:s}", "type", "ExternalIP", "address", "198.51.100.1"));
	input.wall = WALL + 60 * USEC_PER_SEC;
	second = patched(first, &differs);
	CHECK("a heartbeat is none, nor what others have added", !differs);
	CHECK_STR("it has a time", condition_text(second, "Ready", "lastHeartbeatTime"),
		"2023-11-14T22:14:20Z");
	CHECK_STR("and the change keeps its own",
		condition_text(second, "Ready", "lastTransitionTime"), "2023-11-14T22:13:20Z");

	machine.memory_available = 1 << 20;
	third = patched(second, &differs);
	machine.memory_available = UINT64_C(2) << 30;
	CHECK("memory that runs out is news", differs);
	CHECK_STR("pressure", condition_text(third, "MemoryPressure", "status"), "True");
	CHECK_STR("since then", condition_text(third, "MemoryPressure", "lastTransitionTime"),
		"2023-11-14T22:14:20Z");
}

TEST(images_are_told_as_a_whole)
{
	AUTO_JSON node = json_quoted("{'status':{}}");
	AUTO_JSON two =
		json_quoted("[{'names':['b'],'sizeBytes':2},{'names':['a'],'sizeBytes':1}]");
	AUTO_JSON one = json_quoted("[{'names':['a'],'sizeBytes':1}]");
	AUTO_JSON none = NULL;
	AUTO_JSON first = NULL;
	AUTO_JSON second = NULL;
	AUTO_JSON third = NULL;
	bool differs;

	none = patched(node, &differs);
	CHECK("without a store nothing is said",
		!json_object_get(json_object_get(none, "status"), "images"));
	input.images = two;
	first = patched(none, &differs);
	CHECK("they are news", differs);
	second = patched(first, &differs);
	CHECK("once", !differs);
	input.images = one;
	third = patched(second, &differs);
	CHECK("one that is gone is news", differs);
	CHECK("it is gone there, too",
		json_equal(json_object_get(json_object_get(third, "status"), "images"), one));
	input.images = NULL;
}

TEST(a_lease_names_its_holder_and_node)
{
	AUTO_JSON lease = NULL;
	AUTO_FREE char *text = NULL;

	input.wall = WALL + 5;
	lease = nodeobject_lease(&input, "u1");
	text = json_text(lease);
	CHECK_STR("all of it", text,
		"{\"kind\":\"Lease\",\"apiVersion\":\"coordination.k8s.io/"
		"v1\",\"metadata\":{\"name\":"
		"\"node-1\",\"namespace\":\"kube-node-lease\",\"ownerReferences\":[{\"apiVersion\":"
		"\"v1\",\"kind\":\"Node\",\"name\":\"node-1\",\"uid\":\"u1\"}]},\"spec\":{"
		"\"holderIdentity\":\"node-1\",\"leaseDurationSeconds\":40,\"renewTime\":"
		"\"2023-11-14T22:13:20.000005Z\"}}");
}
