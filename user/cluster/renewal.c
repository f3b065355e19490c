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
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/client/client.h"
#include "user/client/kubeconfig.h"
#include "user/client/nodecsr.h"
#include "user/pki/pki.h"
#include "user/pki/request.h"

#define LOOK	    USEC_PER_SEC /* between two looks at a request */
#define LOOKS_MOST  600		 /* then there is another request */
#define ANSWER_MOST (20 * USEC_PER_SEC)
#define RETRY_FIRST USEC_PER_SEC
#define RETRY_MOST  (60 * USEC_PER_SEC)
#define SLEEP_MOST  (24 * 3600 * USEC_PER_SEC) /* the wall clock may be set meanwhile */

struct renewal {
	struct client *client;
	struct worker *worker;
	const char *path;
	char *server, *user;
	struct certificate authority, current;
	struct timer *timer;
	struct client_call *call;
	char *request, *key; /* of the certificate that is asked for; NULL: none is */
	char *target;	     /* where the request stands; NULL: not yet sent */
	unsigned looks;
	uint64_t retry;
	int64_t due; /* wall clock, seconds */
};

/* What the worker writes. */
struct renewed {
	struct renewal *renewal;
	struct certificate certificate;
	char *text;
	int result;
	struct err err;
};

static int64_t wall_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

/* --- when --- */

static void renewal_sleep(struct renewal *renewal)
{
	int64_t left = renewal->due - wall_seconds();
	uint64_t usec = left > 0 ? (uint64_t)left * USEC_PER_SEC : 0;

	timer_arm(renewal->timer, clock_now() + (usec < SLEEP_MOST ? usec : SLEEP_MOST));
}

static int renewal_schedule(struct renewal *renewal, struct err *err)
{
	int64_t from, until;
	int r = certificate_times(renewal->current.text, &from, &until, err);

	if (r < 0)
		return r;
	renewal->due = from + (until - from) / 5 * 4;
	renewal->retry = RETRY_FIRST;
	renewal_sleep(renewal);
	return 0;
}

/* A request that came to nothing is not looked at again. */
static void renewal_reset(struct renewal *renewal)
{
	free(renewal->request);
	if (renewal->key)
		explicit_bzero(renewal->key, strlen(renewal->key));
	free(renewal->key);
	free(renewal->target);
	renewal->request = renewal->key = renewal->target = NULL;
	renewal->looks = 0;
}

static void renewal_retry(struct renewal *renewal)
{
	timer_arm(renewal->timer, clock_now() + renewal->retry);
	renewal->retry = renewal->retry * 2 < RETRY_MOST ? renewal->retry * 2 : RETRY_MOST;
}

static void renewal_failed(struct renewal *renewal, const char *why)
{
	log_warning("cannot renew the certificate in '%s': %s, trying again", renewal->path, why);
	renewal_reset(renewal);
	renewal_retry(renewal);
}

/* --- what was given --- */

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
	if (r == 0) {
		certificate_clear(&renewal->current);
		renewal->current = renewed->certificate;
		renewed->certificate = (struct certificate){0};
		log_info("the certificate in '%s' is renewed", renewal->path);
		renewal_reset(renewal);
		r = renewal_schedule(renewal, &err);
	}
	if (r < 0)
		renewal_failed(renewal, err.text);
	renewed_free(renewed);
}

static int renewal_write(struct renewal *renewal, const char *certificate)
{
	struct renewed *renewed = calloc(1, sizeof(*renewed));

	if (!renewed)
		return -ENOMEM;
	renewed->renewal = renewal;
	renewed->certificate = (struct certificate){strdup(certificate), strdup(renewal->key)};
	if (renewed->certificate.text && renewed->certificate.key)
		renewed->text = pki_kubeconfig(
			renewal->server, renewal->user, &renewal->authority, &renewed->certificate);
	if (renewed->text && worker_post(renewal->worker, renewed_work, renewed_done, renewed_free,
				     renewed) == 0)
		return 0;
	renewed_free(renewed);
	return -ENOMEM;
}

