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

static const uint32_t endpoint_states[] = {
	[SERVING_NONE] = ENDPOINT_DOWN,
	[SERVING_READY] = ENDPOINT_READY,
	[SERVING_UNREADY] = ENDPOINT_UNREADY,
	[SERVING_TERMINATING] = ENDPOINT_TERMINATING,
	[SERVING_DOWN] = ENDPOINT_DOWN,
};

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

static struct agent_service **services_place(struct agent *agent, const char *key)
{
	struct agent_service **at = &agent->services;

	while (*at && strcmp((*at)->key, key) < 0)
		at = &(*at)->next;
	return at;
}

/* Settles the address of a new or changed Service; refusal leaves everything as it was. */
static int service_address(struct agent *agent, const char *key, const struct service *spec,
	struct in_addr *ret, bool *ret_changed, struct err *err)
{
	ret->s_addr = 0;
	if (spec->headless) {
		*ret_changed = vips_release(agent->vips, key);
		return 0;
	}
	if (!spec->cluster_ip_given)
		return vips_take(agent->vips, key, ret, ret_changed, err);
	*ret = spec->cluster_ip;
	return vips_claim(agent->vips, key, spec->cluster_ip, ret_changed, err);
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

/* Takes @spec and @key on success. */
static int service_put(struct agent *agent, struct service *spec, char *key, uint64_t revision,
	bool *changed, struct err *err)
{
	struct agent_service **at = services_place(agent, key);
	struct agent_service *service = *at && strcmp((*at)->key, key) == 0 ? *at : NULL;
	struct in_addr vip;
	bool address_changed;
	int r = service_address(agent, key, spec, &vip, &address_changed, err);

	if (r < 0)
		return r;
	*changed |= address_changed;
	if (!service) {
		service = calloc(1, sizeof(*service));
		if (!service)
			return err_set(err, ENOMEM, "serve '%s'", key);
		service->next = *at;
		*at = service;
		service->key = key;
		service->created_wall = service_created(agent, key, changed);
	} else {
		service_free(service->spec);
		free(key);
	}
	service->spec = spec;
	service->vip = vip;
	service->revision = revision;
	service->wanted = true;
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

/* Those that no manifest names give their addresses back before others ask for one. */
static void services_drop_unwanted(struct agent *agent, bool *changed)
{
	struct agent_service **at = &agent->services;

	while (*at) {
		struct agent_service *service = *at;
		const struct object_meta *meta = &service->spec->meta;

		if (manifests_find(agent->manifests, KIND_SERVICE, meta->namespace, meta->name)) {
			at = &service->next;
			continue;
		}
		*at = service->next;
		vips_release(agent->vips, service->key);
		json_object_del(agent->service_times, service->key);
		*changed = true;
		service_free_one(service);
	}
}

static bool entry_names_address(const struct manifests_entry *entry)
{
	return json_object_get(json_object_get(entry->object->json, "spec"), "clusterIP") != NULL;
}

void services_sync(struct agent *agent)
{
	const struct manifests_entry *entries;
	bool changed = false;
	size_t count;

	services_drop_unwanted(agent, &changed);
	entries = manifests_entries(agent->manifests, &count);
	/* Addresses that are asked for by name go first, so that no free choice takes them. */
	for (int named = 1; named >= 0; named--)
		for (size_t i = 0; i < count; i++)
			if (entries[i].object->kind == KIND_SERVICE &&
				entry_names_address(&entries[i]) == named)
				services_sync_entry(agent, &entries[i], &changed);
	if (changed)
		services_save(agent);
	timer_arm(agent->apply_timer, 0);
}

/* --- what the data plane should hold --- */

void services_each_pod(const struct agent *agent, const struct service *service,
	void (*fn)(struct node_pod *pod, void *userdata), void *userdata)
{
	struct node_pod *pod = NULL;

	while ((pod = node_pod_next(agent->node, pod))) {
		const struct object_meta *meta = &node_pod_spec(pod)->meta;

		if (node_pod_serving(pod) != SERVING_NONE &&
			strcmp(meta->namespace, service->meta.namespace) == 0 &&
			selector_matches(service->selector, meta->labels))
			fn(pod, userdata);
	}
}

/* Grows by doubling; what was gathered stays valid only until the next growth. */
struct desired {
	struct dp_service *services;
	struct dp_backend *backends;
	struct dp_endpoint *endpoints;
	struct dp_init *inits;
	size_t *first_backend; /* of each service: an index, since backends may move */
	size_t service_count, backend_count, endpoint_count, init_count;
	size_t service_room, backend_room, init_room;
	const struct service_port *port;
	bool failed;
};

static void desired_free(struct desired *desired)
{
	free(desired->services);
	free(desired->backends);
	free(desired->endpoints);
	free(desired->inits);
	free(desired->first_backend);
}

static bool desired_grow(void **array, size_t *room, size_t count, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *grown;

	if (count < *room)
		return true;
	grown = realloc(*array, wanted * size);
	if (!grown)
		return false;
	*array = grown;
	*room = wanted;
	return true;
}

static void desired_add_backend(struct node_pod *pod, void *userdata)
{
	struct desired *desired = userdata;
	uint16_t port = pod_port_number(
		node_pod_spec(pod), &desired->port->target, desired->port->protocol);

	if (port == 0)
		return; /* this Pod has no port of that name */
	if (!desired_grow((void **)&desired->backends, &desired->backend_room,
		    desired->backend_count, sizeof(desired->backends[0]))) {
		desired->failed = true;
		return;
	}
	desired->backends[desired->backend_count++] = (struct dp_backend){
		.address = node_pod_observed(pod)->ip,
		.port = htons(port),
	};
}

static void desired_add_port(const struct agent *agent, const struct agent_service *service,
	const struct service_port *port, struct desired *desired)
{
	size_t first = desired->backend_count, room = desired->service_room;

	if (!desired_grow((void **)&desired->first_backend, &room, desired->service_count,
		    sizeof(desired->first_backend[0])) ||
		!desired_grow((void **)&desired->services, &desired->service_room,
			desired->service_count, sizeof(desired->services[0]))) {
		desired->failed = true;
		return;
	}
	desired->port = port;
	services_each_pod(agent, service->spec, desired_add_backend, desired);
	desired->first_backend[desired->service_count] = first;
	desired->services[desired->service_count++] = (struct dp_service){
		.vip = service->vip,
		.port = htons(port->port),
		.protocol = (uint8_t)port->protocol,
		.accepts = 1u << ENDPOINT_READY |
			   (service->spec->publish_not_ready ? 1u << ENDPOINT_UNREADY : 0),
		.backend_count = desired->backend_count - first,
	};
}

static bool desired_uses(const struct desired *desired, struct in_addr address)
{
	for (size_t i = 0; i < desired->backend_count; i++)
		if (desired->backends[i].address.s_addr == address.s_addr)
			return true;
	return false;
}

/* What the Pod's endpoint lives by. */
static void desired_add_inits(const struct node_pod *pod, struct desired *desired)
{
	struct node_init init;

	for (size_t i = 0; i < node_pod_spec(pod)->container_count; i++) {
		if (!node_pod_init(pod, i, &init))
			continue;
		if (!desired_grow((void **)&desired->inits, &desired->init_room,
			    desired->init_count, sizeof(desired->inits[0]))) {
			desired->failed = true;
			return;
		}
		desired->inits[desired->init_count++] = (struct dp_init){
			.address = node_pod_observed(pod)->ip,
			.pid = init.pid,
			.pidfd = init.pidfd,
			.started = init.started,
		};
	}
}

/* A Pod that no Service leads to has no endpoint. */
static bool desired_add_endpoints(const struct agent *agent, struct desired *desired)
{
	struct node_pod *pod = NULL;
	size_t count = 0;

	while ((pod = node_pod_next(agent->node, pod)))
		count++;
	desired->endpoints = calloc(count + 1, sizeof(desired->endpoints[0]));
	while (desired->endpoints && (pod = node_pod_next(agent->node, pod))) {
		if (node_pod_serving(pod) == SERVING_NONE ||
			!desired_uses(desired, node_pod_observed(pod)->ip))
			continue;
		desired->endpoints[desired->endpoint_count++] = (struct dp_endpoint){
			.address = node_pod_observed(pod)->ip,
			.state = endpoint_states[node_pod_serving(pod)],
			.unsure = node_pod_is_unsure(pod),
		};
		desired_add_inits(pod, desired);
	}
	return desired->endpoints != NULL;
}

static bool desired_build(const struct agent *agent, struct desired *desired)
{
	for (const struct agent_service *s = agent->services; s; s = s->next)
		for (size_t i = 0; !s->spec->headless && i < s->spec->port_count; i++)
			desired_add_port(agent, s, &s->spec->ports[i], desired);
	for (size_t i = 0; i < desired->service_count; i++)
		desired->services[i].backends = desired->backends + desired->first_backend[i];
	return desired_add_endpoints(agent, desired) && !desired->failed;
}

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

/* --- keeping it so --- */

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
	AUTO_CLEANUP(desired_free) struct desired desired = {0};
	struct dp_desired wanted;
	bool retired = false;
	struct err err;
	int r;

	if (!desired_build(agent, &desired)) {
		log_error("no memory to plan the Services");
		return -ENOMEM;
	}
	wanted = (struct dp_desired){
		.services = desired.services,
		.service_count = desired.service_count,
		.endpoints = desired.endpoints,
		.endpoint_count = desired.endpoint_count,
		.inits = desired.inits,
		.init_count = desired.init_count,
	};
	r = datapath_apply(agent->datapath, &wanted, &retired, &err);
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

	if (!agent->scanned)
		return;
	if (services_apply_now(agent) < 0)
		timer_arm(agent->apply_timer, clock_now() + APPLY_RETRY);
}

void services_serving(void *userdata, struct node_pod *pod, enum pod_serving state)
{
	struct agent *agent = userdata;
	struct in_addr address = node_pod_observed(pod)->ip;

	/* Lost: the state first, rows follow.  Won: rows first, which apply does in that order. */
	if (state != SERVING_READY && address.s_addr)
		datapath_endpoint_state(agent->datapath, address, endpoint_states[state]);
	udpsockets_look(agent);
	timer_arm(agent->apply_timer, 0);
}
