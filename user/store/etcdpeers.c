// SPDX-License-Identifier: Apache-2.0
#include "user/store/etcdpeers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/tls.h"

#define ANSWER_WITHIN (5 * USEC_PER_SEC) /* connecting included */
#define PAUSE_FIRST   (50 * USEC_PER_MSEC)
#define PAUSE_MOST    USEC_PER_SEC
#define REASON_MOST   240

/* Watches end when their member has lost the others, instead of staying silent. */
#define NEEDS_LEADER "Grpc-Metadata-hasleader: true\r\n"

struct peer {
	char *url;
	struct http_remote remote;
	bool down; /* which has been logged */
};

struct etcd_peers {
	sd_event *loop;
	struct tls *tls;
	struct peer list[ETCD_PEERS_MOST];
	unsigned count, at;
	char problem[REASON_MOST + 256];
};

struct etcd_call {
	struct etcd_peers *peers;
	unsigned peer;
	struct etcd_question question;
	struct http_call *http;
	struct timer *timer;
	struct buffer answer;
	unsigned status;
	int failure; /* negative errno: the call ends when the timer comes */
	char reason[REASON_MOST];
};

/* --- the list --- */

static int peer_name(const char *url, struct http_remote *remote, bool *ret_secure, struct err *err)
{
	static const char plain[] = "http://";
	AUTO_FREE char *secure = NULL;

	*ret_secure = strncmp(url, plain, strlen(plain)) != 0;
	if (*ret_secure)
		return http_address_of_url(url, &remote->name, err);
	/* Read as the other, which it is but for its first word. */
	if (!strchr(url + strlen(plain), ':'))
		return err_refuse(err, EINVAL, "'%s' has no port", url);
	if (asprintf(&secure, "https://%s", url + strlen(plain)) < 0) {
		secure = NULL;
		return err_set(err, ENOMEM, "read '%s'", url);
	}
	return http_address_of_url(secure, &remote->name, err);
}

static int peer_add(
	struct etcd_peers *peers, const char *url, size_t len, bool *ret_secure, struct err *err)
{
	struct peer *peer = &peers->list[peers->count];
	int r;

	if (peers->count == ETCD_PEERS_MOST)
		return err_refuse(err, EINVAL, "more than %d endpoints", ETCD_PEERS_MOST);
	peer->url = strndup(url, len);
	if (!peer->url)
		return err_set(err, ENOMEM, "read an endpoint");
	peers->count++;
	r = peer_name(peer->url, &peer->remote, ret_secure, err);
	if (r < 0)
		return r;
	r = http_address_resolve(
		&peer->remote.name, &peer->remote.address, &peer->remote.address_len, err);
	return r < 0 ? err_wrap(err, "etcd '%s'", peer->url) : 0;
}

static int peers_read(
	struct etcd_peers *peers, const char *urls, const struct tls_config *tls, struct err *err)
{
	static const struct tls_config usual = {0};
	bool secure = false;
	int r = 0;

	do {
		size_t len = strcspn(urls, ",");

		r = peer_add(peers, urls, len, &secure, err);
		if (r == 0 && secure && !peers->tls)
			r = tls_new(tls ? tls : &usual, &peers->tls, err);
		if (r == 0 && secure)
			peers->list[peers->count - 1].remote.tls = peers->tls;
		urls += len;
	} while (r == 0 && *urls++ == ',');
	return r;
}

int etcd_peers_new(sd_event *loop, const char *urls, const struct tls_config *tls,
	struct etcd_peers **ret, struct err *err)
{
	struct etcd_peers *peers = calloc(1, sizeof(*peers));
	int r;

	if (!peers)
		return err_set(err, ENOMEM, "open the store");
	peers->loop = loop;
	r = peers_read(peers, urls, tls, err);
	if (r < 0) {
		etcd_peers_free(peers);
		return r;
	}
	*ret = peers;
	return 0;
}

