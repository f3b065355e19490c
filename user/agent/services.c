// SPDX-License-Identifier: Apache-2.0
/* Manifests -> Services, and readiness -> endpoint states and rows. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"

#define APPLY_RETRY USEC_PER_SEC

/* --- which Services there are --- */

void services_save(struct agent *agent)
{
	AUTO_JSON record = json_pack("{s:o, s:O}", "addresses", vips_record(agent->vips), "created",
		agent->service_times);

	store_write(agent, STORE_SERVICES, record);
}

int services_load(struct agent *agent, struct err *err)
{
	AUTO_JSON record = NULL;
	int r = store_read(agent, STORE_SERVICES, &record, err);

	if (r < 0)
		return r;
	vips_load(agent->vips, json_object_get(record, "addresses"));
	agent->service_times = json_incref(json_object_get(record, "created"));
	if (!agent->service_times)
		agent->service_times = json_object();
	return agent->service_times ? 0 : err_set(err, ENOMEM, "load the Services");
}

static void service_free_one(struct agent_service *service)
{
	service_free(service->spec);
	free(service->key);
	free(service);
}

void services_free(struct agent *agent)
{
	while (agent->services) {
		struct agent_service *service = agent->services;

		agent->services = service->next;
		service_free_one(service);
	}
}

/* Its address is free for others. */
static void service_remove(struct agent *agent, struct agent_service **at)
{
	struct agent_service *service = *at;

	*at = service->next;
	vips_release(agent->vips, service->key);
	json_object_del(agent->service_times, service->key);
	service_free_one(service);
}

static struct agent_service **services_place(struct agent *agent, const char *key)
{
	struct agent_service **at = &agent->services;

	while (*at && strcmp((*at)->key, key) < 0)
		at = &(*at)->next;
	return at;
}

static struct agent_service *services_find(struct agent *agent, const char *key)
{
	struct agent_service *service = *services_place(agent, key);

	return service && strcmp(service->key, key) == 0 ? service : NULL;
}

/* Whether a manifest describes the Service @key. */
static bool key_is_described(const struct agent *agent, const char *key)
{
	const char *slash = strchr(key, '/');
	char namespace[64];

	snprintf(namespace, sizeof(namespace), "%.*s", (int)(slash - key), key);
	return manifests_find(agent->manifests, KIND_SERVICE, namespace, slash + 1) != NULL;
}

/* A manifest's Service asks for @address: who has it and is of no manifest gives it up. */
static bool services_yield(struct agent *agent, struct in_addr address)
{
	const char *holder = vips_holder(agent->vips, address);

	if (!holder || key_is_described(agent, holder))
		return false;
	if (services_find(agent, holder))
		service_remove(agent, services_place(agent, holder));
	else
		vips_release(agent->vips, holder);
	return true;
}

/* Settles the address of a new or changed Service; refusal leaves everything as it was. */
static int service_address(struct agent *agent, const char *key, const struct service *spec,
	struct in_addr *ret, bool *ret_changed, struct err *err)
{
	bool claimed;
	int r;

	ret->s_addr = 0;
	if (spec->headless) {
		*ret_changed = vips_release(agent->vips, key);
		return 0;
	}
	if (!spec->cluster_ip_given)
		return vips_take(agent->vips, key, ret, ret_changed, err);
	*ret = spec->cluster_ip;
	*ret_changed = services_yield(agent, spec->cluster_ip);
	r = vips_claim(agent->vips, key, spec->cluster_ip, &claimed, err);
	*ret_changed |= claimed;
	return r;
}

/*
 * An API server's Service has the address that the server gave it, be that of our range or not; one
 * that we gave to a manifest's it does not get.
 */
static int foreign_address(struct agent *agent, const char *key, const struct service *spec,
	struct in_addr *ret, bool *ret_changed, struct err *err)
{
	const char *holder;
	int r;

	ret->s_addr = 0;
	if (spec->headless) {
		*ret_changed = vips_release(agent->vips, key);
		return 0;
	}
	*ret = spec->cluster_ip;
	/* What an earlier podnetd knew of the cluster may be over. */
	holder = vips_holder(agent->vips, spec->cluster_ip);
	if (holder && !services_find(agent, holder) && !key_is_described(agent, holder))
		vips_release(agent->vips, holder);
	r = vips_claim(agent->vips, key, spec->cluster_ip, ret_changed, err);
	return r == -ERANGE ? 0 : r;
}

