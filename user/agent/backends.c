// SPDX-License-Identifier: Apache-2.0
/* Services and Pods -> what the data plane should hold. */
#include <stdlib.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/cluster/slices.h"

static const uint32_t serving_states[] = {
	[SERVING_NONE] = ENDPOINT_DOWN,
	[SERVING_READY] = ENDPOINT_READY,
	[SERVING_UNREADY] = ENDPOINT_UNREADY,
	[SERVING_TERMINATING] = ENDPOINT_TERMINATING,
	[SERVING_DOWN] = ENDPOINT_DOWN,
};

static const uint32_t slice_states[] = {
	[SLICE_READY] = ENDPOINT_READY,
	[SLICE_UNREADY] = ENDPOINT_UNREADY,
	[SLICE_TERMINATING] = ENDPOINT_TERMINATING,
};

uint32_t backends_state(enum pod_serving serving)
{
	return serving_states[serving];
}

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
	struct dp_endpoint *endpoints; /* of Pods here; behind them room for those of others */
	struct dp_endpoint *others;    /* as slices name them, some more than once */
	struct dp_init *inits;
	size_t *first_backend; /* of each service: an index, since backends may move */
	size_t service_count, backend_count, endpoint_count, other_count, init_count;
	size_t service_room, backend_room, other_room, init_room;
	const struct agent_service *service; /* in hand, and its port */
	const struct service_port *port;
	size_t first;
	bool failed;
};

static void desired_free(struct desired *desired)
{
	free(desired->services);
	free(desired->backends);
	free(desired->endpoints);
	free(desired->others);
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

static void desired_add_backend(struct desired *desired, struct in_addr address, uint16_t port)
{
	if (!desired_grow((void **)&desired->backends, &desired->backend_room,
		    desired->backend_count, sizeof(desired->backends[0]))) {
		desired->failed = true;
		return;
	}
	desired->backends[desired->backend_count++] =
		(struct dp_backend){.address = address, .port = htons(port)};
}

static void desired_add_pod(struct node_pod *pod, void *userdata)
{
	struct desired *desired = userdata;
	uint16_t port = pod_port_number(
		node_pod_spec(pod), &desired->port->target, desired->port->protocol);

	if (port) /* else this Pod has no port of that name */
		desired_add_backend(desired, node_pod_observed(pod)->ip, port);
}

/* Whether the port in hand has this backend already. */
static bool desired_has_backend(
	const struct desired *desired, struct in_addr address, uint16_t port)
{
	for (size_t i = desired->first; i < desired->backend_count; i++)
		if (desired->backends[i].address.s_addr == address.s_addr &&
			desired->backends[i].port == htons(port))
			return true;
	return false;
}

bool backends_takes(const struct service *service, const struct slice_endpoint *endpoint)
{
	/* Which Pods of this node a selector means is known here, and sooner than a slice can tell. */
	return endpoint->here ? !service->selector : !service->internal_local;
}

static void desired_add_other(void *userdata, const struct slice_endpoint *endpoint)
{
	struct desired *desired = userdata;

	if (!backends_takes(desired->service->spec, endpoint) ||
		desired_has_backend(desired, endpoint->address, endpoint->port))
		return;
	if (!desired_grow((void **)&desired->others, &desired->other_room, desired->other_count,
		    sizeof(desired->others[0]))) {
		desired->failed = true;
		return;
	}
	desired->others[desired->other_count++] = (struct dp_endpoint){
		.address = endpoint->address, .state = slice_states[endpoint->state]};
	desired_add_backend(desired, endpoint->address, endpoint->port);
}

/* Whoever wants those that are not ready wants them on their way out, too, as upstream has it. */
static uint8_t service_accepts(const struct service *service)
{
	return service->publish_not_ready
		       ? 1u << ENDPOINT_READY | 1u << ENDPOINT_UNREADY | 1u << ENDPOINT_TERMINATING
		       : 1u << ENDPOINT_READY;
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
	desired->service = service;
	desired->port = port;
	desired->first = first;
	services_each_pod(agent, service->spec, desired_add_pod, desired);
	if (service->foreign)
		slices_each(cluster_slices(agent, service->key), port, agent->options->node_name,
			desired_add_other, desired);
	desired->first_backend[desired->service_count] = first;
	desired->services[desired->service_count++] = (struct dp_service){
		.vip = service->vip,
		.port = htons(port->port),
		.protocol = (uint8_t)port->protocol,
		.accepts = service_accepts(service->spec),
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
	desired->endpoints =
		calloc(count + desired->other_count + 1, sizeof(desired->endpoints[0]));
	while (desired->endpoints && (pod = node_pod_next(agent->node, pod))) {
		if (node_pod_serving(pod) == SERVING_NONE ||
			!desired_uses(desired, node_pod_observed(pod)->ip))
			continue;
		desired->endpoints[desired->endpoint_count++] = (struct dp_endpoint){
			.address = node_pod_observed(pod)->ip,
			.state = backends_state(node_pod_serving(pod)),
			.unsure = node_pod_is_unsure(pod),
		};
		desired_add_inits(pod, desired);
	}
	return desired->endpoints != NULL;
}

/* By address; ready first. */
static int other_compare(const void *a, const void *b)
{
	const struct dp_endpoint *x = a, *y = b;

	if (x->address.s_addr != y->address.s_addr)
		return x->address.s_addr < y->address.s_addr ? -1 : 1;
	return (x->state != ENDPOINT_READY) - (y->state != ENDPOINT_READY);
}

static bool desired_has_endpoint(
	const struct desired *desired, size_t count, struct in_addr address)
{
	for (size_t i = 0; i < count; i++)
		if (desired->endpoints[i].address.s_addr == address.s_addr)
			return true;
	return false;
}

/* What runs here is known better; what several slices name is ready when one says so. */
static void desired_add_other_endpoints(struct desired *desired)
{
	size_t here = desired->endpoint_count;
	const struct dp_endpoint *last = NULL;

	if (desired->other_count)
		qsort(desired->others, desired->other_count, sizeof(desired->others[0]),
			other_compare);
	for (size_t i = 0; i < desired->other_count; i++) {
		const struct dp_endpoint *other = &desired->others[i];

		if (last && last->address.s_addr == other->address.s_addr)
			continue;
		last = other;
		if (!desired_has_endpoint(desired, here, other->address))
			desired->endpoints[desired->endpoint_count++] = *other;
	}
}

static bool desired_build(const struct agent *agent, struct desired *desired)
{
	for (const struct agent_service *s = agent->services; s; s = s->next)
		for (size_t i = 0; !s->spec->headless && i < s->spec->port_count; i++)
			desired_add_port(agent, s, &s->spec->ports[i], desired);
	for (size_t i = 0; i < desired->service_count; i++)
		desired->services[i].backends = desired->backends + desired->first_backend[i];
	if (!desired_add_endpoints(agent, desired) || desired->failed)
		return false;
	desired_add_other_endpoints(desired);
	return true;
}

int backends_apply(struct agent *agent, bool *ret_retired, struct err *err)
{
	AUTO_CLEANUP(desired_free) struct desired desired = {0};
	struct dp_desired wanted;

	if (!desired_build(agent, &desired))
		return err_set(err, ENOMEM, "plan the Services");
	wanted = (struct dp_desired){
		.services = desired.services,
		.service_count = desired.service_count,
		.endpoints = desired.endpoints,
		.endpoint_count = desired.endpoint_count,
		.inits = desired.inits,
		.init_count = desired.init_count,
	};
	return datapath_apply(agent->datapath, &wanted, ret_retired, err);
}
