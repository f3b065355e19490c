// SPDX-License-Identifier: Apache-2.0
/* podnet-control: the embedded control plane.  Composition only. */
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "user/api/api.h"
#include "user/api/keys.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/lock.h"
#include "user/base/log.h"
#include "user/client/client.h"
#include "user/control/bootstrap.h"
#include "user/control/confine.h"
#include "user/control/control.h"
#include "user/control/options.h"
#include "user/http/address.h"
#include "user/http/server.h"
#include "user/http/tls.h"
#include "user/pki/pki.h"
#include "user/store/store.h"

#define CONNECTIONS_MOST 20000
#define SESSIONS_MOST	 4000 /* each costs more: TLS */
#define BODY_MOST	 (3u << 20)
#define PORT_USUAL	 6443
#define AUTHORITY_MOST	 (1u << 20)

/* PEM; NULL: none. */
struct etcd_files {
	char *authority, *certificate, *key;
};

struct plane {
	sd_event *loop;
	int lock_fd;
	char *socket_path;
	struct etcd_files etcd;
	struct store *store;
	struct api *api;
	unsigned port; /* of the API server */
	struct pki pki;
	char **names; /* of the API server */
	struct keys *keys;
	struct http_server *local, *server;
	struct client *client;
	struct bootstrap *bootstrap;
	struct control *control;
};

static void plane_ready(void *userdata)
{
	(void)userdata;
	log_info("ready");
	sd_notify(0, "READY=1");
}

/* Who may open the socket may do everything. */
static int plane_serve_local(struct plane *plane, struct err *err)
{
	struct http_server_config config = {
		.max_connections = CONNECTIONS_MOST,
		.max_body = BODY_MOST,
		.handle = api_handle_local,
		.userdata = plane->api,
	};
	AUTO_FD fd = -1;
	int r = http_listen_unix(plane->socket_path, 0600, &fd, err);

	if (r == 0)
		r = http_server_new(plane->loop, fd, &config, &plane->local, err);
	if (r == 0)
		take_fd(&fd);
	return r;
}

static int plane_serve(struct plane *plane, const char *where, struct err *err)
{
	struct http_server_config config = {
		.max_connections = SESSIONS_MOST,
		.max_body = BODY_MOST,
		.handle = api_handle,
		.body_most = api_body_most,
		.userdata = plane->api,
		.tls = keys_server(plane->keys),
	};
	AUTO_FD fd = -1;
	int r = http_listen_tcp(where, &fd, err);

	if (r == 0)
		r = http_server_new(plane->loop, fd, &config, &plane->server, err);
	if (r == 0)
		take_fd(&fd);
	return r;
}

static int plane_keys(struct plane *plane, const struct control_options *options, struct err *err)
{
	struct http_address address = {.host = "localhost", .port = PORT_USUAL};
	AUTO_FREE char *more =
		fs_format("%s,%s", options->server_names, options->advertise_address);
	char host[HTTP_HOST_MAX] = "";
	int r = options->listen[0] ? http_address_parse(options->listen, &address, err) : 0;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	if (r == 0 && !more)
		r = err_set(err, ENOMEM, "start");
	if (r == 0)
		r = pki_names(host, options->service_cidr, address.host, more, &plane->names, err);
	if (r < 0)
		return r;
	plane->port = address.port;
	r = pki_open(options->pki_dir, (const char *const *)plane->names, &plane->pki, err);
	if (r == 0 && options->listen[0] && options->admin_kubeconfig[0])
		r = pki_write_admin(
			&plane->pki, options->admin_kubeconfig, address.host, address.port, err);
	return r;
}

static int plane_shown(struct plane *plane, const struct control_options *options, struct err *err)
{
	AUTO_FREE char *authority = NULL;
	struct keys_config config = {
		.pki = &plane->pki, .server_names = (const char *const *)plane->names};
	int r = options->kubelet_authority[0]
			? fs_read(options->kubelet_authority, AUTHORITY_MOST, &authority, NULL, err)
			: 0;

	config.node_authority = authority;
	return r == 0 ? keys_new(plane->loop, &config, &plane->keys, err) : r;
}

static int plane_control(
	struct plane *plane, const struct control_options *options, struct err *err)
{
	struct client_config config = {.socket_path = plane->socket_path};
	struct control_config control = {.ca = plane->pki.authority.text,
		.ca_key = plane->pki.authority.key,
		.certificate_seconds = options->certificate_seconds,
		.node_grace = options->node_grace};
	struct bootstrap_config bootstrap = {.service_cidr = options->service_cidr,
		.address = options->advertise_address,
		.port = plane->port,
		.ca = plane->pki.authority.text};
	int r = client_new(plane->loop, &config, &plane->client, err);

	if (r == 0 && options->has_controllers)
		r = control_new(plane->loop, plane->client, &control, &plane->control, err);
	if (r == 0 &&
		bootstrap_new(plane->client, &bootstrap, plane_ready, plane, &plane->bootstrap) < 0)
		r = err_set(err, ENOMEM, "start");
	return r;
}

