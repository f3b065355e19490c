// SPDX-License-Identifier: Apache-2.0
#include "user/api/nodelink.h"

#include <errno.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/api/stored.h"
#include "user/http/client.h"
#include "user/http/tunnel.h"
#include "user/store/store.h"

#define PORT_USUAL 10250 /* of a node that does not say */

static const char *node_address(const json_t *status)
{
	json_t *address;
	size_t i;

	json_array_foreach (json_object_get(status, "addresses"), i, address)
		if (strcmp(json_string_at(address, "type", ""), "InternalIP") == 0)
			return json_string_at(address, "address", "");
	return "";
}

static long long node_port(const json_t *status)
{
	const json_t *endpoint =
		json_object_get(json_object_get(status, "daemonEndpoints"), "kubeletEndpoint");

	long long port = json_integer_at(endpoint, "Port", 0);

	return port ? port : PORT_USUAL;
}

/* A node gives its address: no name is looked up for it, which would take time. */
static int node_remote(
	const json_t *node, const char *name, struct http_remote *ret, struct failure *failure)
{
	const json_t *status = json_object_get(node, "status");
	const char *address = node_address(status);
	long long port = node_port(status);
	struct sockaddr_in *in = (struct sockaddr_in *)&ret->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&ret->address;

	if (port < 1 || port > UINT16_MAX)
		return failure_set(failure, 500, "InternalError",
			"node \"%s\": status.daemonEndpoints.kubeletEndpoint.Port: %lld is no port",
			name, port);
	snprintf(ret->name.host, sizeof(ret->name.host), "%s", address);
	ret->name.port = (uint16_t)port;
	if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		ret->address_len = sizeof(*in);
	} else if (inet_pton(AF_INET6, address, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		ret->address_len = sizeof(*in6);
	} else {
		return failure_set(failure, 500, "InternalError",
			"node \"%s\" has no address of type InternalIP", name);
	}
	return 0;
}

int nodelink_forward(const struct api_request *request, const char *node, const char *target,
	struct failure *failure)
{
	struct http_remote remote = {.tls = api_settings(request->api)->node_tls};
	struct http_tunnel_spec spec = {.remote = &remote, .target = target};
	AUTO_JSON object = stored_find(api_store(request->api), "nodes", NULL, node);

	if (!remote.tls)
		return failure_set(failure, 503, "ServiceUnavailable",
			"this server has no certificate to show to nodes");
	if (!object)
		return failure_set(failure, 404, "NotFound", "nodes \"%s\" not found", node);
	if (node_remote(object, node, &remote, failure) < 0)
		return -1;
	http_tunnel(request->exchange, &spec);
	return 0;
}