struct etcd_peers *etcd_peers_free(struct etcd_peers *peers)
{
	if (!peers)
		return NULL;
	for (unsigned i = 0; i < peers->count; i++)
		free(peers->list[i].url);
	tls_free(peers->tls);
	free(peers);
	return NULL;
}

uint64_t etcd_peers_pause(const struct etcd_peers *peers, unsigned failures)
{
	uint64_t pause = PAUSE_FIRST;

	if (failures < peers->count)
		return 0;
	for (unsigned i = peers->count; i < failures && pause < PAUSE_MOST; i++)
		pause *= 2;
	return pause < PAUSE_MOST ? pause : PAUSE_MOST;
}

void etcd_peers_next(struct etcd_peers *peers)
{
	peers->at = (peers->at + 1) % peers->count;
}

const char *etcd_peers_problem(const struct etcd_peers *peers)
{
	return peers->problem;
}

/* Many calls of one member fail at a time: the first moves on, and says so. */
static void peer_failed(struct etcd_peers *peers, unsigned at, const char *reason)
{
	struct peer *peer = &peers->list[at];

	snprintf(peers->problem, sizeof(peers->problem), "etcd '%.200s': %s", peer->url, reason);
	if (!peer->down)
		log_warning("store: %s", peers->problem);
	peer->down = true;
	if (peers->at == at)
		etcd_peers_next(peers);
}

static void peer_answered(struct etcd_peers *peers, unsigned at)
{
	struct peer *peer = &peers->list[at];

	if (peer->down)
		log_info("store: etcd '%s' answers again", peer->url);
	peer->down = false;
}

/* --- a call --- */

/* Somebody else may be asked for nothing better. */
static bool is_nobodys_fault(const struct etcd_call *call, int result)
{
	return result == 0 || result == -EREMOTEIO || result == -ECANCELED ||
	       (result == -EFBIG && !call->question.message);
}

static void call_finish(struct etcd_call *call, struct etcd_answer *answer)
{
	answer->sent = call->http && http_call_is_sent(call->http);
	timer_arm(call->timer, USEC_NEVER);
	if (is_nobodys_fault(call, answer->result))
		peer_answered(call->peers, call->peer);
	else
		peer_failed(call->peers, call->peer, answer->text);
	call->question.done(call->question.userdata, answer);
}

static void call_fail(struct etcd_call *call, int result, const char *reason)
{
	struct etcd_answer answer = {.result = result, .text = reason};

	call_finish(call, &answer);
}

/* Too late, or what was found where nothing can be ended. */
static void call_expire(void *userdata)
{
	struct etcd_call *call = userdata;

	if (call->failure)
		call_fail(call, call->failure, call->reason);
	else
		call_fail(call, -ETIMEDOUT, "no answer in time");
}

static void call_stop(struct etcd_call *call, int failure, const char *reason)
{
	if (call->failure)
		return;
	call->failure = failure;
	snprintf(call->reason, sizeof(call->reason), "%s", reason);
	timer_arm(call->timer, 0);
}

static void call_head(void *userdata, unsigned status)
{
	struct etcd_call *call = userdata;

	call->status = status;
	if (call->question.message)
		timer_arm(call->timer, USEC_NEVER);
}

/* One line of a stream. */
static void call_message(struct etcd_call *call, size_t len)
{
	AUTO_JSON message = NULL;
	struct err err;
	int r;

	if (len == 0)
		return;
	if (json_parse(buffer_head(&call->answer), len, "answer", &message, &err) < 0)
		call_stop(call, -EBADMSG, err.text);
	else if ((r = call->question.message(call->question.userdata, message)) != 0)
		call_stop(call, r > 0 ? -ECANCELED : -EPIPE, "the watch has ended");
}

static void call_messages(struct etcd_call *call, size_t unread)
{
	const char *end;

	while (!call->failure && (end = memchr(buffer_head(&call->answer) + unread, '\n',
					  call->answer.len - unread)) != NULL) {
		size_t len = (size_t)(end - buffer_head(&call->answer));

		call_message(call, len);
		buffer_consume(&call->answer, len + 1);
		unread = 0;
	}
}

