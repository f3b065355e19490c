// SPDX-License-Identifier: Apache-2.0
#include "user/client/client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/fs.h"
#include "user/base/loop.h"
#include "user/client/lookup.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/tls.h"

struct client {
	sd_event *loop;
	char *socket_path; /* NULL: remote */
	struct http_remote remote;
	struct lookup *lookup; /* of the remote */
	struct tls *tls;       /* NULL: a socket */
	char *agent, *authorization;
	struct client_call *calls;
};

struct client_call {
	struct client *client;
	struct client_call *next, **link;
	struct http_call *http;
	struct timer *failed; /* a request that could not be sent is told from the loop, too */
	struct err err;
	unsigned status;
	struct buffer body; /* of a stream: the line that has begun */
	void (*line)(void *userdata, const char *text, size_t len);
	client_done_fn done;
	void *userdata;
};

static int client_local(struct client *client, const struct client_config *config, struct err *err)
{
	client->socket_path = strdup(config->socket_path);
	return client->socket_path ? 0 : err_set(err, ENOMEM, "make a client");
}

static struct tls_config tls_of(const struct client_config *config)
{
	return (struct tls_config){.authority = config->authority,
		.certificate = config->certificate,
		.key = config->key,
		.unverified = config->unverified};
}

int client_renew(struct client *client, const struct client_config *config, struct err *err)
{
	const struct tls_config tls = tls_of(config);

	return tls_renew(client->tls, &tls, err);
}

static int client_remote(struct client *client, const struct client_config *config, struct err *err)
{
	const struct tls_config tls = tls_of(config);
	struct http_remote *remote = &client->remote;
	int r = http_address_of_url(config->server, &remote->name, err);

	if (r == 0)
		r = lookup_new(client->loop, remote, &client->lookup, err);
	if (r == 0)
		r = tls_new(&tls, &client->tls, err);
	remote->tls = client->tls;
	if (r == 0 && config->token) {
		client->authorization = fs_format("Bearer %s", config->token);
		if (!client->authorization)
			r = err_set(err, ENOMEM, "make a client");
	}
	remote->authorization = client->authorization;
	return r < 0 ? err_wrap(err, "reach '%s'", config->server) : 0;
}

int client_new(
	sd_event *loop, const struct client_config *config, struct client **ret, struct err *err)
{
	struct client *client = calloc(1, sizeof(*client));

	int r;

	if (!client)
		return err_set(err, ENOMEM, "make a client");
	client->loop = loop;
	client->agent = fs_format("%s/%s", program_invocation_short_name, PODNET_VERSION);
	if (!client->agent) {
		client_free(client);
		return err_set(err, ENOMEM, "make a client");
	}
	r = config->socket_path ? client_local(client, config, err)
				: client_remote(client, config, err);
	if (r < 0) {
		client_free(client);
		return r;
	}
	*ret = client;
	return 0;
}

struct client *client_free(struct client *client)
{
	if (!client)
		return NULL;
	while (client->calls)
		client_cancel(client->calls);
	lookup_free(client->lookup);
	tls_free(client->tls);
	free(client->authorization);
	free(client->agent);
	free(client->socket_path);
	free(client);
	return NULL;
}

bool client_is_looking_up(const struct client *client)
{
	return client->lookup && lookup_is_under_way(client->lookup);
}

sd_event *client_loop(const struct client *client)
{
	return client->loop;
}

struct client_call *client_cancel(struct client_call *call)
{
	if (!call)
		return NULL;
	*call->link = call->next;
	if (call->next)
		call->next->link = call->link;
	http_call_free(call->http);
	timer_free(call->failed);
	buffer_clear(&call->body);
	free(call);
	return NULL;
}

static void call_tell(struct client_call *call, const struct client_answer *answer)
{
	client_done_fn done = call->done;
	void *userdata = call->userdata;

	client_cancel(call);
	done(userdata, answer);
}

static void call_tell_failure(struct client_call *call, const char *reason)
{
	char text[sizeof(call->err.text)];
	struct client_answer answer = {.reason = "", .message = text};

	snprintf(text, sizeof(text), "%s", reason);
	call_tell(call, &answer);
}

