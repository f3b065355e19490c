// SPDX-License-Identifier: Apache-2.0
#include "user/agent/cluster.h"

#include <stdlib.h>
#include <string.h>

#include "user/agent/clusterstate.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"
#include "user/cluster/slices.h"
#include "user/model/name.h"

#define PATIENCE   USEC_PER_SEC
#define SAVE_SOON  (500 * USEC_PER_MSEC)
#define SAVE_EVERY (5 * USEC_PER_SEC)

static const char *const followed[] = {
	[FOLLOWED_PODS] = "/api/v1/pods",
	[FOLLOWED_SERVICES] = "/api/v1/services",
	[FOLLOWED_SLICES] = "/apis/discovery.k8s.io/v1/endpointslices",
};

/* --- what is known --- */

static bool follower_is_synced(const struct follower *follower)
{
	return follower->informer && informer_is_synced(follower->informer);
}

static const json_t *follower_objects(const struct follower *follower)
{
	return follower_is_synced(follower) ? informer_objects(follower->informer) : follower->kept;
}

bool cluster_has_pods(const struct cluster *cluster)
{
	return follower_is_synced(&cluster->followers[FOLLOWED_PODS]);
}

bool cluster_is_unsure(const struct agent *agent)
{
	return agent->cluster && !cluster_has_pods(agent->cluster);
}

uint64_t cluster_patience(const struct agent *agent)
{
	const struct cluster *cluster = agent->cluster;
	uint64_t until = cluster ? cluster->begun + PATIENCE : 0;

	if (!cluster || clock_now() >= until ||
		(follower_is_synced(&cluster->followers[FOLLOWED_SERVICES]) &&
			follower_is_synced(&cluster->followers[FOLLOWED_SLICES])))
		return 0;
	return until;
}

const json_t *cluster_services(const struct agent *agent)
{
	return agent->cluster ? follower_objects(&agent->cluster->followers[FOLLOWED_SERVICES])
			      : NULL;
}

const json_t *cluster_slices(const struct agent *agent, const char *key)
{
	struct cluster *cluster = agent->cluster;

	if (!cluster)
		return NULL;
	if (!cluster->slices)
		cluster->slices =
			slices_index(follower_objects(&cluster->followers[FOLLOWED_SLICES]));
	return json_object_get(cluster->slices, key);
}

const struct object *cluster_source(
	const struct agent *agent, enum object_kind kind, const char *namespace, const char *name)
{
	return agent->cluster && agent->cluster->references
		       ? references_get(agent->cluster->references, kind, namespace, name)
		       : NULL;
}

/* --- what is kept for the next podnetd --- */

static json_t *record_of(const json_t *objects)
{
	json_t *record = json_object(), *object;
	const char *key;

	json_object_foreach ((json_t *)objects, key, object)
		if (json_object_set_new(record, key, slices_slim(object)) < 0) {
			json_decref(record);
			return NULL;
		}
	return record;
}

void cluster_save(struct agent *agent)
{
	struct cluster *cluster = agent->cluster;
	AUTO_JSON record = NULL;
	AUTO_JSON sources = NULL;

	if (!cluster || !cluster->references)
		return;
	record = json_pack("{s:o, s:o}", "services", record_of(cluster_services(agent)), "slices",
		record_of(follower_objects(&cluster->followers[FOLLOWED_SLICES])));
	store_write(agent, STORE_CLUSTER, record);
	sources = references_record(cluster->references);
	store_write(agent, STORE_SOURCES, sources);
}

static void save_due(void *userdata)
{
	struct cluster *cluster = userdata;

	cluster->saved = clock_now();
	cluster_save(cluster->agent);
}

/* Soon after the first change, and no more often than it is worth. */
static void save_soon(struct cluster *cluster)
{
	uint64_t soon = clock_now() + SAVE_SOON, next = cluster->saved + SAVE_EVERY;

	timer_arm(cluster->save_timer, cluster->saved && next > soon ? next : soon);
}

static int cluster_load(struct cluster *cluster, struct err *err)
{
	AUTO_JSON record = NULL;
	int r = store_read(cluster->agent, STORE_CLUSTER, &record, err);

	if (r == 0)
		r = store_read(cluster->agent, STORE_SOURCES, &cluster->sources, err);
	if (r < 0)
		return r;
	cluster->followers[FOLLOWED_SERVICES].kept =
		json_incref(json_object_get(record, "services"));
	cluster->followers[FOLLOWED_SLICES].kept = json_incref(json_object_get(record, "slices"));
	return 0;
}