static uint64_t service_created(struct agent *agent, const char *key, bool *changed)
{
	uint64_t created = (uint64_t)json_integer_at(agent->service_times, key, 0);

	if (!created) {
		created = clock_wall();
		json_object_set_new(agent->service_times, key, json_integer((json_int_t)created));
		*changed = true;
	}
	return created;
}

/* Takes @spec and @key on success.  @revision 0: it is the API server's. */
static int service_put(struct agent *agent, struct service *spec, char *key, uint64_t revision,
	bool *changed, struct err *err)
{
	struct agent_service *service, **at;
	struct in_addr vip;
	bool address_changed;
	int r = revision ? service_address(agent, key, spec, &vip, &address_changed, err)
			 : foreign_address(agent, key, spec, &vip, &address_changed, err);

	if (r < 0)
		return r;
	*changed |= address_changed;
	service = services_find(agent, key);
	if (!service) {
		service = calloc(1, sizeof(*service));
		if (!service)
			return err_set(err, ENOMEM, "serve '%s'", key);
		at = services_place(agent, key);
		service->next = *at;
		*at = service;
		service->key = key;
		service->foreign = revision == 0;
		if (revision)
			service->created_wall = service_created(agent, key, changed);
	} else {
		service_free(service->spec);
		free(key);
	}
	service->spec = spec;
	service->vip = vip;
	service->revision = revision;
	return 0;
}

static void services_sync_entry(
	struct agent *agent, const struct manifests_entry *entry, bool *changed)
{
	const struct object_meta *meta = &entry->object->meta;
	char *key = fs_format("%s/%s", meta->namespace, meta->name);
	struct agent_service *known = key ? *services_place(agent, key) : NULL;
	struct service *spec = NULL;
	struct err err;
	int r;

	if (known && strcmp(known->key, key) == 0 && known->revision == entry->revision) {
		free(key);
		return;
	}
	r = key ? service_decode(entry->object, &spec, &err)
		: err_set(&err, ENOMEM, "read a Service");
	if (r == 0)
		r = service_put(agent, spec, key, entry->revision, changed, &err);
	if (r < 0) {
		service_free(spec);
		free(key);
		if (entry->revision == manifests_revision(agent->manifests))
			log_error("%s: line %u: %s", entry->file, entry->line, err.text);
	}
}

/* With another address it is another Service, and the old one is free for others. */
static bool foreign_has_address(const struct agent_service *service, const json_t *now)
{
	const json_t *was = json_object_get(service->spec->json, "spec");
	const char *address = json_string_at(was, "clusterIP", "");

	return strcmp(address, json_string_at(json_object_get(now, "spec"), "clusterIP", "")) == 0;
}

/* A manifest's wins over one of that name from the API server. */
static bool service_is_wanted(const struct agent *agent, const struct agent_service *service)
{
	const json_t *now = json_object_get(cluster_services(agent), service->key);
	bool described = key_is_described(agent, service->key);

	if (!service->foreign)
		return described;
	return now && !described && foreign_has_address(service, now);
}

/* Those that nobody names give their addresses back before others ask for one. */
static void services_drop_unwanted(struct agent *agent, bool *changed)
{
	struct agent_service **at = &agent->services;

	while (*at) {
		if (service_is_wanted(agent, *at)) {
			at = &(*at)->next;
			continue;
		}
		service_remove(agent, at);
		*changed = true;
	}
}

static bool entry_names_address(const struct manifests_entry *entry)
{
	return json_object_get(json_object_get(entry->object->json, "spec"), "clusterIP") != NULL;
}

/* --- those of the API server --- */

/* Names of other places, and Services that have no address (yet), are not served. */
static bool foreign_is_served(const struct service *spec)
{
	const json_t *body = json_object_get(spec->json, "spec");

	return strcmp(json_string_at(body, "type", ""), "ExternalName") != 0 &&
	       (spec->headless || spec->cluster_ip_given);
}

static int foreign_put(
	struct agent *agent, const char *key, json_t *json, bool *changed, struct err *err)
{
	struct agent_service *known = services_find(agent, key);
	AUTO_FREE char *copy = NULL;
	struct service *spec = NULL;
	struct object object;
	int r;

