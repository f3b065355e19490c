/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the API server shows, to its clients and to nodes, and whom it trusts.  Certificates that are nearly over are made
 * anew while it works; connections that are open go on as they are.
 */
#pragma once

#include <systemd/sd-event.h>

struct err;
struct keys;
struct pki;
struct tls;

/* Borrowed for as long as the keys are there, but for the text in PEM. */
struct keys_config {
	struct pki *pki; /* renewed in it */
	const char *const *server_names;
	const char *node_authority; /* who signs what nodes show; NULL: whoever answers will do */
};

/* The caller owns *@ret, and frees it before the loop and after all connections. */
int keys_new(sd_event *loop, const struct keys_config *config, struct keys **ret, struct err *err);

/* Borrowed. */
const struct tls *keys_server(const struct keys *keys);
const struct tls *keys_node(const struct keys *keys);

/* Accepts NULL; returns NULL. */
struct keys *keys_free(struct keys *keys);