/* --- following --- */

static void pods_due(void *userdata)
{
	struct cluster *cluster = userdata;

	pods_sync(cluster->agent);
	orphans_look(cluster->agent);
}

static void services_due(void *userdata)
{
	struct cluster *cluster = userdata;

	cluster->slices = (json_decref(cluster->slices), NULL);
	services_sync(cluster->agent);
}

static void follower_look(struct follower *follower)
{
	struct cluster *cluster = follower->cluster;

	if (follower->kind == FOLLOWED_PODS) {
		timer_arm(cluster->pods_timer, 0);
		return;
	}
	timer_arm(cluster->services_timer, 0);
	save_soon(cluster);
}

static void follower_changed(void *userdata, const json_t *object, const json_t *old)
{
	struct follower *follower = userdata;

	if (follower->kind == FOLLOWED_PODS)
		clusterpods_told(follower->cluster, object, old);
	follower_look(follower);
}

static void follower_synced(void *userdata)
{
	struct follower *follower = userdata;

	json_decref(follower->kept);
	follower->kept = NULL;
	if (follower->kind == FOLLOWED_PODS)
		clusterpods_listed(follower->cluster);
	follower_look(follower);
}

static void follower_lost(void *userdata, const char *message)
{
	const struct follower *follower = userdata;
	struct cluster *cluster = follower->cluster;

	if (message[0]) {
		log_warning("cannot follow %s: %s, what is known of it goes on to count",
			followed[follower->kind], message);
		return;
	}
	log_info("following %s again", followed[follower->kind]);
	membership_hurry(cluster->membership);
	events_hurry(cluster->events);
	if (follower->kind == FOLLOWED_PODS)
		podwrites_hurry_all(cluster->writes);
}

static const struct informer_events follower_events = {
	.changed = follower_changed,
	.synced = follower_synced,
	.lost = follower_lost,
};

static void sources_changed(void *userdata)
{
	struct cluster *cluster = userdata;

	save_soon(cluster);
	timer_arm(cluster->pods_timer, 0); /* some have waited for it */
	node_sources_changed(cluster->agent->node);
}

/* Mirrors name the Node as their owner. */
static void node_registered(void *userdata)
{
	struct cluster *cluster = userdata;

	podwrites_hurry_all(cluster->writes);
}

/* --- Services that are not served --- */

void cluster_service_refused(struct agent *agent, const char *key, const char *uid, const char *why)
{
	struct cluster *cluster = agent->cluster;
	const char *slash = strchr(key, '/');
	AUTO_FREE char *namespace = strndup(key, (size_t)(slash - key));
	struct event event = {
		.kind = "Service",
		.namespace = namespace,
		.name = slash + 1,
		.uid = uid,
		.warning = true,
		.reason = "NotServed",
		.message = why,
	};

	if (!namespace || strcmp(json_string_at(cluster->refused, key, ""), why) == 0 ||
		json_object_set_new(cluster->refused, key, json_any_text(why)) < 0)
		return;
	log_warning("the API server's %s; it is not served here", why);
	if (cluster->events)
		events_add(cluster->events, &event);
	else
		json_object_del(cluster->refused, key);
}

void cluster_service_served(struct agent *agent, const char *key)
{
	json_object_del(agent->cluster->refused, key);
}

/* --- life --- */

static int cluster_client(struct cluster *cluster, struct err *err)
{
	const char *path = cluster->agent->options->kubeconfig;
	AUTO_CLEANUP(kubeconfig_clear) struct kubeconfig config = {0};
	struct client_config client;
	int r = kubeconfig_read(path, &config, err);

	if (r < 0)
		return r;
	if (kubeconfig_client(&config, &client, err) < 0)
		return err_wrap(err, "kubeconfig '%s'", path);
	r = client_new(cluster->agent->loop, &client, &cluster->client, err);
	return r < 0 ? r
		     : renewal_new(cluster->client, cluster->agent->worker, path, &config,
			       cluster->agent->options->node_name, &cluster->renewal, err);
}