	if (known && known->spec->json == json)
		return 0;
	object_view(json, KIND_SERVICE, &object);
	r = service_decode(&object, &spec, err);
	if (r == 0 && !foreign_is_served(spec)) {
		if (known)
			service_remove(agent, services_place(agent, key));
		*changed |= known != NULL;
		service_free(spec);
		return 0;
	}
	copy = strdup(key);
	if (r == 0 && !copy)
		r = err_set(err, ENOMEM, "serve '%s'", key);
	if (r == 0)
		r = service_put(agent, spec, copy, 0, changed, err);
	if (r == 0)
		copy = NULL;
	else
		service_free(spec);
	return r;
}

static void foreign_sync(struct agent *agent, const char *key, json_t *json, bool *changed)
{
	const json_t *meta = json_object_get(json, "metadata");
	struct agent_service *known = services_find(agent, key);
	struct err err;

	if (known && !known->foreign) {
		err_refuse(&err, EEXIST, "service '%s': a manifest of node %s describes it, too",
			key, agent->options->node_name);
	} else if (foreign_put(agent, key, json, changed, &err) == 0) {
		cluster_service_served(agent, key);
		return;
	} else if (services_find(agent, key)) {
		/* What it was before is not what is wanted now. */
		service_remove(agent, services_place(agent, key));
		*changed = true;
	}
	cluster_service_refused(agent, key, json_string_at(meta, "uid", ""), err.text);
}

void services_sync(struct agent *agent)
{
	const struct manifests_entry *entries;
	bool changed = false;
	const char *key;
	json_t *json;
	size_t count;

	services_drop_unwanted(agent, &changed);
	entries = manifests_entries(agent->manifests, &count);
	/* Addresses that are asked for by name go first, so that no free choice takes them. */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < count; i++)
			if (entries[i].object->kind == KIND_SERVICE &&
				entry_names_address(&entries[i]) == named)
				services_sync_entry(agent, &entries[i], &changed);
	json_object_foreach ((json_t *)cluster_services(agent), key, json)
		foreign_sync(agent, key, json, &changed);
	if (changed)
		services_save(agent);
	timer_arm(agent->apply_timer, 0);
}

/* --- keeping the data plane so --- */

bool services_was_ready(void *userdata, struct in_addr address)
{
	const struct agent *agent = userdata;
	AUTO_FREE struct dp_endpoint *endpoints = NULL;
	size_t count;
	struct err err;

	if (datapath_endpoints(agent->datapath, &endpoints, &count, &err) < 0) {
		log_warning("%s, taking %s for not ready", err.text, inet_ntoa(address));
		return false;
	}
	for (size_t i = 0; i < count; i++)
		if (endpoints[i].address.s_addr == address.s_addr)
			return endpoints[i].state == ENDPOINT_READY;
	return false;
}

void services_grace(void *userdata)
{
	struct agent *agent = userdata;
	struct err err;

	/* Without the wait nothing is freed; the next change waits again. */
	if (datapath_grace(agent->datapath, &err) < 0)
		log_warning("%s, retired entries wait", err.text);
}

static void grace_done(void *arg)
{
	struct agent *agent = arg;

	datapath_reclaim(agent->datapath);
}

static int services_apply_now(struct agent *agent)
{
	bool retired = false;
	struct err err;
	int r = backends_apply(agent, &retired, &err);

	if (r < 0)
		log_error("data plane: %s", err.text);
	udpsockets_look(agent);
	if (retired && worker_post(agent->worker, services_grace, grace_done, NULL, agent) < 0)
		log_warning("no memory to wait for a grace period, retired entries wait");
	return r;
}

void services_apply(void *userdata)
{
	struct agent *agent = userdata;
	uint64_t patience = cluster_patience(agent);

	if (!agent->scanned)
		return;
	if (patience) {
		timer_arm(agent->apply_timer, patience);
		return;
	}
	if (services_apply_now(agent) < 0)
		timer_arm(agent->apply_timer, clock_now() + APPLY_RETRY);
}

void services_serving(void *userdata, struct node_pod *pod, enum pod_serving state)
{
	struct agent *agent = userdata;
	struct in_addr address = node_pod_observed(pod)->ip;

	/* Lost: the state first, rows follow.  Won: rows first, which apply does in that order. */
	if (state != SERVING_READY && address.s_addr)
		datapath_endpoint_state(agent->datapath, address, backends_state(state));
	udpsockets_look(agent);
	timer_arm(agent->apply_timer, 0);
}