static int etcd_file(const char *path, char **ret, struct err *err)
{
	return path[0] ? fs_read(path, AUTHORITY_MOST, ret, NULL, err) : 0;
}

/* As root: later it may not. */
static int plane_etcd_files(
	struct plane *plane, const struct control_options *options, struct err *err)
{
	int r = etcd_file(options->etcd_authority, &plane->etcd.authority, err);

	if (r == 0)
		r = etcd_file(options->etcd_certificate, &plane->etcd.certificate, err);
	return r == 0 ? etcd_file(options->etcd_key, &plane->etcd.key, err) : r;
}

static int plane_store(struct plane *plane, const struct control_options *options, struct err *err)
{
	struct tls_config tls = {.authority = plane->etcd.authority,
		.certificate = plane->etcd.certificate,
		.key = plane->etcd.key};
	struct store_config store = {
		.where = options->store, .etcd_prefix = options->etcd_prefix, .etcd_tls = &tls};

	return store_open(plane->loop, &store, &plane->store, err);
}

/* What only root may do is done, and no thread has been started. */
static int plane_confine(
	const struct confine_user *user, const struct control_options *options, struct err *err)
{
	const char *path = store_path(options->store);
	AUTO_FREE char *copy = strdup(path ? path : "");
	int r = 0;

	if (!copy)
		return err_set(err, ENOMEM, "start");
	if (path)
		r = confine_give(user, dirname(copy), err);
	return r == 0 ? confine_enter(user, err) : r;
}

static int plane_open(struct plane *plane, const struct control_options *options, struct err *err)
{
	struct api_config api = {.service_cidr = options->service_cidr};
	struct confine_user user;
	int r = confine_find(options->user, &user, err);

	if (r == 0)
		r = confine_give(&user, options->run_dir, err);
	if (r == 0)
		r = lock_take(options->run_dir, "podnet-control", &plane->lock_fd, err);
	if (r == 0)
		r = plane_keys(plane, options, err);
	if (r == 0)
		r = plane_shown(plane, options, err);
	if (r == 0)
		r = plane_etcd_files(plane, options, err);
	api.token_key = plane->pki.token_key;
	api.node_tls = plane->keys ? keys_node(plane->keys) : NULL;
	api.audit_log = options->audit_log;
	plane->socket_path = fs_format("%s/podnet-control.sock", options->run_dir);
	if (r == 0 && !plane->socket_path)
		r = err_set(err, ENOMEM, "start");
	if (r == 0)
		r = plane_confine(&user, options, err);
	if (r == 0)
		r = plane_store(plane, options, err);
	if (r == 0)
		r = api_new(plane->loop, plane->store, &api, &plane->api, err);
	if (r == 0)
		r = plane_serve_local(plane, err);
	if (r == 0 && options->listen[0])
		r = plane_serve(plane, options->listen, err);
	return r == 0 ? plane_control(plane, options, err) : r;
}

static void plane_close(struct plane *plane)
{
	bootstrap_free(plane->bootstrap);
	control_free(plane->control);
	client_free(plane->client);
	http_server_free(plane->server);
	http_server_free(plane->local);
	api_free(plane->api);
	store_free(plane->store);
	keys_free(plane->keys);
	pki_clear(&plane->pki);
	pki_names_free(plane->names);
	free(plane->etcd.authority);
	free(plane->etcd.certificate);
	free(plane->etcd.key);
	free(plane->socket_path);
	close_fd(&plane->lock_fd);
	sd_event_unref(plane->loop);
}

static int stop(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	(void)info;
	(void)userdata;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int watch_signals(sd_event *loop)
{
	sigset_t set;
	int r;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	r = sd_event_add_signal(loop, NULL, SIGTERM, stop, NULL);
	return r < 0 ? r : sd_event_add_signal(loop, NULL, SIGINT, stop, NULL);
}

static int run(const struct control_options *options, struct err *err)
{
	struct plane plane = {.lock_fd = -1};
	int r = sd_event_new(&plane.loop);

	if (r >= 0)
		r = watch_signals(plane.loop);
	r = r < 0 ? err_set(err, -r, "make the event loop") : plane_open(&plane, options, err);
	if (r == 0) {
		sd_event_set_watchdog(plane.loop, true);
		r = sd_event_loop(plane.loop);
		if (r < 0)
			err_set(err, -r, "run the event loop");
	}
	plane_close(&plane);
	return r == -ECANCELED ? 0 : r; /* told to stop while it waited for its store */
}

int main(int argc, char **argv)
{
	struct control_options options;
	struct err err;
	int r;

	umask(077);
	log_setup("podnet-control", LOG_LEVEL_INFO);
	r = control_options_parse(argc, argv, &options, &err);
	if (r > 0)
		return 0;
	if (r < 0) {
		log_error("%s (see podnet-control --help)", err.text);
		return 2;
	}
	log_setup("podnet-control", options.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	if (run(&options, &err) < 0) {
		log_error("%s", err.text);
		return 1;
	}
	return 0;
}
