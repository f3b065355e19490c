// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/signing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/client/client.h"
#include "user/client/nodecsr.h"
#include "user/pki/request.h"

#define ORGANIZATION "system:nodes"
#define LOOK	     USEC_PER_SEC /* between two looks at a request; that is the server's */
#define LOOKS_SOON   10		  /* so many; people are slower */
#define LOOK_LATER   (10 * USEC_PER_SEC)
#define LOOKS_MOST   100 /* then there is another request */
#define ANSWER_MOST  (20 * USEC_PER_SEC)
#define RETRY_FIRST  USEC_PER_SEC
#define RETRY_MOST   (60 * USEC_PER_SEC)
#define SLEEP_MOST   (24 * 3600 * USEC_PER_SEC) /* the wall clock may be set meanwhile */

struct signing {
	struct client *client;
	struct signing_config config;
	struct timer *timer;
	struct client_call *call;
	char *request, *key; /* of the certificate that is asked for; NULL: none is */
	char *target;	     /* where the request stands; NULL: not yet sent */
	unsigned looks;
	uint64_t retry;
	int64_t due; /* wall clock, seconds */
};

static int64_t wall_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

/* --- when --- */

static void signing_sleep(struct signing *signing)
{
	int64_t left = signing->due - wall_seconds();
	uint64_t usec = left > 0 ? (uint64_t)left * USEC_PER_SEC : 0;

	timer_arm(signing->timer, clock_now() + (usec < SLEEP_MOST ? usec : SLEEP_MOST));
}

/* A request that came to nothing is not looked at again. */
static void signing_reset(struct signing *signing)
{
	free(signing->request);
	if (signing->key)
		explicit_bzero(signing->key, strlen(signing->key));
	free(signing->key);
	free(signing->target);
	signing->request = signing->key = signing->target = NULL;
	signing->looks = 0;
}

void signing_begin(struct signing *signing)
{
	signing_reset(signing);
	signing->retry = RETRY_FIRST;
	signing->due = 0;
	signing_sleep(signing);
}

int signing_follow(struct signing *signing, const char *certificate, struct err *err)
{
	int64_t from, until;
	int r = certificate_times(certificate, &from, &until, err);

	if (r < 0)
		return r;
	signing_begin(signing);
	signing->due = from + (until - from) / 5 * 4;
	signing_sleep(signing);
	return 0;
}

static void signing_again(struct signing *signing, const char *why)
{
	log_warning("cannot renew %s: %s, trying again", signing->config.what, why);
	timer_arm(signing->timer, clock_now() + signing->retry);
	signing->retry = signing->retry * 2 < RETRY_MOST ? signing->retry * 2 : RETRY_MOST;
}

void signing_failed(struct signing *signing, const char *why)
{
	signing_reset(signing);
	signing_again(signing, why);
}

/* --- what was given --- */

static struct certificate_spec spec_of(const struct signing *signing)
{
	return (struct certificate_spec){.use = signing->config.use,
		.name = signing->config.user,
		.organization = ORGANIZATION,
		.subject_names = signing->config.subject_names};
}

/* @certificate becomes a certificate's. */
static void signing_take(struct signing *signing, char **certificate)
{
	const struct certificate_spec spec = spec_of(signing);
	const struct certificate authority = {.text = (char *)signing->config.authority};
	struct certificate given = {*certificate, signing->key};
	const char *why;

	if (!certificate_is_good(
		    &given, &spec, authority.text ? &authority : NULL, 0, wall_seconds(), &why)) {
		signing_failed(signing, why);
		return;
	}
	*certificate = signing->key = NULL;
	signing->config.given(signing->config.userdata, &given);
}

static void signing_wait(struct signing *signing)
{
	if (++signing->looks > LOOKS_MOST)
		signing_failed(signing, "nobody has approved the request");
	else
		timer_arm(signing->timer,
			clock_now() + (signing->looks > LOOKS_SOON ? LOOK_LATER : LOOK));
}

static void signing_look(struct signing *signing, const json_t *request)
{
	AUTO_FREE char *certificate = NULL;
	struct err err;
	int r = nodecsr_look(request, &certificate, &err);

	if (r < 0)
		signing_failed(signing, err.text);
	else if (r == 0)
		signing_take(signing, &certificate);
	else
		signing_wait(signing);
}

/* --- asking --- */

/* Nothing is said of the request: the server is away, or has too much to do. */
static bool says_nothing(const struct client_answer *answer)
{
	return answer->status == 0 || answer->status == 429 || answer->status >= 500;
}

static void signing_answered(void *userdata, const struct client_answer *answer)
{
	struct signing *signing = userdata;
	const char *why = answer->message[0] ? answer->message : "no reason given";

	signing->call = NULL;
	timer_arm(signing->timer, USEC_NEVER);
	if (says_nothing(answer)) {
		signing_again(signing, why);
		return;
	}
	if (answer->status / 100 != 2) {
		signing_failed(signing, why);
		return;
	}
	signing->retry = RETRY_FIRST;
	if (!signing->target)
		signing->target = fs_format(NODECSR_TARGET "/%s",
			json_string_at(json_object_get(answer->body, "metadata"), "name", ""));
	if (signing->target)
		signing_look(signing, answer->body);
	else
		signing_failed(signing, "no memory");
}

static void signing_ask(struct signing *signing)
{
	const struct certificate_spec spec = spec_of(signing);
	AUTO_JSON body = NULL;
	struct client_request request = {.method = "GET", .target = signing->target};
	struct err err;

	if (!signing->request &&
		certificate_request_make(&spec, &signing->request, &signing->key, &err) < 0) {
		signing_failed(signing, err.text);
		return;
	}
	if (!signing->target) {
		body = nodecsr_new(signing->request, signing->config.use == CERTIFICATE_SERVER);
		request = (struct client_request){
			.method = "POST", .target = NODECSR_TARGET, .body = body};
	}
	if ((!signing->target && !body) || client_send(signing->client, &request, signing_answered,
						   signing, &signing->call) < 0)
		signing_failed(signing, "no memory");
	else
		timer_arm(signing->timer, clock_now() + ANSWER_MOST);
}

static void signing_turn(void *userdata)
{
	struct signing *signing = userdata;

	if (signing->call) {
		signing->call = client_cancel(signing->call);
		signing_again(signing, "no answer in time");
	} else if (wall_seconds() < signing->due) {
		signing_sleep(signing);
	} else {
		signing_ask(signing);
	}
}

/* --- life --- */

int signing_new(struct client *client, const struct signing_config *config, struct signing **ret,
	struct err *err)
{
	struct signing *signing = calloc(1, sizeof(*signing));
	int r;

	if (!signing)
		return err_set(err, ENOMEM, "renew a certificate");
	signing->client = client;
	signing->config = *config;
	r = timer_new(client_loop(client), signing_turn, signing, &signing->timer, err);
	if (r < 0)
		signing_free(signing);
	else
		*ret = signing;
	return r;
}

struct signing *signing_free(struct signing *signing)
{
	if (!signing)
		return NULL;
	client_cancel(signing->call);
	timer_free(signing->timer);
	signing_reset(signing);
	free(signing);
	return NULL;
}