static void renewal_take(struct renewal *renewal, char *certificate)
{
	const struct certificate_spec spec = {.use = CERTIFICATE_CLIENT, .name = renewal->user};
	const struct certificate given = {certificate, renewal->key};
	const char *why;

	if (!certificate_is_good(&given, &spec, &renewal->authority, 0, wall_seconds(), &why))
		renewal_failed(renewal, why);
	else if (renewal_write(renewal, certificate) < 0)
		renewal_failed(renewal, "no memory");
}

/* --- asking --- */

static void renewal_look(struct renewal *renewal, const json_t *request)
{
	AUTO_FREE char *certificate = NULL;
	struct err err;
	int r = nodecsr_look(request, &certificate, &err);

	if (r < 0)
		renewal_failed(renewal, err.text);
	else if (r == 0)
		renewal_take(renewal, certificate);
	else if (++renewal->looks > LOOKS_MOST)
		renewal_failed(renewal, "nobody has approved the request");
	else
		timer_arm(renewal->timer, clock_now() + LOOK);
}

static void renewal_answered(void *userdata, const struct client_answer *answer)
{
	struct renewal *renewal = userdata;

	renewal->call = NULL;
	timer_arm(renewal->timer, USEC_NEVER);
	if (answer->status / 100 != 2) {
		renewal_failed(renewal, answer->message[0] ? answer->message : "no reason given");
		return;
	}
	if (!renewal->target)
		renewal->target = fs_format(NODECSR_TARGET "/%s",
			json_string_at(json_object_get(answer->body, "metadata"), "name", ""));
	if (renewal->target)
		renewal_look(renewal, answer->body);
	else
		renewal_failed(renewal, "no memory");
}

static void renewal_ask(struct renewal *renewal)
{
	const struct certificate_spec spec = {
		.use = CERTIFICATE_CLIENT, .name = renewal->user, .organization = "system:nodes"};
	AUTO_JSON body = NULL;
	struct client_request request = {.method = "GET", .target = renewal->target};
	struct err err;

	if (!renewal->request &&
		certificate_request_make(&spec, &renewal->request, &renewal->key, &err) < 0) {
		renewal_failed(renewal, err.text);
		return;
	}
	if (!renewal->target) {
		body = nodecsr_new(renewal->request);
		request = (struct client_request){
			.method = "POST", .target = NODECSR_TARGET, .body = body};
	}
	if ((!renewal->target && !body) || client_send(renewal->client, &request, renewal_answered,
						   renewal, &renewal->call) < 0)
		renewal_failed(renewal, "no memory");
	else
		timer_arm(renewal->timer, clock_now() + ANSWER_MOST);
}

static void renewal_turn(void *userdata)
{
	struct renewal *renewal = userdata;

	if (renewal->call) {
		renewal->call = client_cancel(renewal->call);
		renewal_failed(renewal, "no answer in time");
	} else if (wall_seconds() < renewal->due) {
		renewal_sleep(renewal);
	} else {
		renewal_ask(renewal);
	}
}

/* --- life --- */

static bool is_ours(const struct kubeconfig *config, const char *user)
{
	AUTO_FREE char *name = NULL;

	return !config->cert_path && !config->key_path && config->cert_data && config->ca_data &&
	       certificate_name(config->cert_data, &name, NULL) == 0 && strcmp(name, user) == 0;
}

static int renewal_copy(struct renewal *renewal, const struct kubeconfig *config, struct err *err)
{
	renewal->server = strdup(config->server);
	renewal->authority.text = strdup(config->ca_data);
	renewal->current =
		(struct certificate){strdup(config->cert_data), strdup(config->key_data)};
	if (renewal->server && renewal->authority.text && renewal->current.text &&
		renewal->current.key)
		return 0;
	return err_set(err, ENOMEM, "renew a certificate");
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
	r = renewal_copy(renewal, config, err);
	if (r == 0)
		r = timer_new(client_loop(client), renewal_turn, renewal, &renewal->timer, err);
	if (r == 0)
		r = renewal_schedule(renewal, err);
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
	client_cancel(renewal->call);
	timer_free(renewal->timer);
	renewal_reset(renewal);
	certificate_clear(&renewal->authority);
	certificate_clear(&renewal->current);
	free(renewal->server);
	free(renewal->user);
	free(renewal);
	return NULL;
}
