// SPDX-License-Identifier: Apache-2.0
#include "user/agent/nodekeys.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "user/agent/clusterstate.h"
#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/client/kubeconfig.h"
#include "user/cluster/serving.h"
#include "user/http/tls.h"
#include "user/pki/pki.h"

#define PEM_MOST (1u << 20)
#define OWN_NAME "nodeapi"	       /* of the certificate made here */
#define LOOK	 (3600 * USEC_PER_SEC) /* the wall clock may be set meanwhile */

struct nodekeys {
	const struct agent *agent;
	char address[INET_ADDRSTRLEN];
	const char *names[3]; /* by which the node is asked */
	char *directory, *authority;
	struct certificate own; /* {NULL}: another one is shown */
	bool stale;		/* what is shown is not @own */
	struct tls *tls;
	struct timer *timer;	 /* NULL: nothing of ours to renew */
	struct serving *serving; /* NULL: nobody else signs it */
};

/* --- where they come from --- */

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

static int certificate_own(struct nodekeys *keys, struct err *err)
{
	int r = fs_mkdir(keys->directory, 0700, err);

	return r < 0 ? r : pki_open_own(keys->directory, OWN_NAME, keys->names, &keys->own, err);
}

/* --- what is shown --- */

static struct tls_config shows(const struct nodekeys *keys, const struct certificate *certificate)
{
	return (struct tls_config){.authority = keys->authority,
		.certificate = certificate->text,
		.key = certificate->key};
}

static int nodekeys_show(
	struct nodekeys *keys, const struct certificate *certificate, struct err *err)
{
	const struct tls_config config = shows(keys, certificate);

	return keys->tls ? tls_renew(keys->tls, &config, err) : tls_new(&config, &keys->tls, err);
}

static void nodekeys_signed(void *userdata, const struct certificate *certificate)
{
	struct nodekeys *keys = userdata;
	struct err err;

	if (nodekeys_show(keys, certificate, &err) < 0)
		log_error("the node's API goes on with the certificate it has: %s", err.text);
	else
		keys->timer = timer_free(keys->timer); /* ours is not shown any more */
}

static void nodekeys_look(void *userdata)
{
	struct nodekeys *keys = userdata;
	bool renewed;
	struct err err;
	int r = pki_renew_own(OWN_NAME, keys->names, &keys->own, &renewed, &err);

	keys->stale |= renewed;
	if (r == 0 && keys->stale) {
		r = nodekeys_show(keys, &keys->own, &err);
		keys->stale = r < 0;
	}
	if (r < 0)
		log_error("cannot renew the certificate of the node's API: %s, trying again",
			err.text);
	timer_arm(keys->timer, clock_now() + LOOK);
}

/* --- life --- */

static int nodekeys_given(struct nodekeys *keys, struct err *err)
{
	AUTO_CERTIFICATE given = {0};
	int r = certificate_given(keys->agent->options, &given, err);

	return r < 0 ? r : nodekeys_show(keys, &given, err);
}

static int nodekeys_made(struct nodekeys *keys, struct err *err)
{
	int r = certificate_own(keys, err);

	if (r == 0)
		r = nodekeys_show(keys, &keys->own, err);
	if (r == 0)
		r = timer_new(keys->agent->loop, nodekeys_look, keys, &keys->timer, err);
	if (r == 0)
		timer_arm(keys->timer, clock_now() + LOOK);
	return r;
}

static int nodekeys_ask(struct nodekeys *keys, struct err *err)
{
	struct serving_config config = {.directory = keys->directory,
		.node_name = keys->agent->options->node_name,
		.subject_names = keys->names,
		.changed = nodekeys_signed,
		.userdata = keys};

	return serving_new(
		keys->agent->cluster->client, keys->agent->worker, &config, &keys->serving, err);
}

static int nodekeys_open(struct nodekeys *keys, struct err *err)
{
	const struct options *options = keys->agent->options;
	int r = authority_read(options, &keys->authority, err);

	keys->directory = fs_format("%s/pki", options->state_dir);
	keys->names[0] = options->node_name;
	keys->names[1] = inet_ntop(
		AF_INET, &keys->agent->node_config.host_ip, keys->address, sizeof(keys->address));
	if (r == 0 && !keys->directory)
		r = err_set(err, ENOMEM, "make a certificate");
	if (r == 0)
		r = options->tls_cert_file ? nodekeys_given(keys, err) : nodekeys_made(keys, err);
	return r == 0 && options->rotate_serving ? nodekeys_ask(keys, err) : r;
}

int nodekeys_new(struct agent *agent, struct nodekeys **ret, struct err *err)
{
	struct nodekeys *keys = calloc(1, sizeof(*keys));
	int r;

	if (!keys)
		return err_set(err, ENOMEM, "make a certificate");
	keys->agent = agent;
	r = nodekeys_open(keys, err);
	if (r < 0)
		nodekeys_free(keys);
	else
		*ret = keys;
	return r;
}

const struct tls *nodekeys_tls(const struct nodekeys *keys)
{
	return keys->tls;
}

struct nodekeys *nodekeys_free(struct nodekeys *keys)
{
	if (!keys)
		return NULL;
	serving_free(keys->serving);
	timer_free(keys->timer);
	tls_free(keys->tls);
	certificate_clear(&keys->own);
	free(keys->authority);
	free(keys->directory);
	free(keys);
	return NULL;
}
