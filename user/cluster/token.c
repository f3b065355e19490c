// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/token.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/cluster/writer.h"
#include "user/model/object.h"
#include "user/model/value.h"
#include "user/model/wiretime.h"

#define REFRESH_MOST (24 * 3600) /* seconds after which even a long-lived one is renewed */

struct token {
	json_t *request;
	struct writer *writer;
	char *text;	 /* NULL: none */
	int64_t refresh; /* wall clock, seconds */
	uint64_t due;	 /* the same as clock_now() */
	char why[160];	 /* there is none */
	void (*changed)(void *userdata);
	void *userdata;
};

static int64_t wall_seconds(void)
{
	return (int64_t)(clock_wall() / USEC_PER_SEC);
}

struct token_want token_want_of(const json_t *pod, const char *audience, int64_t seconds)
{
	const json_t *meta = json_object_get(pod, "metadata");

	return (struct token_want){
		.namespace = json_string_at(meta, "namespace", DEFAULT_NAMESPACE),
		.account = json_string_at(
			json_object_get(pod, "spec"), "serviceAccountName", "default"),
		.pod = json_string_at(meta, "name", ""),
		.uid = json_string_at(meta, "uid", ""),
		.audience = audience,
		.seconds = seconds,
	};
}

char *token_key(const struct token_want *want)
{
	return fs_format("Token/%s/%s/%s/%s/%" PRId64 "/%s", want->namespace, want->account,
		want->pod, want->uid, want->seconds, want->audience);
}

json_t *token_request(const struct token_want *want)
{
	AUTO_FREE char *target =
		writer_target("", "v1", want->namespace, "serviceaccounts", want->account, "token");
	json_t *request = json_pack("{s:s, s:{s:s, s:s, s:{s:I, s:{s:s, s:s, s:s, s:s}}}}",
		"target", target ? target : "", "body", "apiVersion", "authentication.k8s.io/v1",
		"kind", "TokenRequest", "spec", "expirationSeconds", (json_int_t)want->seconds,
		"boundObjectRef", "apiVersion", "v1", "kind", "Pod", "name", want->pod, "uid",
		want->uid);
	json_t *spec = json_object_get(json_object_get(request, "body"), "spec");

	if (target && request &&
		(!want->audience[0] || json_object_set_new(spec, "audiences",
					       json_pack("[s]", want->audience)) == 0))
		return request;
	json_decref(request);
	return NULL;
}

/* --- asking --- */

static void token_schedule(struct token *token)
{
	int64_t left = token->refresh - wall_seconds();

	token->due = clock_now() + (left > 0 ? (uint64_t)left * USEC_PER_SEC : 0);
	writer_look_at(token->writer, token->due);
}

static bool token_plan(void *userdata, struct write *ret)
{
	struct token *token = userdata;

	if (token->text && clock_now() < token->due) {
		writer_look_at(token->writer, token->due);
		return false;
	}
	*ret = (struct write){
		.method = "POST",
		.target = strdup(json_string_at(token->request, "target", "")),
		.body = json_incref(json_object_get(token->request, "body")),
	};
	return true;
}

/* @status: of a TokenRequest. */
static int token_take(struct token *token, const json_t *status)
{
	const char *text = json_string_at(status, "token", "");
	const char *until = json_string_at(status, "expirationTimestamp", "");
	int64_t now = wall_seconds(), expires, life;
	int32_t nanos;
	char *copy;

	if (!text[0] || !value_is_time(until))
		return -EBADMSG;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	wiretime_parse(until, &expires, &nanos);
	life = expires > now ? (expires - now) / 5 * 4 : 0;
	free(token->text);
	token->text = copy;
	/* A server whose clock is far behind must not be asked without end. */
	token->refresh = now + (life < 1 ? 1 : life < REFRESH_MOST ? life : REFRESH_MOST);
	token_schedule(token);
	return 0;
}

static enum written token_done(void *userdata, const struct client_answer *answer)
{
	struct token *token = userdata;

	if (answer->status / 100 == 2 &&
		token_take(token, json_object_get(answer->body, "status")) == 0) {
		token->changed(token->userdata);
		return WRITTEN;
	}
	snprintf(token->why, sizeof(token->why), "%s",
		answer->message[0] ? answer->message : "the API server's answer holds no token");
	if (!token->text)
		token->changed(token->userdata);
	return WRITTEN_FAILED;
}

static const struct writer_events token_events = {.plan = token_plan, .done = token_done};

/* --- life --- */

int token_new(struct client *client, const json_t *request, const json_t *cached,
	void (*changed)(void *userdata), void *userdata, struct token **ret)
{
	const char *kept = json_string_at(cached, "token", "");
	struct token *token = calloc(1, sizeof(*token));

	if (!token)
		return -ENOMEM;
	*token = (struct token){
		.request = json_incref((json_t *)request),
		.text = kept[0] ? strdup(kept) : NULL,
		.refresh = json_integer_at(cached, "refresh", 0),
		.why = "the API server has not given the service account's token yet",
		.changed = changed,
		.userdata = userdata,
	};
	if (writer_new(client, 0, &token_events, token, &token->writer) < 0) {
		token_free(token);
		return -ENOMEM;
	}
	token_schedule(token);
	*ret = token;
	return 0;
}

struct token *token_free(struct token *token)
{
	if (!token)
		return NULL;
	writer_free(token->writer);
	json_decref(token->request);
	free(token->text);
	free(token);
	return NULL;
}

const char *token_text(const struct token *token, struct err *err)
{
	if (!token->text)
		err_refuse(err, ENOENT, "%s", token->why);
	return token->text;
}

json_t *token_record(const struct token *token)
{
	if (!token->text)
		return json_null();
	return json_pack("{s:s, s:I}", "token", token->text, "refresh", (json_int_t)token->refresh);
}
