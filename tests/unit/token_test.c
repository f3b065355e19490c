// SPDX-License-Identifier: Apache-2.0
/* The tokens of Pods against a server that gives, refuses, or gives for a short time. */
#include <stdio.h>
#include <unistd.h>

#include "tests/check.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/client/client.h"
#include "user/cluster/token.h"
#include "user/http/server.h"

struct lab {
	sd_event *loop;
	char dir[32], path[64];
	struct http_server *server;
	struct client *client;
	struct token *token;
	bool refuses;
	int64_t life; /* seconds of what it gives */
	unsigned requests, changes;
	char target[200];
	json_t *asked;
};

static void serve(void *userdata, struct http_exchange *exchange)
{
	struct lab *lab = userdata;
	char until[CLOCK_RFC3339_LEN], text[32];
	AUTO_JSON answer = NULL;
	size_t len;
	const char *body = http_exchange_body(exchange, &len);

	lab->requests++;
	snprintf(lab->target, sizeof(lab->target), "%s", http_exchange_path(exchange));
	json_decref(lab->asked);
	lab->asked = json_loadb(body, len, 0, NULL);
	if (lab->refuses) {
		answer = json_pack("{s:s, s:s}", "kind", "Status", "message", "not for you");
		http_answer_json(exchange, 403, answer);
		return;
	}
	snprintf(text, sizeof(text), "token-%u", lab->requests);
	clock_rfc3339(clock_wall() + (uint64_t)lab->life * USEC_PER_SEC, until);
	answer = json_pack("{s:{s:s, s:s}}", "status", "token", text, "expirationTimestamp", until);
	http_answer_json(exchange, 201, answer);
}

static void changed(void *userdata)
{
	struct lab *lab = userdata;

	lab->changes++;
}

static void lab_open(struct lab *lab, const json_t *cached)
{
	static const struct token_want want = {.namespace = "shop",
		.account = "robot",
		.pod = "web-1",
		.uid = "u-1",
		.audience = "vault",
		.seconds = 600};
	struct http_server_config server = {.handle = serve, .userdata = lab};
	struct client_config client = {.socket_path = lab->path};
	AUTO_JSON request = token_request(&want);
	struct err err;
	int fd;

	snprintf(lab->dir, sizeof(lab->dir), "/tmp/token.XXXXXX");
	if (!mkdtemp(lab->dir) || sd_event_new(&lab->loop) < 0)
		BAIL("no loop");
	snprintf(lab->path, sizeof(lab->path), "%s/socket", lab->dir);
	if (http_listen_unix(lab->path, 0600, &fd, &err) < 0 ||
		http_server_new(lab->loop, fd, &server, &lab->server, &err) < 0 ||
		client_new(lab->loop, &client, &lab->client, &err) < 0 ||
		token_new(lab->client, request, cached, changed, lab, &lab->token) < 0)
		BAIL("no token");
}

static void lab_close(struct lab *lab)
{
	token_free(lab->token);
	client_free(lab->client);
	http_server_free(lab->server);
	sd_event_unref(lab->loop);
	json_decref(lab->asked);
	fs_remove(lab->dir, NULL);
}

/* Until so many requests were seen, or @usec are over. */
static void lab_run(struct lab *lab, unsigned requests, unsigned changes, uint64_t usec)
{
	uint64_t until = clock_now() + usec;

	while ((lab->requests < requests || lab->changes < changes) && clock_now() < until)
		sd_event_run(lab->loop, 10 * USEC_PER_MSEC);
}

TEST(a_token_is_asked_for_as_the_volume_says)
{
	struct lab lab = {.life = 600};
	struct err err = {0};
	const json_t *spec, *bound;

	lab_open(&lab, NULL);
	CHECK("none at first", !token_text(lab.token, &err));
	CHECK_HAS("which is said", err.text, "has not given");
	lab_run(&lab, 1, 1, 5 * USEC_PER_SEC);
	CHECK_STR("given", token_text(lab.token, &err), "token-1");
	CHECK_STR("where", lab.target, "/api/v1/namespaces/shop/serviceaccounts/robot/token");
	spec = json_object_get(lab.asked, "spec");
	bound = json_object_get(spec, "boundObjectRef");
	CHECK_EQ("for how long", json_integer_at(spec, "expirationSeconds", 0), 600);
	CHECK("for whom", json_array_has(json_object_get(spec, "audiences"), "vault"));
	CHECK_STR("bound to the Pod", json_string_at(bound, "name", ""), "web-1");
	CHECK_STR("this one", json_string_at(bound, "uid", ""), "u-1");
	lab_run(&lab, 2, 0, USEC_PER_SEC / 2);
	CHECK_EQ("and once", lab.requests, 1);
	lab_close(&lab);
}

TEST(a_token_is_renewed_before_it_ends)
{
	struct lab lab = {.life = 3};
	struct err err;

	lab_open(&lab, NULL);
	lab_run(&lab, 1, 1, 5 * USEC_PER_SEC);
	CHECK_STR("first", token_text(lab.token, &err), "token-1");
	lab_run(&lab, 2, 2, 5 * USEC_PER_SEC);
	CHECK_STR("second", token_text(lab.token, &err), "token-2");
	lab.refuses = true;
	lab_run(&lab, 3, 2, 5 * USEC_PER_SEC);
	lab_run(&lab, 9, 9, USEC_PER_SEC / 10);
	CHECK_STR("refused: the last one stays", token_text(lab.token, &err), "token-2");
	CHECK_EQ("nobody is told", lab.changes, 2);
	lab_close(&lab);
}

TEST(a_refusal_is_told)
{
	struct lab lab = {.refuses = true};
	AUTO_JSON record = NULL;
	struct err err = {0};

	lab_open(&lab, NULL);
	lab_run(&lab, 1, 1, 5 * USEC_PER_SEC);
	CHECK_EQ("told", lab.changes, 1);
	CHECK("there is none", !token_text(lab.token, &err));
	CHECK_STR("in the server's words", err.text, "not for you");
	record = token_record(lab.token);
	CHECK("nothing to keep", json_is_null(record));
	lab_close(&lab);
}

TEST(what_was_kept_counts_until_its_time)
{
	int64_t now = (int64_t)(clock_wall() / USEC_PER_SEC);
	AUTO_JSON cached =
		json_pack("{s:s, s:I}", "token", "kept", "refresh", (json_int_t)(now + 100));
	AUTO_JSON stale = json_pack("{s:s, s:I}", "token", "old", "refresh", (json_int_t)(now - 1));
	struct lab fresh = {.life = 600}, late = {.life = 600};
	AUTO_JSON record = NULL;
	struct err err;

	lab_open(&fresh, cached);
	CHECK_STR("at once", token_text(fresh.token, &err), "kept");
	lab_run(&fresh, 1, 0, USEC_PER_SEC / 5);
	CHECK_EQ("nobody is asked", fresh.requests, 0);
	record = token_record(fresh.token);
	CHECK("kept again", json_equal(record, cached));
	lab_close(&fresh);
	lab_open(&late, stale);
	CHECK_STR("one that is late", token_text(late.token, &err), "old");
	lab_run(&late, 1, 1, 5 * USEC_PER_SEC);
	CHECK_STR("is replaced", token_text(late.token, &err), "token-1");
	lab_close(&late);
}
