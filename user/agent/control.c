// SPDX-License-Identifier: Apache-2.0
/* The API on the control socket: the paths of a kube-apiserver and of a kubelet, and /podnet/v1 for what only we have. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/agent/nodeapi.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/cluster/slices.h"

static const char *const serving_names[] = {
	[SERVING_NONE] = "DOWN",
	[SERVING_READY] = "READY",
	[SERVING_UNREADY] = "UNREADY",
	[SERVING_TERMINATING] = "TERMINATING",
	[SERVING_DOWN] = "DOWN",
};

static void control_answer(struct http_exchange *exchange, json_t *json)
{
	if (json)
		http_answer_json(exchange, 200, json);
	else
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
	json_decref(json);
}

static void control_not_found(struct http_exchange *exchange)
{
	http_answer_failure(
		exchange, 404, "NotFound", "the server could not find the requested resource");
}

struct node_pod *control_pod(struct agent *agent, struct http_exchange *exchange)
{
	bool api = strcmp(http_exchange_segment(exchange, 0), "api") == 0;
	const char *namespace = http_exchange_segment(exchange, api ? 3 : 1);
	const char *name = http_exchange_segment(exchange, api ? 5 : 2);
	struct node_pod *pod = NULL;

	if (namespace && name)
		pod = node_pod_find(agent->node, namespace, name);
	if (!pod)
		http_answer_failure(
			exchange, 404, "NotFound", "pods \"%s\" not found", name ? name : "");
	return pod;
}

static json_t *control_list(json_t *items)
{
	return json_pack("{s:s, s:s, s:{}, s:o}", "kind", "List", "apiVersion", "v1", "metadata",
		"items", items);
}

/* --- pods --- */

static void pods_list(struct agent *agent, struct http_exchange *exchange, const char *namespace)
{
	struct node_pod *pod = NULL;
	json_t *items = json_array();

	while (items && (pod = node_pod_next(agent->node, pod)))
		if (!namespace || strcmp(node_pod_spec(pod)->meta.namespace, namespace) == 0)
			json_array_append_new(items, node_pod_json(pod));
	control_answer(exchange, control_list(items));
}

static void pods_get(struct agent *agent, struct http_exchange *exchange)
{
	struct node_pod *pod = control_pod(agent, exchange);

	if (pod)
		control_answer(exchange, node_pod_json(pod));
}

static void pods_delete_one(struct agent *agent, struct http_exchange *exchange)
{
	const char *grace = http_exchange_query(exchange, "gracePeriodSeconds", 0);
	struct node_pod *pod = control_pod(agent, exchange);
	int64_t seconds = -1;
	char *end;

	if (!pod)
		return;
	if (grace) {
		seconds = strtoll(grace, &end, 10);
		if (end == grace || *end || seconds < 0 || seconds > INT32_MAX) {
			http_answer_failure(exchange, 400, "BadRequest",
				"gracePeriodSeconds: '%s' is not a number of seconds", grace);
			return;
		}
	}
	pods_delete(agent, pod, seconds);
	control_answer(exchange, node_pod_json(pod));
}

/* --- services --- */

static json_t *service_json(const struct agent_service *service)
{
	json_t *object = json_deep_copy(service->spec->json);
	json_t *spec = json_object_get(object, "spec");
	char text[INET_ADDRSTRLEN] = "None", when[CLOCK_RFC3339_LEN];

	if (!object)
		return NULL;
	if (!service->spec->headless)
		inet_ntop(AF_INET, &service->vip, text, sizeof(text));
	json_object_set_new(spec, "clusterIP", json_string(text));
	json_object_set_new(spec, "clusterIPs", json_pack("[s]", text));
	clock_rfc3339(service->created_wall, when);
	if (!service->foreign)
		json_object_set_new(json_object_get(object, "metadata"), "creationTimestamp",
			json_string(when));
	json_object_set_new(object, "status", json_pack("{s:{}}", "loadBalancer"));
	return object;
}

static void services_list(
	struct agent *agent, struct http_exchange *exchange, const char *namespace)
{
	json_t *items = json_array();

	for (const struct agent_service *s = agent->services; items && s; s = s->next)
		if (!namespace || strcmp(s->spec->meta.namespace, namespace) == 0)
			json_array_append_new(items, service_json(s));
	control_answer(exchange, control_list(items));
}

static void services_get(struct agent *agent, struct http_exchange *exchange)
{
	const char *namespace = http_exchange_segment(exchange, 3);
	const char *name = http_exchange_segment(exchange, 5);

	for (const struct agent_service *s = agent->services; s; s = s->next)
		if (strcmp(s->spec->meta.namespace, namespace) == 0 &&
			strcmp(s->spec->meta.name, name) == 0) {
			control_answer(exchange, service_json(s));
			return;
		}
	http_answer_failure(exchange, 404, "NotFound", "services \"%s\" not found", name);
}

/* --- backends --- */

struct backend_list {
	json_t *items;
	const struct agent_service *service;
	const struct service_port *port;
};

/* One backend of the port in hand. */
static json_t *backend_json(const struct backend_list *list, const char *pod,
	struct in_addr address, uint16_t port, const char *state)
{
	const struct object_meta *meta = &list->service->spec->meta;
	char text[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &address, text, sizeof(text));
	return json_pack("{s:s, s:s, s:i, s:s, s:o, s:s}", "namespace", meta->namespace, "service",
		meta->name, "port", (int)list->port->port, "pod", pod, "address",
		json_sprintf("%s:%u", text, port), "state", state);
}

