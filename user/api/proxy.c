// SPDX-License-Identifier: Apache-2.0
#include "user/api/proxy.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/nodelink.h"
#include "user/api/request.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/server.h"
#include "user/http/tunnel.h"
#include "user/store/store.h"

#define PORT_USUAL 80

/* "NAME", "NAME:PORT" or "SCHEME:NAME:PORT". */
struct whom {
	char scheme[16], name[REQUEST_NAME_MAX], port[64]; /* "": not given */
};

static int whom_read(const char *text, struct whom *ret, struct failure *failure)
{
	const char *first = strchr(text, ':'), *last = strrchr(text, ':');
	const char *name = first != last ? first + 1 : text;
	size_t len = last ? (size_t)(last - name) : strlen(name);

	*ret = (struct whom){0};
	if (first != last)
		snprintf(ret->scheme, sizeof(ret->scheme), "%.*s", (int)(first - text), text);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)len, name);
	snprintf(ret->port, sizeof(ret->port), "%s", last ? last + 1 : "");
	if (strchr(ret->name, ':') || (ret->scheme[0] && strcmp(ret->scheme, "http") != 0))
		return failure_set(failure, 400, "BadRequest",
			"\"%s\": want NAME, NAME:PORT or http:NAME:PORT", text);
	return 0;
}

/* The object @name of a kind of this API, in the request's namespace. */
static int object_read(const struct api_request *request, const char *plural, const char *name,
	json_t **ret, struct failure *failure)
{
	*ret = stored_find(api_store(request->api), plural, request_namespace(request), name);
	if (!*ret)
		return failure_set(failure, 404, "NotFound", "%s \"%s\" not found", plural, name);
	return 0;
}

/* --- where it goes --- */

static unsigned port_number(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *text && !*end && port <= UINT16_MAX ? (unsigned)port : 0;
}

/* What a node or a user wrote into an object must not lead to what only this machine can reach. */
static int target_at(
	const char *address, unsigned port, struct http_remote *ret, struct failure *failure)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->address;
	uint32_t host;

	if (inet_pton(AF_INET, address, &in->sin_addr) != 1)
		return failure_set(failure, 503, "ServiceUnavailable", "there is no address yet");
	host = ntohl(in->sin_addr.s_addr);
	if (host >> 24 == 0 || host >> 24 == 127 || host >> 16 == 0xa9fe || host >> 28 >= 0xe)
		return failure_set(failure, 400, "BadRequest", "address not allowed: %s", address);
	if (!port)
		return failure_set(failure, 400, "BadRequest", "a number of a port is missing");
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	ret->address_len = sizeof(*in);
	snprintf(ret->name.host, sizeof(ret->name.host), "%s", address);
	ret->name.port = (uint16_t)port;
	return 0;
}

static unsigned pod_port(const json_t *pod)
{
	const json_t *containers = json_object_get(json_object_get(pod, "spec"), "containers");
	const json_t *ports = json_object_get(json_array_get(containers, 0), "ports");

	return (unsigned)json_integer_at(json_array_get(ports, 0), "containerPort", PORT_USUAL);
}

static int find_pod(const struct api_request *request, const struct whom *whom,
	struct http_remote *ret, struct failure *failure)
{
	AUTO_JSON pod = NULL;

	if (object_read(request, "pods", whom->name, &pod, failure) < 0)
		return -1;
	return target_at(json_string_at(json_object_get(pod, "status"), "podIP", ""),
		whom->port[0] ? port_number(whom->port) : pod_port(pod), ret, failure);
}

/* The name of the port that is meant, by name or number; the only one when none is given. */
static int service_port(
	const json_t *service, const struct whom *whom, const char **ret, struct failure *failure)
{
	const json_t *ports = json_object_get(json_object_get(service, "spec"), "ports");
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port) {
		const char *name = json_string_at(port, "name", "");

		if ((!whom->port[0] && json_array_size(ports) == 1) ||
			(whom->port[0] && strcmp(name, whom->port) == 0) ||
			json_integer_at(port, "port", -1) == (long long)port_number(whom->port)) {
			*ret = name;
			return 0;
		}
	}
	return failure_set(failure, 503, "ServiceUnavailable",
		"no service port \"%s\" found for service \"%s\"", whom->port, whom->name);
}

static unsigned subset_port(const json_t *subset, const char *name)
{
	json_t *port;
	size_t i;

	json_array_foreach (json_object_get(subset, "ports"), i, port)
		if (strcmp(json_string_at(port, "name", ""), name) == 0)
			return (unsigned)json_integer_at(port, "port", 0);
	return 0;
}

static size_t any_below(size_t count)
{
	uint32_t number = 0;

	return getrandom(&number, sizeof(number), GRND_NONBLOCK) < 0 ? 0 : number % count;
}

/* One of the ready endpoints. */
static int find_service(const struct api_request *request, const struct whom *whom,
	struct http_remote *ret, struct failure *failure)
{
	AUTO_JSON service = NULL;
	AUTO_JSON endpoints = NULL;
	const char *port = "";
	json_t *subset;
	size_t i;

	if (object_read(request, "services", whom->name, &service, failure) < 0 ||
		service_port(service, whom, &port, failure) < 0 ||
		object_read(request, "endpoints", whom->name, &endpoints, failure) < 0)
		return -1;
	json_array_foreach (json_object_get(endpoints, "subsets"), i, subset) {
		const json_t *ready = json_object_get(subset, "addresses");
		unsigned number = subset_port(subset, port);
		size_t count = json_array_size(ready);

		if (count && number)
			return target_at(
				json_string_at(json_array_get(ready, any_below(count)), "ip", ""),
				number, ret, failure);
	}
	return failure_set(failure, 503, "ServiceUnavailable",
		"no endpoints available for service \"%s\"", whom->name);
}

/* --- what is asked there --- */

/* Behind "proxy" the path is the other server's, as it was sent; @ret_prefix is what stands before that. */
static const char *path_behind(const struct api_request *request, size_t *ret_prefix)
{
	const char *target = http_exchange_target(request->exchange), *at = target;
	unsigned slashes = request->kind->namespaced ? 8 : 6;

	while (slashes && *at && *at != '?')
		slashes -= *at++ == '/';
	*ret_prefix = (size_t)(at - target) - (slashes == 0);
	return at;
}

/* "/index.html?x=1", with its NUL. */
static int compose_path(const struct api_request *request, struct buffer *ret, char **ret_prefix)
{
	size_t prefix;
	const char *rest = path_behind(request, &prefix);

	*ret_prefix = strndup(http_exchange_target(request->exchange), prefix);
	if (!*ret_prefix || buffer_printf(ret, "/%s", rest) < 0)
		return -1;
	return buffer_append(ret, "", 1);
}

int proxy_handle(const struct api_request *request, struct failure *failure)
{
	AUTO_BUFFER path = {0};
	AUTO_FREE char *prefix = NULL;
	struct http_remote remote = {0};
	struct http_tunnel_spec spec = {.remote = &remote};
	struct whom whom;

	if (compose_path(request, &path, &prefix) < 0)
		return failure_internal(failure, "out of memory");
	if (strcmp(request->kind->plural, "nodes") == 0)
		return nodelink_forward(request, request->name, buffer_head(&path), failure);
	if (whom_read(request->name, &whom, failure) < 0 ||
		(strcmp(request->kind->plural, "pods") == 0
				? find_pod(request, &whom, &remote, failure)
				: find_service(request, &whom, &remote, failure)) < 0)
		return -1;
	spec.target = buffer_head(&path);
	spec.prefix = prefix;
	http_tunnel(request->exchange, &spec);
	return 0;
}