static int cluster_timers(struct cluster *cluster, struct err *err)
{
	sd_event *loop = cluster->agent->loop;
	int r = timer_new(loop, pods_due, cluster, &cluster->pods_timer, err);

	if (r == 0)
		r = timer_new(loop, services_due, cluster, &cluster->services_timer, err);
	return r == 0 ? timer_new(loop, save_due, cluster, &cluster->save_timer, err) : r;
}

int cluster_open(struct agent *agent, struct err *err)
{
	struct cluster *cluster;
	int r;

	if (!agent->options->kubeconfig || agent->options->remove)
		return 0;
	if (name_dns_subdomain(agent->options->node_name))
		return err_refuse(err, EINVAL, "--node-name '%s': %s", agent->options->node_name,
			name_dns_subdomain(agent->options->node_name));
	cluster = calloc(1, sizeof(*cluster));
	if (!cluster)
		return err_set(err, ENOMEM, "join a cluster");
	agent->cluster = cluster;
	cluster->agent = agent;
	cluster->over = json_object();
	cluster->refusals = json_object();
	cluster->refused = json_object();
	for (size_t i = 0; i < FOLLOWED_COUNT; i++)
		cluster->followers[i] =
			(struct follower){.cluster = cluster, .kind = (enum followed)i};
	if (!cluster->over || !cluster->refusals || !cluster->refused)
		return err_set(err, ENOMEM, "join a cluster");
	r = cluster_client(cluster, err);
	if (r == 0)
		r = cluster_timers(cluster, err);
	return r == 0 ? cluster_load(cluster, err) : r;
}

static int cluster_join(struct cluster *cluster, struct err *err)
{
	struct agent *agent = cluster->agent;
	struct membership_config config = {
		.node_name = agent->options->node_name,
		.pod_cidr = agent->options->pod_cidr,
		.state_dir = agent->options->state_dir,
		.version = PODNET_VERSION,
		.address = agent->node_config.host_ip,
		.registered = node_registered,
		.images = nodeimages_look,
		.userdata = cluster,
	};
	int r = events_new(cluster->client, agent->options->node_name, &cluster->events, err);

	if (r == 0 && (podwrites_new(cluster->client, &clusterpods_writes, cluster,
			       &cluster->writes) < 0 ||
			      references_new(cluster->client, cluster->sources, sources_changed,
				      cluster, &cluster->references) < 0))
		r = err_set(err, ENOMEM, "join a cluster");
	return r == 0 ? membership_new(cluster->client, &config, &cluster->membership, err) : r;
}

int cluster_begin(struct agent *agent, struct err *err)
{
	struct cluster *cluster = agent->cluster;
	AUTO_FREE char *query =
		fs_format("fieldSelector=spec.nodeName%%3D%s", agent->options->node_name);
	int r;

	if (!cluster) {
		clusterpods_left(agent);
		return 0;
	}
	cluster->begun = clock_now();
	r = query ? cluster_join(cluster, err) : err_set(err, ENOMEM, "join a cluster");
	for (size_t i = 0; r == 0 && i < FOLLOWED_COUNT; i++)
		if (informer_new(cluster->client, followed[i], i == FOLLOWED_PODS ? query : "",
			    &follower_events, &cluster->followers[i],
			    &cluster->followers[i].informer) < 0)
			r = err_set(err, ENOMEM, "join a cluster");
	if (r < 0)
		return r;
	clusterpods_sync(agent);
	if (json_object_size(cluster->sources))
		node_sources_changed(agent->node);
	return 0;
}

struct cluster *cluster_free(struct cluster *cluster)
{
	if (!cluster)
		return NULL;
	for (size_t i = 0; i < FOLLOWED_COUNT; i++) {
		informer_free(cluster->followers[i].informer);
		json_decref(cluster->followers[i].kept);
	}
	renewal_free(cluster->renewal);
	membership_free(cluster->membership);
	podwrites_free(cluster->writes);
	references_free(cluster->references);
	events_free(cluster->events);
	client_free(cluster->client);
	timer_free(cluster->pods_timer);
	timer_free(cluster->services_timer);
	timer_free(cluster->save_timer);
	json_decref(cluster->images);
	json_decref(cluster->slices);
	json_decref(cluster->sources);
	json_decref(cluster->over);
	json_decref(cluster->refusals);
	json_decref(cluster->refused);
	free(cluster);
	return NULL;
}