static void backends_add(struct node_pod *pod, void *userdata)
{
	struct backend_list *list = userdata;
	uint16_t port =
		pod_port_number(node_pod_spec(pod), &list->port->target, list->port->protocol);
	json_t *backend;

	if (port == 0)
		return;
	backend = backend_json(list, node_pod_spec(pod)->meta.name, node_pod_observed(pod)->ip,
		port, serving_names[node_pod_serving(pod)]);
	json_object_set_new(backend, "reason", json_any_text(node_pod_serving_reason(pod)));
	json_object_set_new(
		backend, "since", json_integer((json_int_t)node_pod_serving_since(pod)));
	json_object_set_new(backend, "down", json_integer((json_int_t)node_pod_down_since(pod)));
	json_array_append_new(list->items, backend);
}

/* What only the API server knows of. */
static void backends_add_other(void *userdata, const struct slice_endpoint *endpoint)
{
	static const char *const states[] = {
		[SLICE_READY] = "READY",
		[SLICE_UNREADY] = "UNREADY",
		[SLICE_TERMINATING] = "TERMINATING",
	};
	struct backend_list *list = userdata;
	json_t *backend;

	if (!backends_takes(list->service->spec, endpoint))
		return;
	backend = backend_json(
		list, endpoint->pod, endpoint->address, endpoint->port, states[endpoint->state]);
	json_object_set_new(backend, "reason", json_string("as an EndpointSlice says"));
	json_array_append_new(list->items, backend);
}

static void backends_list(struct agent *agent, struct http_exchange *exchange)
{
	const char *namespace = http_exchange_query(exchange, "namespace", 0);
	struct backend_list list = {.items = json_array()};

	for (const struct agent_service *s = agent->services; list.items && s; s = s->next) {
		if (namespace && strcmp(s->spec->meta.namespace, namespace) != 0)
			continue;
		list.service = s;
		for (size_t i = 0; i < s->spec->port_count; i++) {
			list.port = &s->spec->ports[i];
			services_each_pod(agent, s->spec, backends_add, &list);
			if (s->foreign)
				slices_each(cluster_slices(agent, s->key), list.port,
					agent->options->node_name, backends_add_other, &list);
		}
	}
	control_answer(
		exchange, json_pack("{s:s, s:o}", "kind", "BackendList", "items", list.items));
}

/* --- routes --- */

/* /api/v1/RESOURCE or /api/v1/namespaces/NS/RESOURCE[/NAME] */
static void control_api(struct agent *agent, struct http_exchange *exchange)
{
	size_t count = http_exchange_segment_count(exchange);
	bool get = strcmp(http_exchange_method(exchange), "GET") == 0;
	bool namespaced = strcmp(http_exchange_segment(exchange, 2), "namespaces") == 0;
	const char *namespace = namespaced ? http_exchange_segment(exchange, 3) : NULL;
	const char *resource = http_exchange_segment(exchange, namespaced ? 4 : 2);
	bool one = namespaced && count == 6;

	if (!resource || count > 6 || (!namespaced && count != 3))
		control_not_found(exchange);
	else if (strcmp(resource, "pods") == 0 && get && one)
		pods_get(agent, exchange);
	else if (strcmp(resource, "pods") == 0 && get)
		pods_list(agent, exchange, namespace);
	else if (strcmp(resource, "pods") == 0 && one &&
		 strcmp(http_exchange_method(exchange), "DELETE") == 0)
		pods_delete_one(agent, exchange);
	else if (strcmp(resource, "services") == 0 && get && one)
		services_get(agent, exchange);
	else if (strcmp(resource, "services") == 0 && get)
		services_list(agent, exchange, namespace);
	else
		control_not_found(exchange);
}

static bool path_begins(
	const struct http_exchange *exchange, const char *const *segments, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *segment = http_exchange_segment(exchange, i);

		if (!segment || strcmp(segment, segments[i]) != 0)
			return false;
	}
	return true;
}

static void control_handle(void *userdata, struct http_exchange *exchange)
{
	struct agent *agent = userdata;
	size_t count = http_exchange_segment_count(exchange);
	bool get = strcmp(http_exchange_method(exchange), "GET") == 0;

	if (count >= 3 && path_begins(exchange, (const char *const[]){"api", "v1"}, 2))
		control_api(agent, exchange);
	else if (get && count == 3 &&
		 path_begins(exchange, (const char *const[]){"podnet", "v1", "backends"}, 3))
		backends_list(agent, exchange);
	else if (!nodeapi_route(agent, exchange))
		control_not_found(exchange);
}

int control_open(struct agent *agent, struct err *err)
{
	AUTO_FREE char *path = fs_format("%s/podnetd.sock", agent->options->run_dir);
	struct http_server_config config = {.handle = control_handle, .userdata = agent};
	AUTO_FD fd = -1;
	int r;

	if (!path)
		return err_set(err, ENOMEM, "open the control socket");
	r = http_listen_unix(path, 0600, &fd, err);
	if (r == 0)
		r = http_server_new(agent->loop, fd, &config, &agent->server, err);
	if (r == 0)
		take_fd(&fd);
	return r;
}
