/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Kubernetes REST API upon a store: one table of kinds (user/model/kinds.h) drives it.  It decides
 * nothing: controllers and the scheduler are its clients.
 */
#pragma once

#include <stddef.h>
#include <systemd/sd-event.h>

struct api;
struct err;
struct http_exchange;
struct store;
struct tls;

struct api_config {
	const char *service_cidr; /* "10.96.0.0/16" */
	const char *token_key;	  /* PEM: signs tokens of service accounts; NULL: there are none */
	const char *audit_log;	  /* a path; NULL or "": nothing is recorded */
	const struct tls *
		node_tls; /* what nodes are shown, and how they are trusted; NULL: they are not spoken to */
};

/*
 * Serves what @store holds; both must outlive it, as must @loop and the config's strings.  EINVAL: no range of
 * addresses.  The caller owns *@ret.
 */
int api_new(sd_event *loop, struct store *store, const struct api_config *config, struct api **ret,
	struct err *err);

/* Ends all watches.  Free the HTTP server before.  Accepts NULL; returns NULL. */
struct api *api_free(struct api *api);

/*
 * Answers one request of somebody who must say who he is: http_server_config.handle, with the api as its
 * userdata.
 */
void api_handle(void *api, struct http_exchange *exchange);

/* Who has not said who he is need not send much: http_server_config.body_most. */
size_t api_body_most(void *api, const struct http_exchange *exchange);

/* As api_handle, for a socket that only those can open who may do everything. */
void api_handle_local(void *api, struct http_exchange *exchange);

/* Borrowed. */
struct store *api_store(const struct api *api);
sd_event *api_loop(const struct api *api);
const struct api_config *api_settings(const struct api *api);
