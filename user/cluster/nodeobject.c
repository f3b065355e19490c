// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/nodeobject.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/cluster/machine.h"
#include "user/model/kinds.h"
#include "user/model/quantity.h"
#include "user/model/wiretime.h"

#define LEASE_SECONDS 40

/* Where the kubelet calls memory, disk and process ids scarce. */
#define MEMORY_LEAST	   (UINT64_C(100) << 20)
#define DISK_LEAST_PERCENT 10
#define PIDS_LEAST_PERCENT 5

static json_t *time_text(uint64_t wall)
{
	char text[CLOCK_RFC3339_LEN];

	clock_rfc3339(wall, text);
	return json_string(text);
}

/* --- metadata and spec --- */

static json_t *node_labels(const struct nodeobject_input *in)
{
	const char *architecture = in->machine->architecture;

	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "kubernetes.io/hostname", in->name,
		"kubernetes.io/os", "linux", "kubernetes.io/arch", architecture,
		"beta.kubernetes.io/os", "linux", "beta.kubernetes.io/arch", architecture);
}

json_t *nodeobject_new(const struct nodeobject_input *in)
{
	return json_pack("{s:s, s:s, s:{s:s, s:o}, s:{s:s, s:[s]}}", "kind", "Node", "apiVersion",
		"v1", "metadata", "name", in->name, "labels", node_labels(in), "spec", "podCIDR",
		in->pod_cidr, "podCIDRs", in->pod_cidr);
}

/* Those of @labels that @node has not, or with another value. */
static json_t *labels_missing(const json_t *labels, const json_t *node)
{
	const json_t *have = json_object_get(json_object_get(node, "metadata"), "labels");
	json_t *missing = json_object(), *value;
	const char *key;

	json_object_foreach ((json_t *)labels, key, value)
		if (!json_equal(value, json_object_get(have, key)) &&
			json_object_set(missing, key, value) < 0) {
			json_decref(missing);
			return NULL;
		}
	return missing;
}

int nodeobject_mend(const struct nodeobject_input *in, const json_t *node, json_t **ret)
{
	bool ranged = json_string_at(json_object_get(node, "spec"), "podCIDR", "")[0];
	AUTO_JSON labels = node_labels(in);
	AUTO_JSON missing = labels_missing(labels, node);
	AUTO_JSON patch = json_object();
	int r = 0;

	if (!labels || !missing || !patch)
		return -ENOMEM;
	if (json_object_size(missing))
		r |= json_object_set_new(patch, "metadata", json_pack("{s:O}", "labels", missing));
	if (!ranged)
		r |= json_object_set_new(patch, "spec",
			json_pack(
				"{s:s, s:[s]}", "podCIDR", in->pod_cidr, "podCIDRs", in->pod_cidr));
	if (r < 0)
		return -ENOMEM;
	*ret = json_object_size(patch) ? json_incref(patch) : NULL;
	return 0;
}

/* --- status --- */

/* Bytes as a quantity, rounded down to Ki, in the words that a server keeps. */
static json_t *ki(uint64_t bytes)
{
	char text[QUANTITY_TEXT_LEN];
	struct quantity quantity;

	snprintf(text, sizeof(text), "%lluKi", (unsigned long long)(bytes / 1024));
	if (quantity_parse(text, &quantity) == 0)
		quantity_text(&quantity, text);
	return json_string(text);
}

static json_t *node_resources(const struct machine *machine, uint64_t memory, uint64_t disk)
{
	return json_pack("{s:o, s:o, s:o, s:o}", "cpu", json_sprintf("%u", machine->cpus), "memory",
		ki(memory), "pods", json_sprintf("%d", NODE_PODS_MOST), "ephemeral-storage",
		ki(disk));
}

/* What Pods may have is what there is, less what makes the machine scarce. */
static json_t *node_allocatable(const struct machine *machine)
{
	uint64_t memory = machine->memory;

	memory -= memory > MEMORY_LEAST ? MEMORY_LEAST : 0;
	return node_resources(machine, memory, machine->disk / 100 * (100 - DISK_LEAST_PERCENT));
}

static json_t *node_info(const struct nodeobject_input *in)
{
	const struct machine *machine = in->machine;

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s, s:s, s:s, s:s}", "machineID",
		machine->machine_id, "systemUUID", machine->system_uuid, "bootID", machine->boot_id,
		"kernelVersion", machine->kernel, "osImage", machine->os_image,
		"containerRuntimeVersion", json_sprintf("podnet://%s", in->version),
		"kubeletVersion", KUBERNETES_VERSION, "kubeProxyVersion", KUBERNETES_VERSION,
		"operatingSystem", "linux", "architecture", machine->architecture);
}

