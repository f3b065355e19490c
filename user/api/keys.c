// SPDX-License-Identifier: Apache-2.0
#include "user/api/keys.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/http/tls.h"
#include "user/pki/pki.h"

#define LOOK (10 * USEC_PER_SEC) /* the wall clock may be set at any time */

struct keys {
	struct pki *pki;
	const char *const *server_names;
	char *node_authority;
	struct tls *server, *node;
	struct timer *timer;
	bool stale; /* what is shown is not what the pki has */
};

static struct tls_config server_shows(const struct keys *keys)
{
	return (struct tls_config){.authority = keys->pki->authority.text,
		.certificate = keys->pki->server.text,
		.key = keys->pki->server.key};
}

static struct tls_config node_is_shown(const struct keys *keys)
{
	return (struct tls_config){.authority = keys->node_authority,
		.certificate = keys->pki->node_client.text,
		.key = keys->pki->node_client.key,
		.unverified = !keys->node_authority};
}

/* --- renewal --- */

static int keys_show(struct keys *keys, struct err *err)
{
	const struct tls_config server = server_shows(keys), node = node_is_shown(keys);
	int r = tls_renew(keys->server, &server, err);

	if (r == 0)
		r = tls_renew(keys->node, &node, err);
	if (r < 0)
		return r;
	keys->stale = false;
	log_info("the certificates of the API server are renewed");
	return 0;
}

static void keys_look(void *userdata)
{
	struct keys *keys = userdata;
	bool renewed;
	struct err err;
	int r = pki_renew(keys->pki, keys->server_names, &renewed, &err);

	keys->stale |= renewed;
	if (r == 0 && keys->stale)
		r = keys_show(keys, &err);
	if (r < 0)
		log_error("cannot renew the certificates of the API server: %s, trying again",
			err.text);
	timer_arm(keys->timer, clock_now() + LOOK);
}

/* --- life --- */

static int keys_open(struct keys *keys, sd_event *loop, struct err *err)
{
	const struct tls_config server = server_shows(keys), node = node_is_shown(keys);
	int r = tls_new(&server, &keys->server, err);

	if (r == 0)
		r = tls_new(&node, &keys->node, err);
	if (r == 0)
		r = timer_new(loop, keys_look, keys, &keys->timer, err);
	if (r == 0)
		timer_arm(keys->timer, clock_now() + LOOK);
	return r;
}

int keys_new(sd_event *loop, const struct keys_config *config, struct keys **ret, struct err *err)
{
	struct keys *keys = calloc(1, sizeof(*keys));
	int r;

	if (!keys)
		return err_set(err, ENOMEM, "start");
	keys->pki = config->pki;
	keys->server_names = config->server_names;
	if (config->node_authority)
		keys->node_authority = strdup(config->node_authority);
	r = config->node_authority && !keys->node_authority ? err_set(err, ENOMEM, "start")
							    : keys_open(keys, loop, err);
	if (r < 0)
		keys_free(keys);
	else
		*ret = keys;
	return r;
}

const struct tls *keys_server(const struct keys *keys)
{
	return keys->server;
}

const struct tls *keys_node(const struct keys *keys)
{
	return keys->node;
}

struct keys *keys_free(struct keys *keys)
{
	if (!keys)
		return NULL;
	timer_free(keys->timer);
	tls_free(keys->server);
	tls_free(keys->node);
	free(keys->node_authority);
	free(keys);
	return NULL;
}
