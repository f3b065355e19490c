// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/serving.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/worker.h"
#include "user/cluster/signing.h"
#include "user/pki/pki.h"

#define FILE_NAME "serving"
#define WHAT	  "the certificate of the node's API"

struct serving {
	struct worker *worker;
	struct serving_config config;
	char *user;
	struct signing *signing;
};

/* What the worker writes. */
struct signed_pair {
	struct serving *serving;
	char *directory; /* its own: the worker may come to it when all is over */
	struct certificate certificate;
	int result;
	struct err err;
};

static void pair_free(void *arg)
{
	struct signed_pair *pair = arg;

	certificate_clear(&pair->certificate);
	free(pair->directory);
	free(pair);
}

static void pair_work(void *arg)
{
	struct signed_pair *pair = arg;

	pair->result = pki_write_own(pair->directory, FILE_NAME, &pair->certificate, &pair->err);
}

/* It counts from now on, whether or not it could be written. */
static void pair_done(void *arg)
{
	struct signed_pair *pair = arg;
	struct serving *serving = pair->serving;
	struct err err = pair->err;

	if (pair->result < 0)
		log_error("%s; " WHAT " is there until podnetd ends", err.text);
	serving->config.changed(serving->config.userdata, &pair->certificate);
	if (signing_follow(serving->signing, pair->certificate.text, &err) < 0)
		signing_failed(serving->signing, err.text);
	else
		log_info(WHAT " is signed");
	pair_free(pair);
}

static void serving_given(void *userdata, struct certificate *certificate)
{
	struct serving *serving = userdata;
	struct signed_pair *pair = calloc(1, sizeof(*pair));

	if (!pair) {
		certificate_clear(certificate);
		signing_failed(serving->signing, "no memory");
		return;
	}
	pair->serving = serving;
	pair->directory = strdup(serving->config.directory);
	pair->certificate = *certificate;
	if (!pair->directory ||
		worker_post(serving->worker, pair_work, pair_done, pair_free, pair) < 0) {
		pair_free(pair);
		signing_failed(serving->signing, "no memory");
	}
}

/* --- life --- */

/* One of an earlier podnetd, when it still is for us. */
static int serving_kept(struct serving *serving, struct err *err)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_SERVER, .subject_names = serving->config.subject_names};
	AUTO_CERTIFICATE kept = {0};
	const char *why;
	int r = pki_read_own(serving->config.directory, FILE_NAME, &kept, err);

	if (r < 0)
		return r;
	if (!kept.text || !kept.key ||
		!certificate_is_good(
			&kept, &spec, NULL, 0, (int64_t)(clock_wall() / USEC_PER_SEC), &why)) {
		signing_begin(serving->signing);
		return 0;
	}
	serving->config.changed(serving->config.userdata, &kept);
	return signing_follow(serving->signing, kept.text, err);
}

static int serving_begin(struct serving *serving, struct client *client, struct err *err)
{
	struct signing_config signing = {.use = CERTIFICATE_SERVER,
		.user = serving->user,
		.subject_names = serving->config.subject_names,
		.what = WHAT,
		.given = serving_given,
		.userdata = serving};
	int r;

	if (!serving->user)
		return err_set(err, ENOMEM, "ask for a certificate");
	r = signing_new(client, &signing, &serving->signing, err);
	return r == 0 ? serving_kept(serving, err) : r;
}

int serving_new(struct client *client, struct worker *worker, const struct serving_config *config,
	struct serving **ret, struct err *err)
{
	struct serving *serving = calloc(1, sizeof(*serving));
	int r;

	if (!serving)
		return err_set(err, ENOMEM, "ask for a certificate");
	*serving = (struct serving){.worker = worker,
		.config = *config,
		.user = fs_format("system:node:%s", config->node_name)};
	r = serving_begin(serving, client, err);
	if (r < 0)
		serving_free(serving);
	else
		*ret = serving;
	return r;
}

struct serving *serving_free(struct serving *serving)
{
	if (!serving)
		return NULL;
	signing_free(serving->signing);
	free(serving->user);
	free(serving);
	return NULL;
}