static const json_t *condition_find(const json_t *node, const char *type)
{
	const json_t *conditions = json_object_get(json_object_get(node, "status"), "conditions");
	json_t *condition;
	size_t i;

	json_array_foreach (conditions, i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return condition;
	return NULL;
}

static bool condition_is(const json_t *was, const char *status, const char *reason)
{
	return strcmp(json_string_at(was, "status", ""), status) == 0 &&
	       strcmp(json_string_at(was, "reason", ""), reason) == 0;
}

static json_t *node_condition(const struct nodeobject_input *in, const json_t *node,
	const char *type, bool is, const char *reason, const char *message, bool *differs)
{
	const json_t *was = condition_find(node, type);
	const char *status = is ? "True" : "False";
	json_t *since = json_object_get(was, "lastTransitionTime");

	*differs |= !condition_is(was, status, reason);
	if (!since || strcmp(json_string_at(was, "status", ""), status) != 0)
		since = time_text(in->wall);
	else
		json_incref(since);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "type", type, "status", status, "reason",
		reason, "message", message, "lastHeartbeatTime", time_text(in->wall),
		"lastTransitionTime", since);
}

static json_t *node_conditions(const struct nodeobject_input *in, const json_t *node, bool *differs)
{
	const struct machine *m = in->machine;
	bool memory = m->memory && m->memory_available < MEMORY_LEAST;
	bool disk = m->disk_available < m->disk / 100 * DISK_LEAST_PERCENT;
	bool pids = m->pids_available < m->pids / 100 * PIDS_LEAST_PERCENT;

	return json_pack("[o, o, o, o]",
		node_condition(in, node, "MemoryPressure", memory,
			memory ? "KubeletHasInsufficientMemory" : "KubeletHasSufficientMemory",
			memory ? "less than 100Mi of memory is available"
			       : "there is enough memory",
			differs),
		node_condition(in, node, "DiskPressure", disk,
			disk ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
			disk ? "less than 10% of the disk is available" : "there is enough disk",
			differs),
		node_condition(in, node, "PIDPressure", pids,
			pids ? "KubeletHasInsufficientPID" : "KubeletHasSufficientPID",
			pids ? "less than 5% of the process ids are free"
			     : "there are enough process ids",
			differs),
		node_condition(
			in, node, "Ready", true, "KubeletReady", "podnetd runs Pods", differs));
}

static bool list_has(const json_t *list, const json_t *wanted)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (json_equal(item, wanted))
			return true;
	return false;
}

/* Whether @node has @value at status.@key; what it has besides does not count. */
static bool status_has(const json_t *node, const char *key, const json_t *value)
{
	const json_t *have = json_object_get(json_object_get(node, "status"), key);
	json_t *item;
	const char *name;
	size_t i;

	json_array_foreach ((json_t *)value, i, item)
		if (!list_has(have, item))
			return false;
	json_object_foreach ((json_t *)value, name, item)
		if (!json_equal(json_object_get(have, name), item) &&
			(json_object_get(have, name) || !json_is_string(item) ||
				json_string_length(item)))
			return false;
	return true;
}

/* A list as a whole: of what is gone people hear, too. */
static bool images_are(const json_t *node, const json_t *images)
{
	const json_t *have = json_object_get(json_object_get(node, "status"), "images");

	return have ? json_equal(have, images) : json_array_size(images) == 0;
}

json_t *nodeobject_status(const struct nodeobject_input *in, const json_t *node, bool *ret_differs)
{
	bool differs = false;
	json_t *conditions = node_conditions(in, node, &differs);
	json_t *status = json_pack("{s:o, s:o, s:[{s:s, s:s}, {s:s, s:s}], s:o}", "capacity",
		node_resources(in->machine, in->machine->memory, in->machine->disk), "allocatable",
		node_allocatable(in->machine), "addresses", "type", "InternalIP", "address",
		in->address, "type", "Hostname", "address", in->name, "nodeInfo", node_info(in));
	if (status && in->port)
		json_object_set_new(status, "daemonEndpoints",
			json_pack("{s:{s:i}}", "kubeletEndpoint", "Port", (int)in->port));
	const char *key;
	json_t *value;

	json_object_foreach (status, key, value)
		differs |= !status_has(node, key, value);
	if (in->images) {
		differs |= !images_are(node, in->images);
		json_object_set(status, "images", in->images);
	}
	*ret_differs = differs;
	if (!status || json_object_set_new(status, "conditions", conditions) < 0) {
		json_decref(status);
		return NULL;
	}
	return json_pack("{s:o}", "status", status);
}

/* --- lease --- */

json_t *nodeobject_lease(const struct nodeobject_input *in, const char *node_uid)
{
	char now[WIRETIME_LEN];
	json_t *lease;

	wiretime_text((int64_t)(in->wall / USEC_PER_SEC), (int32_t)(in->wall % USEC_PER_SEC) * 1000,
		1, now);
	lease = json_pack("{s:s, s:s, s:{s:s, s:s}, s:{s:s, s:i, s:s}}", "kind", "Lease",
		"apiVersion", "coordination.k8s.io/v1", "metadata", "name", in->name, "namespace",
		"kube-node-lease", "spec", "holderIdentity", in->name, "leaseDurationSeconds",
		LEASE_SECONDS, "renewTime", now);
	if (lease && node_uid[0])
		json_object_set_new(json_object_get(lease, "metadata"), "ownerReferences",
			json_pack("[{s:s, s:s, s:s, s:s}]", "apiVersion", "v1", "kind", "Node",
				"name", in->name, "uid", node_uid));
	return lease;
}
