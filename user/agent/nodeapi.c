// SPDX-License-Identifier: Apache-2.0
#include "user/agent/nodeapi.h"

#include <arpa/inet.h>
#include <string.h>

#include "user/agent/clusterstate.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/client/kubeconfig.h"
#include "user/cluster/membership.h"
#include "user/http/tls.h"
#include "user/pki/pki.h"

#define BODY_MOST 4096 /* none is needed */
#define PEM_MOST  (1u << 20)
#define OWN_NAME  "nodeapi" /* of the certificate made here */

struct nodeapi {
	struct agent *agent;
	struct tls *tls;
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

/* --- keys --- */

/* Who signs the certificates of clients: as a flag says, else who has signed the API server's. */
static int authority_read(const struct options *options, char **ret, struct err *err)
{
	AUTO_CLEANUP(kubeconfig_clear) struct kubeconfig config = {0};
	int r;

	if (options->client_ca_file)
		return fs_read(options->client_ca_file, PEM_MOST, ret, NULL, err);
	r = kubeconfig_read(options->kubeconfig, &config, err);
	if (r < 0)
		return r;
	if (!config.ca_data)
		return err_refuse(err, ENOKEY,
			"kubeconfig '%s' has no certificate-authority, and there is no "
			"--client-ca-file",
			options->kubeconfig);
	*ret = take_ptr(config.ca_data);
	return 0;
}

static int certificate_given(
	const struct options *options, struct certificate *ret, struct err *err)
{
	int r = fs_read(options->tls_cert_file, PEM_MOST, &ret->text, NULL, err);

	return r < 0 ? r : fs_read(options->tls_key_file, PEM_MOST, &ret->key, NULL, err);
}

static int certificate_own(const struct agent *agent, struct certificate *ret, struct err *err)
{
	char address[INET_ADDRSTRLEN];
	const char *const own_names[] = {agent->options->node_name,
		inet_ntop(AF_INET, &agent->node_config.host_ip, address, sizeof(address)), NULL};
	AUTO_FREE char *dir = fs_format("%s/pki", agent->options->state_dir);
	int r = dir ? fs_mkdir(dir, 0700, err) : err_set(err, ENOMEM, "make a certificate");

	return r < 0 ? r : pki_open_own(dir, OWN_NAME, own_names, ret, err);
}

static int nodeapi_tls(struct nodeapi *api, struct err *err)
{
	const struct options *options = api->agent->options;
	AUTO_CERTIFICATE own = {0};
	AUTO_FREE char *authority = NULL;
	struct tls_config config = {0};
	int r = authority_read(options, &authority, err);

	if (r == 0)
		r = options->tls_cert_file ? certificate_given(options, &own, err)
					   : certificate_own(api->agent, &own, err);
	if (r < 0)
		return r;
	config.authority = authority;
	config.certificate = own.text;
	config.key = own.key;
	return tls_new(&config, &api->tls, err);
}

/* --- life --- */

static int nodeapi_serve(struct nodeapi *api, struct err *err)
{
	struct http_server_config config = {
		.handle = nodeapi_handle, .userdata = api, .max_body = BODY_MOST};
	AUTO_FREE char *where = fs_format("0.0.0.0:%u", api->agent->options->node_port_api);
	AUTO_FD fd = -1;
	int r = where ? nodeapi_tls(api, err) : err_set(err, ENOMEM, "listen");

	config.tls = api->tls;
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
		tls_free(api->tls);
		free(api);
	}
	return NULL;
}
