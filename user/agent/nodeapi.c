// SPDX-License-Identifier: Apache-2.0
#include "user/agent/nodeapi.h"

#include <string.h>

#include "user/agent/clusterstate.h"
#include "user/agent/nodekeys.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/cluster/membership.h"
#include "user/http/tls.h"
#include "user/pki/pki.h"

#define BODY_MOST 4096 /* none is needed */

struct nodeapi {
	struct agent *agent;
	struct nodekeys *keys;
	struct http_server *server;
};

/* --- who may --- */

/*
 * All or nothing: what is served here is as good as being root on the node.  The API server, which has asked its
 * own rules before it comes here, shows one of these names; people who may do everything, their group.
 */
static const char *const names[] = {PKI_NODE_CLIENT_NAME, "kube-apiserver"};

static bool peer_may(const struct tls_peer *peer)
{
	for (size_t i = 0; i < COUNT(names); i++)
		if (strcmp(peer->name, names[i]) == 0)
			return true;
	for (size_t i = 0; i < peer->organization_count; i++)
		if (strcmp(peer->organizations[i], PKI_ADMIN_GROUP) == 0)
			return true;
	return false;
}

static void nodeapi_handle(void *userdata, struct http_exchange *exchange)
{
	const struct tls_peer *peer = http_exchange_peer(exchange);
	struct nodeapi *api = userdata;

	if (!peer || !peer->trusted || (int64_t)(clock_wall() / USEC_PER_SEC) > peer->expires)
		http_answer_failure(exchange, 401, "Unauthorized", "Unauthorized");
	else if (!peer_may(peer))
		http_answer_failure(exchange, 403, "Forbidden",
			"Forbidden (user=%s): a node's API is for the API server and %s alone",
			peer->name, PKI_ADMIN_GROUP);
	else if (!nodeapi_route(api->agent, exchange))
		http_answer_failure(exchange, 404, "NotFound",
			"the server could not find the requested resource");
}

/* --- life --- */

static int nodeapi_serve(struct nodeapi *api, struct err *err)
{
	struct http_server_config config = {
		.handle = nodeapi_handle, .userdata = api, .max_body = BODY_MOST};
	AUTO_FREE char *where = fs_format("0.0.0.0:%u", api->agent->options->node_port_api);
	AUTO_FD fd = -1;
	int r = where ? nodekeys_new(api->agent, &api->keys, err) : err_set(err, ENOMEM, "listen");

	if (r == 0)
		config.tls = nodekeys_tls(api->keys);
	if (r == 0)
		r = http_listen_tcp(where, &fd, err);
	if (r == 0)
		r = http_server_new(api->agent->loop, fd, &config, &api->server, err);
	if (r == 0)
		take_fd(&fd);
	return r;
}

void nodeapi_open(struct agent *agent)
{
	struct nodeapi *api;
	struct err err;
	int r;

	if (!agent->cluster || !agent->options->node_port_api)
		return;
	api = calloc(1, sizeof(*api));
	if (api) {
		api->agent = agent;
		r = nodeapi_serve(api, &err);
	} else {
		r = err_set(&err, ENOMEM, "start");
	}
	if (r < 0) {
		log_error("logs and commands are not there for the API server: %s", err.text);
		nodeapi_free(api);
		return;
	}
	agent->nodeapi = api;
	membership_serve(agent->cluster->membership, agent->options->node_port_api);
}

struct nodeapi *nodeapi_free(struct nodeapi *api)
{
	if (api) {
		http_server_free(api->server);
		nodekeys_free(api->keys);
		free(api);
	}
	return NULL;
}
