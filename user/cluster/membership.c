// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/membership.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/client/informer.h"
#include "user/cluster/machine.h"
#include "user/cluster/nodeobject.h"
#include "user/cluster/writer.h"

#define LOOK_EVERY   (10 * USEC_PER_SEC)  /* at what the machine has */
#define STATUS_EVERY (300 * USEC_PER_SEC) /* told though nothing has changed */
#define LEASE_EVERY  (10 * USEC_PER_SEC)

struct membership {
	struct membership_config config;
	char address[INET_ADDRSTRLEN];
	unsigned port; /* of the node's API; 0: none */
	struct informer *node;
	struct writer *object, *lease;
	struct machine machine;
	uint64_t told;	  /* clock_now() of the last status that was taken */
	uint64_t renewed; /* of the last Lease */
	bool lease_missing;
	enum { OBJECT_CREATE, OBJECT_MEND, OBJECT_STATUS } writing;
};

static const json_t *membership_node(const struct membership *membership)
{
	return informer_get(membership->node, "", membership->config.node_name);
}

const char *membership_node_uid(const struct membership *membership)
{
	return json_string_at(json_object_get(membership_node(membership), "metadata"), "uid", "");
}

static struct nodeobject_input membership_input(const struct membership *membership)
{
	return (struct nodeobject_input){
		.name = membership->config.node_name,
		.address = membership->address,
		.port = membership->port,
		.pod_cidr = membership->config.pod_cidr,
		.version = membership->config.version,
		.machine = &membership->machine,
		.wall = clock_wall(),
	};
}

/* --- the Node object --- */

static bool object_write(struct membership *membership, const char *method, const char *sub,
	const char *type, json_t *body, struct write *ret)
{
	bool create = membership->writing == OBJECT_CREATE;

	*ret = (struct write){
		.method = method,
		.target = writer_target(
			"", "v1", NULL, "nodes", create ? NULL : membership->config.node_name, sub),
		.content_type = type,
		.body = body,
	};
	return true;
}

static bool object_plan_status(struct membership *membership, const struct nodeobject_input *input,
	const json_t *node, struct write *ret)
{
	uint64_t due = membership->told + STATUS_EVERY;
	bool differs;
	json_t *patch = nodeobject_status(input, node, &differs);

	if (patch && !differs && membership->told && clock_now() < due) {
		json_decref(patch);
		return false;
	}
	membership->writing = OBJECT_STATUS;
	return object_write(membership, "PATCH", "status", CLIENT_STRATEGIC_PATCH, patch, ret);
}

static bool object_plan(void *userdata, struct write *ret)
{
	struct membership *membership = userdata;
	struct nodeobject_input input = membership_input(membership);
	const json_t *node = membership_node(membership);
	json_t *patch = NULL;
	int r;

	if (!informer_is_synced(membership->node))
		return false;
	writer_look_at(membership->object, clock_now() + LOOK_EVERY);
	machine_read(membership->config.state_dir, &membership->machine);
	input.images = membership->config.images(membership->config.userdata);
	if (!node) {
		membership->writing = OBJECT_CREATE;
		return object_write(
			membership, "POST", NULL, CLIENT_JSON, nodeobject_new(&input), ret);
	}
	r = nodeobject_mend(&input, node, &patch);
	if (r == 0 && !patch)
		return object_plan_status(membership, &input, node, ret);
	membership->writing = OBJECT_MEND;
	return object_write(membership, "PATCH", NULL, CLIENT_MERGE_PATCH, patch, ret);
}

/* The next plan waits until the informer has seen what was written. */
static enum written object_done(void *userdata, const struct client_answer *answer)
{
	struct membership *membership = userdata;

	if (answer->status < 300) {
		if (membership->writing == OBJECT_STATUS)
			membership->told = clock_now();
		return WRITTEN_LATER;
	}
	/* 409: it was made meanwhile; 404: it was deleted. */
	return answer->status == 409 || answer->status == 404 ? WRITTEN_LATER : WRITTEN_FAILED;
}

static const struct writer_events object_events = {.plan = object_plan, .done = object_done};