static void call_tell_answer(struct client_call *call)
{
	AUTO_JSON body = NULL;
	struct client_answer answer = {.status = call->status, .reason = "", .message = ""};

	if (call->body.len)
		json_parse(buffer_head(&call->body), call->body.len, "answer", &body, NULL);
	answer.body = body;
	if (call->status >= 300) {
		answer.reason = json_string_at(body, "reason", "");
		answer.message = json_string_at(body, "message", "");
	}
	call_tell(call, &answer);
}

static void call_head(void *userdata, unsigned status)
{
	struct client_call *call = userdata;

	call->status = status;
}

static void call_lines(struct client_call *call)
{
	const char *end;

	while (call->body.len &&
		(end = memchr(buffer_head(&call->body), '\n', call->body.len)) != NULL) {
		size_t len = (size_t)(end - buffer_head(&call->body));

		call->line(call->userdata, buffer_head(&call->body), len);
		buffer_consume(&call->body, len + 1);
	}
}

/* What does not fit is noticed at the end: an answer that is cut is no JSON. */
static void call_body(void *userdata, const char *data, size_t len)
{
	struct client_call *call = userdata;

	if (call->body.len + len > CLIENT_ANSWER_MOST ||
		buffer_append(&call->body, data, len) < 0) {
		err_refuse(&call->err, EFBIG, "the answer is too large");
		return;
	}
	if (call->line && call->status == 200)
		call_lines(call);
}

/* A name may have moved. */
static void call_broken(struct client_call *call, const char *reason)
{
	if (call->client->lookup)
		lookup_again(call->client->lookup);
	call_tell_failure(call, reason);
}

static void call_ended(void *userdata, int result, const char *reason)
{
	struct client_call *call = userdata;

	if (call->err.code)
		call_tell_failure(call, call->err.text);
	else if (result < 0)
		call_broken(call, reason);
	else
		call_tell_answer(call);
}

static const struct http_call_events call_events = {
	.head = call_head,
	.body = call_body,
	.ended = call_ended,
};

static void call_failed(void *userdata)
{
	struct client_call *call = userdata;

	call_broken(call, call->err.text);
}

static struct client_call *call_new(struct client *client, client_done_fn done, void *userdata)
{
	struct client_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	*call = (struct client_call){
		.client = client,
		.next = client->calls,
		.link = &client->calls,
		.done = done,
		.userdata = userdata,
	};
	if (call->next)
		call->next->link = &call->next;
	client->calls = call;
	if (timer_new(client->loop, call_failed, call, &call->failed, NULL) < 0)
		return client_cancel(call);
	return call;
}

static void call_start(struct client_call *call, const struct http_call_spec *spec)
{
	struct client *client = call->client;
	int r;

	if (client->lookup && !client->remote.address_len)
		r = err_refuse(&call->err, EHOSTUNREACH, "%s", lookup_problem(client->lookup));
	else
		r = http_call_start(
			client->loop, spec, &call_events, call, &call->http, &call->err);
	if (r < 0)
		timer_arm(call->failed, 0);
	else
		call->err.code = 0;
}

int client_send(struct client *client, const struct client_request *request, client_done_fn done,
	void *userdata, struct client_call **ret)
{
	AUTO_FREE char *text = request->body ? json_text(request->body) : NULL;
	struct client_call *call;
	struct http_call_spec spec = {
		.socket_path = client->socket_path,
		.remote = client->socket_path ? NULL : &client->remote,
		.user_agent = client->agent,
		.method = request->method,
		.target = request->target,
		.accept = CLIENT_JSON,
		.content_type = !request->body		? NULL
				: request->content_type ? request->content_type
							: CLIENT_JSON,
		.body = text,
		.body_len = text ? strlen(text) : 0,
	};

	if (request->body && !text)
		return -ENOMEM;
	call = call_new(client, done, userdata);
	if (!call)
		return -ENOMEM;
	call_start(call, &spec);
	if (ret)
		*ret = call;
	return 0;
}

int client_follow(struct client *client, const char *target,
	void (*line)(void *userdata, const char *text, size_t len), client_done_fn done,
	void *userdata, struct client_call **ret)
{
	struct client_call *call = call_new(client, done, userdata);
	struct http_call_spec spec = {
		.socket_path = client->socket_path,
		.remote = client->socket_path ? NULL : &client->remote,
		.user_agent = client->agent,
		.method = "GET",
		.target = target,
		.accept = CLIENT_JSON,
	};

	if (!call)
		return -ENOMEM;
	call->line = line;
	call_start(call, &spec);
	if (ret)
		*ret = call;
	return 0;
}
