// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/renewal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/worker.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"
#include "user/cluster/signing.h"
#include "user/pki/pki.h"

struct renewal {
	struct client *client;
	struct worker *worker;
	const char *path;
	char *server, *user;
	struct certificate authority;
	char *what;
	struct signing *signing;
};

/* What the worker writes. */
struct renewed {
	struct renewal *renewal;
	struct certificate certificate;
	char *text;
	int result;
	struct err err;
};

static void renewed_free(void *arg)
{
	struct renewed *renewed = arg;

	if (!renewed)
		return;
	certificate_clear(&renewed->certificate);
	free(renewed->text);
	free(renewed);
}

static void renewed_work(void *arg)
{
	struct renewed *renewed = arg;

	renewed->result = fs_replace(renewed->renewal->path, renewed->text, strlen(renewed->text),
		0600, FS_DURABLE, &renewed->err);
}

/* It counts from now on, whether or not it could be written. */
static void renewed_done(void *arg)
{
	struct renewed *renewed = arg;
	struct renewal *renewal = renewed->renewal;
	const struct client_config config = {.authority = renewal->authority.text,
		.certificate = renewed->certificate.text,
		.key = renewed->certificate.key};
	struct err err = renewed->err;
	int r;

	if (renewed->result < 0)
		log_error("%s; the certificate is renewed until podnetd ends", err.text);
	r = client_renew(renewal->client, &config, &err);
	if (r == 0)
		r = signing_follow(renewal->signing, renewed->certificate.text, &err);
	if (r == 0)
		log_info("%s is renewed", renewal->what);
	else
		signing_failed(renewal->signing, err.text);
	renewed_free(renewed);
}

static void renewal_given(void *userdata, struct certificate *certificate)
{
	struct renewal *renewal = userdata;
	struct renewed *renewed = calloc(1, sizeof(*renewed));

	if (!renewed) {
		certificate_clear(certificate);
		signing_failed(renewal->signing, "no memory");
		return;
	}
	renewed->renewal = renewal;
	renewed->certificate = *certificate;
	renewed->text = pki_kubeconfig(
		renewal->server, renewal->user, &renewal->authority, &renewed->certificate);
	if (renewed->text && worker_post(renewal->worker, renewed_work, renewed_done, renewed_free,
				     renewed) == 0)
		return;
	renewed_free(renewed);
	signing_failed(renewal->signing, "no memory");
}

/* --- life --- */

static bool is_ours(const struct kubeconfig *config, const char *user)
{
	AUTO_FREE char *name = NULL;

	return !config->cert_path && !config->key_path && config->cert_data && config->ca_data &&
	       certificate_name(config->cert_data, &name, NULL) == 0 && strcmp(name, user) == 0;
}

static int renewal_begin(struct renewal *renewal, const struct kubeconfig *config, struct err *err)
{
	struct signing_config signing = {.use = CERTIFICATE_CLIENT,
		.user = renewal->user,
		.given = renewal_given,
		.userdata = renewal};
	int r;

	renewal->server = strdup(config->server);
	renewal->authority.text = strdup(config->ca_data);
	renewal->what = fs_format("the certificate in '%s'", renewal->path);
	if (!renewal->server || !renewal->authority.text || !renewal->what)
		return err_set(err, ENOMEM, "renew a certificate");
	signing.authority = renewal->authority.text;
	signing.what = renewal->what;
	r = signing_new(renewal->client, &signing, &renewal->signing, err);
	return r == 0 ? signing_follow(renewal->signing, config->cert_data, err) : r;
}

int renewal_new(struct client *client, struct worker *worker, const char *path,
	const struct kubeconfig *config, const char *node_name, struct renewal **ret,
	struct err *err)
{
	AUTO_FREE char *user = fs_format("system:node:%s", node_name);
	struct renewal *renewal = NULL;
	int r;

	*ret = NULL;
	if (user && !is_ours(config, user))
		return 0;
	renewal = user ? calloc(1, sizeof(*renewal)) : NULL;
	if (!renewal)
		return err_set(err, ENOMEM, "renew a certificate");
	*renewal = (struct renewal){
		.client = client, .worker = worker, .path = path, .user = take_ptr(user)};
	r = renewal_begin(renewal, config, err);
	if (r < 0)
		renewal_free(renewal);
	else
		*ret = renewal;
	return r;
}

struct renewal *renewal_free(struct renewal *renewal)
{
	if (!renewal)
		return NULL;
	signing_free(renewal->signing);
	certificate_clear(&renewal->authority);
	free(renewal->what);
	free(renewal->server);
	free(renewal->user);
	free(renewal);
	return NULL;
}