static void call_body(void *userdata, const char *data, size_t len)
{
	struct etcd_call *call = userdata;
	size_t before = call->answer.len;

	if (call->failure)
		return;
	if (before + len > ETCD_ANSWER_MOST)
		call_stop(call, -EFBIG, "the answer is too large");
	else if (buffer_append(&call->answer, data, len) < 0)
		call_stop(call, -ENOMEM, "out of memory");
	else if (call->question.message && call->status == 200)
		call_messages(call, before);
}

/* What is said with another status than 200: {"error":"...","code":14}, or anything. */
static void call_refused(struct etcd_call *call, const json_t *json)
{
	char text[REASON_MOST];
	struct etcd_answer answer = {.result = -EREMOTEIO, .text = text};

	answer.code = json_integer_at(json, "code", 0);
	snprintf(text, sizeof(text), "%s", json_string_at(json, "error", ""));
	if (!text[0]) {
		snprintf(text, sizeof(text), "HTTP status %u", call->status);
		answer.result = -EPROTO;
	}
	/* This member cannot: another one may. */
	if (call->status >= 500)
		answer.result = -EPROTO;
	call_finish(call, &answer);
}

static void call_ended(void *userdata, int result, const char *reason)
{
	struct etcd_call *call = userdata;
	AUTO_JSON json = NULL;
	struct etcd_answer answer = {0};
	struct err err;
	int r;

	if (call->failure || result < 0) {
		call_fail(call, call->failure ? call->failure : result,
			call->failure ? call->reason : reason);
		return;
	}
	if (call->question.message && call->status == 200) {
		call_fail(call, -EPIPE, "the watch has ended");
		return;
	}
	r = json_parse(buffer_head(&call->answer), call->answer.len, "answer", &json, &err);
	if (call->status != 200) {
		call_refused(call, json);
	} else if (r < 0) {
		call_fail(call, r, err.text);
	} else {
		answer.json = json;
		call_finish(call, &answer);
	}
}

static int call_begin(struct etcd_call *call, const struct etcd_question *question)
{
	static const struct http_call_events events = {
		.head = call_head, .body = call_body, .ended = call_ended};
	struct etcd_line *line = question->line;
	struct http_call_spec spec = {
		.remote = &call->peers->list[call->peer].remote,
		.method = "POST",
		.target = question->path,
		.content_type = "application/json",
		.body = buffer_head(question->body),
		.body_len = question->body->len,
		.fields = question->message ? NEEDS_LEADER : NULL,
		.kept = line ? &line->transport : NULL,
	};
	struct err err;
	int r;

	if (line && line->peer != call->peer)
		transport_close(&line->transport);
	if (line)
		line->peer = call->peer;
	r = http_call_start(call->peers->loop, &spec, &events, call, &call->http, &err);
	if (r < 0)
		call_stop(call, r, strerror(-r));
	else
		timer_arm(call->timer, clock_now() + ANSWER_WITHIN);
	return r == -ENOMEM ? r : 0;
}

int etcd_ask(struct etcd_peers *peers, const struct etcd_question *question, struct etcd_call **ret)
{
	struct etcd_call *call = calloc(1, sizeof(*call));

	if (!call)
		return -ENOMEM;
	call->peers = peers;
	call->peer = peers->at;
	call->question = *question;
	if (timer_new(peers->loop, call_expire, call, &call->timer, NULL) < 0 ||
		call_begin(call, question) < 0) {
		etcd_call_free(call);
		return -ENOMEM;
	}
	*ret = call;
	return 0;
}

void etcd_call_give_up(struct etcd_call *call)
{
	call_fail(call, -ETIMEDOUT, "no answer in time");
}

struct etcd_call *etcd_call_free(struct etcd_call *call)
{
	if (call) {
		http_call_free(call->http);
		timer_free(call->timer);
		buffer_clear(&call->answer);
		free(call);
	}
	return NULL;
}