/* Its addresses would be routed to another node. */
static void node_check_range(const struct membership *membership, const json_t *node)
{
	const char *ours = membership->config.pod_cidr;
	const char *range = json_string_at(json_object_get(node, "spec"), "podCIDR", ours);

	if (strcmp(range, ours) != 0)
		log_warning("node '%s' has spec.podCIDR %s in the cluster, and --pod-cidr is %s",
			membership->config.node_name, range, ours);
}

static void node_changed(void *userdata, const json_t *object, const json_t *old)
{
	struct membership *membership = userdata;
	const char *uid = json_string_at(json_object_get(object, "metadata"), "uid", "");
	const char *was = json_string_at(json_object_get(old, "metadata"), "uid", "");

	if (object && strcmp(uid, was) != 0) {
		log_info("this machine is node '%s' of the cluster", membership->config.node_name);
		node_check_range(membership, object);
		if (membership->config.registered)
			membership->config.registered(membership->config.userdata);
	}
	writer_hurry(membership->object);
	writer_look(membership->object);
}

static void node_synced(void *userdata)
{
	struct membership *membership = userdata;

	writer_look(membership->object);
}

static const struct informer_events node_events = {
	.changed = node_changed,
	.synced = node_synced,
};

/* --- the Lease --- */

static bool lease_plan(void *userdata, struct write *ret)
{
	struct membership *membership = userdata;
	struct nodeobject_input input = membership_input(membership);
	uint64_t due = membership->renewed + LEASE_EVERY;
	bool create = membership->lease_missing;

	if (membership->renewed && clock_now() < due) {
		writer_look_at(membership->lease, due);
		return false;
	}
	*ret = (struct write){
		.method = create ? "POST" : "PATCH",
		.target = writer_target("coordination.k8s.io", "v1", "kube-node-lease", "leases",
			create ? NULL : input.name, NULL),
		.content_type = create ? CLIENT_JSON : CLIENT_MERGE_PATCH,
		.body = nodeobject_lease(&input, membership_node_uid(membership)),
	};
	return true;
}

static enum written lease_done(void *userdata, const struct client_answer *answer)
{
	struct membership *membership = userdata;
	bool missing = !membership->lease_missing && answer->status == 404;

	if (answer->status < 300)
		membership->renewed = clock_now();
	else if (!missing && answer->status != 409)
		return WRITTEN_FAILED;
	membership->lease_missing = missing;
	return WRITTEN;
}

static const struct writer_events lease_events = {.plan = lease_plan, .done = lease_done};

/* --- life --- */

static int membership_open(struct membership *membership, struct client *client)
{
	AUTO_FREE char *query =
		fs_format("fieldSelector=metadata.name%%3D%s", membership->config.node_name);
	int r = query ? 0 : -ENOMEM;

	if (r == 0)
		r = writer_new(client, 0, &object_events, membership, &membership->object);
	if (r == 0)
		r = writer_new(client, 0, &lease_events, membership, &membership->lease);
	if (r == 0)
		r = informer_new(client, "/api/v1/nodes", query, &node_events, membership,
			&membership->node);
	if (r == 0)
		writer_look(membership->lease);
	return r;
}

int membership_new(struct client *client, const struct membership_config *config,
	struct membership **ret, struct err *err)
{
	struct membership *membership = calloc(1, sizeof(*membership));
	int r = membership ? 0 : -ENOMEM;

	if (r == 0) {
		membership->config = *config;
		inet_ntop(AF_INET, &config->address, membership->address,
			sizeof(membership->address));
		r = membership_open(membership, client);
	}
	if (r < 0) {
		membership_free(membership);
		return err_set(err, -r, "join the cluster as '%s'", config->node_name);
	}
	*ret = membership;
	return 0;
}

void membership_serve(struct membership *membership, unsigned port)
{
	membership->port = port;
}

struct membership *membership_free(struct membership *membership)
{
	if (!membership)
		return NULL;
	informer_free(membership->node);
	writer_free(membership->object);
	writer_free(membership->lease);
	free(membership);
	return NULL;
}

void membership_hurry(struct membership *membership)
{
	writer_hurry(membership->object);
	writer_hurry(membership->lease);
}
