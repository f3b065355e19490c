// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "user/base/clock.h"
#include "user/base/loop.h"
#include "user/client/client.h"
#include "user/http/address.h"
#include "user/http/client.h"
#include "user/http/server.h"
#include "user/http/tls.h"
#include "user/http/transport.h"
#include "user/pki/certificate.h"

/* --- a server and its client on one loop --- */

#define LONG (1u << 20)

struct fixture {
	sd_event *loop;
	struct certificate authority, stranger;
	struct tls *tls, *client_tls;
	struct http_server *server;
	struct http_call *call;
	struct http_remote remote;
	/* What the server saw. */
	char peer[200];
	struct websocket *at_server, *at_client;
	/* What the client got. */
	unsigned status, ended;
	int result;
	size_t got;
	char body[200], reason[200], message[100];
	bool trusts_anyone;
};

static void make(const struct certificate_spec *spec, const struct certificate *authority,
	struct certificate *ret)
{
	struct err err;

	if (certificate_make(spec, authority, ret, &err) < 0)
		BAIL(err.text);
}

static void on_message(void *userdata, const unsigned char *data, size_t len)
{
	struct fixture *fixture = userdata;

	snprintf(fixture->message, sizeof(fixture->message), "%.*s", (int)len, (const char *)data);
}

static void on_closed(void *userdata, unsigned code)
{
	(void)userdata;
	(void)code;
}

static const struct websocket_events websocket_events = {
	.message = on_message, .closed = on_closed};
static const char *const protocols[] = {CHANNEL_PROTOCOL_V5, NULL};

static void on_request(void *userdata, struct http_exchange *exchange)
{
	struct fixture *fixture = userdata;
	const struct tls_peer *peer = http_exchange_peer(exchange);
	const char *first = http_exchange_segment(exchange, 0);
	AUTO_FREE char *text = NULL;
	size_t len;

	http_exchange_body(exchange, &len);
	snprintf(fixture->peer, sizeof(fixture->peer), "%s|%s|%s|%s",
		peer->trusted ? peer->name : "",
		peer->organization_count > 0 ? peer->organizations[0] : "",
		peer->presented ? "presented" : "", peer->problem);
	if (first && strcmp(first, "long") == 0) {
		text = calloc(1, LONG + 1);
		if (!text)
			BAIL("memory");
		memset(text, 'x', LONG);
		http_answer_bytes(exchange, 200, "text/plain", text, LONG);
	} else if (first && strcmp(first, "exec") == 0) {
		http_upgrade_websocket(
			exchange, protocols, &websocket_events, fixture, &fixture->at_server);
	} else if (first && strcmp(first, "token") == 0) {
		AUTO_JSON json = json_pack(
			"{s:s?}", "token", http_exchange_header(exchange, "Authorization"));

		http_answer_json(exchange, 200, json);
	} else {
		char answer[32];

		snprintf(answer, sizeof(answer), "%zu bytes", len);
		http_answer_text(exchange, 200, answer);
	}
}

static const char *const server_names[] = {"127.0.0.1", "localhost", NULL};
static const struct certificate_spec server = {
	.use = CERTIFICATE_SERVER, .name = "server", .subject_names = server_names, .days = 1};

static void fixture_start(struct fixture *fixture)
{
	static const struct certificate_spec authority = {
		.use = CERTIFICATE_AUTHORITY, .name = "test", .days = 2};
	AUTO_CERTIFICATE own = {0};
	struct tls_config tls = {0};
	struct http_server_config config = {
		.handle = on_request, .userdata = fixture, .max_body = LONG, .max_connections = 2};
	struct sockaddr_in where;
	socklen_t len = sizeof(where);
	struct err err;
	int fd;

	*fixture = (struct fixture){0};
	make(&authority, NULL, &fixture->authority);
	make(&authority, NULL, &fixture->stranger);
	make(&server, &fixture->authority, &own);
	tls = (struct tls_config){
		.authority = fixture->authority.text, .certificate = own.text, .key = own.key};
	if (sd_event_new(&fixture->loop) < 0 || tls_new(&tls, &fixture->tls, &err) < 0 ||
		http_listen_tcp("127.0.0.1:0", &fd, &err) < 0)
		BAIL(err.text);
	config.tls = fixture->tls;
	if (http_server_new(fixture->loop, fd, &config, &fixture->server, &err) < 0)
		BAIL(err.text);
	getsockname(fd, (struct sockaddr *)&where, &len);
	fixture->remote.name.port = ntohs(where.sin_port);
	strcpy(fixture->remote.name.host, "127.0.0.1");
	http_address_resolve(&fixture->remote.name, &fixture->remote.address,
		&fixture->remote.address_len, &err);
}

static void fixture_stop(struct fixture *fixture)
{
	http_call_free(fixture->call);
	websocket_free(fixture->at_client);
	websocket_free(fixture->at_server);
	http_server_free(fixture->server);
	tls_free(fixture->tls);
	tls_free(fixture->client_tls);
	certificate_clear(&fixture->authority);
	certificate_clear(&fixture->stranger);
	sd_event_unref(fixture->loop);
}

static void on_head(void *userdata, unsigned status)
{
	struct fixture *fixture = userdata;

	fixture->status = status;
}

static void on_body(void *userdata, const char *data, size_t len)
{
	struct fixture *fixture = userdata;

	if (fixture->got + len < sizeof(fixture->body))
		memcpy(fixture->body + fixture->got, data, len);
	fixture->got += len;
}

static void on_ended(void *userdata, int result, const char *reason)
{
	struct fixture *fixture = userdata;

	fixture->ended++;
	fixture->result = result;
	snprintf(fixture->reason, sizeof(fixture->reason), "%s", reason);
}

static void on_upgraded(void *userdata, struct websocket *websocket)
{
	struct fixture *fixture = userdata;

	fixture->at_client = websocket;
}

static const struct http_call_events call_events = {
	.head = on_head, .body = on_body, .ended = on_ended, .upgraded = on_upgraded};

/* Asks with @shown (NULL: no certificate), trusting @trusted. */
static void ask(struct fixture *fixture, struct http_call_spec *spec, const char *trusted,
	const struct certificate *shown)
{
	struct tls_config tls = {.authority = trusted,
		.certificate = shown ? shown->text : NULL,
		.key = shown ? shown->key : NULL,
		.unverified = fixture->trusts_anyone};
	struct err err;

	if (tls_new(&tls, &fixture->client_tls, &err) < 0)
		BAIL(err.text);
	fixture->remote.tls = fixture->client_tls;
	spec->remote = &fixture->remote;
	spec->method = spec->method ? spec->method : "GET";
	if (http_call_start(fixture->loop, spec, &call_events, fixture, &fixture->call, &err) < 0)
		BAIL(err.text);
	for (unsigned i = 0; i < 5000 && !fixture->ended && !fixture->at_client; i++)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

TEST(a_client_is_whom_its_certificate_says)
{
	static const struct {
		const char *what;
		struct certificate_spec spec;
		bool stranger, none;
		const char *peer; /* as on_request writes it */
	} cases[] = {
		{"a good one", {CERTIFICATE_CLIENT, "kubernetes-admin", "system:masters", NULL, 1},
			false, false, "kubernetes-admin|system:masters|presented|"},
		{"none", {0}, false, true, "|||"},
		{"an expired one", {CERTIFICATE_CLIENT, "a", "b", NULL, -1}, false, false,
			"||presented|The certificate is NOT trusted. The certificate chain uses "
			"expired certificate. "},
		{"one by another authority", {CERTIFICATE_CLIENT, "a", "b", NULL, 1}, true, false,
			"||presented|The certificate is NOT trusted. "},
		{"one that is for servers", {CERTIFICATE_SERVER, "a", "b", NULL, 1}, false, false,
			"||presented|The certificate is NOT trusted. "},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_call_spec spec = {.target = "/"};
		AUTO_CERTIFICATE shown = {0};
		struct fixture fixture;

		fixture_start(&fixture);
		if (!cases[i].none)
			make(&cases[i].spec,
				cases[i].stranger ? &fixture.stranger : &fixture.authority, &shown);
		ask(&fixture, &spec, fixture.authority.text, cases[i].none ? NULL : &shown);
		CHECK_EQ(cases[i].what, fixture.status, 200);
		CHECK_HAS(cases[i].what, fixture.peer, cases[i].peer);
		fixture_stop(&fixture);
	}
}

TEST(a_server_must_be_trusted_and_be_the_one_that_is_meant)
{
	struct fixture fixture;
	struct http_call_spec spec = {.target = "/"};

	fixture_start(&fixture);
	ask(&fixture, &spec, fixture.stranger.text, NULL);
	CHECK_EQ("another authority", fixture.result, -EPROTO);
	CHECK_HAS("says why", fixture.reason, "the server's certificate is not trusted");
	CHECK_EQ("nothing was asked", fixture.status, 0);
	fixture_stop(&fixture);

	fixture_start(&fixture);
	strcpy(fixture.remote.name.host, "other.example");
	ask(&fixture, &spec, fixture.authority.text, NULL);
	CHECK_EQ("another name", fixture.result, -EPROTO);
	CHECK_HAS("says why", fixture.reason, "name in the certificate does not match");
	fixture_stop(&fixture);
}

TEST(who_trusts_anyone_speaks_to_every_server)
{
	struct fixture fixture;
	struct http_call_spec spec = {.target = "/"};

	fixture_start(&fixture);
	fixture.trusts_anyone = true;
	strcpy(fixture.remote.name.host, "other.example");
	ask(&fixture, &spec, fixture.stranger.text, NULL);
	CHECK_EQ("another authority, another name", fixture.status, 200);
	fixture_stop(&fixture);
}

TEST(long_bodies_go_both_ways)
{
	AUTO_FREE char *body = calloc(1, LONG);
	struct http_call_spec spec = {.method = "POST",
		.target = "/long",
		.content_type = "text/plain",
		.body = body,
		.body_len = LONG};
	struct fixture fixture;

	fixture_start(&fixture);
	ask(&fixture, &spec, fixture.authority.text, NULL);
	CHECK_EQ("status", fixture.status, 200);
	CHECK_EQ("well", fixture.result, 0);
	CHECK_EQ("all of it", fixture.got, LONG);
	fixture_stop(&fixture);
}

static void ask_again(struct fixture *fixture, const struct http_call_spec *spec)
{
	fixture->call = http_call_free(fixture->call);
	fixture->status = fixture->ended = 0;
	http_call_start(fixture->loop, spec, &call_events, fixture, &fixture->call, NULL);
	for (unsigned i = 0; i < 5000 && !fixture->ended; i++)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

TEST(a_connection_is_kept_for_the_next_request)
{
	struct transport kept = {.fd = -1};
	struct http_call_spec spec = {.target = "/", .fields = "X-More: 1\r\n", .kept = &kept};
	struct stat first = {0}, next = {0};
	struct fixture fixture;

	fixture_start(&fixture);
	ask(&fixture, &spec, fixture.authority.text, NULL);
	CHECK_EQ("it is open", fstat(kept.fd, &first), 0);
	ask_again(&fixture, &spec);
	CHECK("answered again, once it was sent",
		fixture.status == 200 && http_call_is_sent(fixture.call));
	CHECK("on the same one", fstat(kept.fd, &next) == 0 && next.st_ino == first.st_ino);
	shutdown(kept.fd, SHUT_RDWR);
	ask_again(&fixture, &spec);
	CHECK("a dead one is made anew", fixture.status == 200 && fstat(kept.fd, &next) == 0);
	CHECK("and is another", next.st_ino != first.st_ino);
	transport_close(&kept);
	fixture_stop(&fixture);
}

TEST(a_renewed_certificate_is_for_those_who_come_then)
{
	struct transport kept = {.fd = -1};
	struct http_call_spec spec = {.target = "/", .kept = &kept};
	struct tls_config tls = {0};
	AUTO_CERTIFICATE other = {0};
	struct fixture fixture;
	struct err err;

	fixture_start(&fixture);
	ask(&fixture, &spec, fixture.authority.text, NULL);
	make(&server, &fixture.stranger, &other);
	tls = (struct tls_config){
		.authority = fixture.authority.text, .certificate = other.text, .key = other.key};
	CHECK_OK("renewed", tls_renew(fixture.tls, &tls, &err), &err);
	ask_again(&fixture, &spec);
	CHECK_EQ("who is there goes on", fixture.status, 200);
	transport_close(&kept);
	ask_again(&fixture, &spec);
	CHECK_HAS("who comes is shown another", fixture.reason, "certificate is not trusted");
	tls.key = "none";
	CHECK_FAILS("without a key", tls_renew(fixture.tls, &tls, &err), EPROTO, &err,
		"read certificate and key");
	ask_again(&fixture, &spec);
	CHECK_HAS("nothing has changed", fixture.reason, "certificate is not trusted");
	fixture_stop(&fixture);
}

TEST(a_websocket_speaks_through_tls)
{
	struct http_call_spec spec = {
		.target = "/exec", .protocols = protocols, .websocket_events = &websocket_events};
	struct fixture fixture;

	fixture_start(&fixture);
	spec.websocket_userdata = &fixture;
	ask(&fixture, &spec, fixture.authority.text, NULL);
	if (CHECK("upgraded", fixture.at_client && fixture.at_server)) {
		websocket_send(fixture.at_client, "there", 5);
		for (unsigned i = 0; i < 100 && !fixture.message[0]; i++)
			sd_event_run(fixture.loop, USEC_PER_MSEC);
		CHECK_STR("to the server", fixture.message, "there");
		websocket_send(fixture.at_server, "back", 4);
		for (unsigned i = 0; i < 100 && strcmp(fixture.message, "back") != 0; i++)
			sd_event_run(fixture.loop, USEC_PER_MSEC);
		CHECK_STR("to the client", fixture.message, "back");
	}
	fixture_stop(&fixture);
}

static void on_answer(void *userdata, const struct client_answer *answer)
{
	struct fixture *fixture = userdata;

	fixture->ended++;
	fixture->status = answer->status;
	snprintf(fixture->body, sizeof(fixture->body), "%s",
		json_string_at(answer->body, "token", answer->message));
}

static void ask_once(struct fixture *fixture, struct client *client)
{
	struct client_request request = {.method = "GET", .target = "/token"};

	fixture->ended = 0;
	if (client_send(client, &request, on_answer, fixture, NULL) < 0)
		BAIL("send");
	for (unsigned i = 0; i < 5000 && !fixture->ended; i++)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

static struct client *api_client(struct fixture *fixture, const struct client_config *config)
{
	struct client *client;
	struct err err;

	if (client_new(fixture->loop, config, &client, &err) < 0)
		BAIL(err.text);
	return client;
}

static void ask_api(struct fixture *fixture, const struct client_config *config)
{
	struct client *client = api_client(fixture, config);

	ask_once(fixture, client);
	client_free(client);
}

TEST(the_api_client_reaches_a_server_with_a_token)
{
	struct fixture fixture;
	char server[40];
	struct client_config config = {.server = server, .token = "abc"};

	fixture_start(&fixture);
	snprintf(server, sizeof(server), "https://127.0.0.1:%u", fixture.remote.name.port);
	config.authority = fixture.authority.text;
	ask_api(&fixture, &config);
	CHECK_EQ("answered", fixture.status, 200);
	CHECK_STR("the server got it", fixture.body, "Bearer abc");
	fixture_stop(&fixture);

	fixture_start(&fixture);
	snprintf(server, sizeof(server), "https://127.0.0.1:%u", fixture.remote.name.port);
	config.authority = fixture.stranger.text;
	ask_api(&fixture, &config);
	CHECK_EQ("a server that is not trusted gets none", fixture.status, 0);
	CHECK_STR("not even a request", fixture.peer, "");
	CHECK_HAS("says why", fixture.body, "certificate is not trusted");
	fixture_stop(&fixture);
}

TEST(the_api_client_does_not_wait_for_the_resolver)
{
	struct fixture fixture;
	char server[40];
	struct client_config config = {.server = server, .token = "abc"};
	struct client *client;

	fixture_start(&fixture);
	snprintf(server, sizeof(server), "https://localhost:%u", fixture.remote.name.port);
	config.authority = fixture.authority.text;
	client = api_client(&fixture, &config);
	ask_once(&fixture, client);
	CHECK_EQ("before it has answered there is no answer", fixture.status, 0);
	CHECK_HAS("and the reason is told", fixture.body, "look up 'localhost'");
	for (unsigned i = 0; i < 5000 && fixture.status != 200; i++)
		ask_once(&fixture, client);
	CHECK_STR("then the server is reached by its name", fixture.body, "Bearer abc");
	client_free(client);
	fixture_stop(&fixture);
}

TEST(a_name_that_is_unknown_is_told)
{
	struct fixture fixture;
	struct client_config config = {.server = "https://no-such-host.invalid:1"};
	struct client *client;

	fixture_start(&fixture);
	client = api_client(&fixture, &config);
	for (unsigned i = 0; i < 5000 && !strstr(fixture.body, "getent"); i++)
		ask_once(&fixture, client);
	CHECK_HAS("with the name", fixture.body,
		"look up 'no-such-host.invalid': getent: exit code 2");
	client_free(client);
	fixture_stop(&fixture);
}

/* --- what is no TLS --- */

static int dial(struct fixture *fixture)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&fixture->remote.address,
			      fixture->remote.address_len) < 0)
		BAIL("connect");
	return fd;
}

/* What comes until the server hangs up. */
static void drain(struct fixture *fixture, int fd, char *ret, size_t size)
{
	uint64_t end = clock_now() + 5 * USEC_PER_SEC;
	size_t have = 0;

	ret[0] = '\0';
	while (clock_now() < end && have < size - 1) {
		ssize_t n;

		sd_event_run(fixture->loop, USEC_PER_MSEC);
		n = recv(fd, ret + have, size - 1 - have, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			return;
		have += n > 0 ? (size_t)n : 0;
		ret[have] = '\0';
	}
	check_true(__FILE__, __LINE__, "the server hangs up", false, "in time");
}

TEST(what_is_no_tls_is_told_so_or_closed)
{
	static const struct {
		const char *what, *text;
		size_t len;
		const char *answer;
	} cases[] = {
		{"plain HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 0,
			"Client sent an HTTP request to an HTTPS server."},
		{"garbage", "\x01\x02garbage\r\n\r\n", 0, ""},
		{"a hello of SSL 2", "\x80\x40\x01\x03", 4, ""},
		{"a record that is too long", "\x16\x03\x01\xff\xff\x01", 6, ""},
		{"a broken hello", "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10, ""},
	};
	struct fixture fixture;

	fixture_start(&fixture);
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FD fd = dial(&fixture);
		char answer[1000];

		send(fd, cases[i].text, cases[i].len ? cases[i].len : strlen(cases[i].text),
			MSG_NOSIGNAL);
		drain(&fixture, fd, answer, sizeof(answer));
		CHECK_HAS(cases[i].what, answer, cases[i].answer);
	}
	CHECK_STR("no request came of it", fixture.peer, "");
	fixture_stop(&fixture);
}

TEST(one_session_too_many_is_closed)
{
	struct transport kept[2] = {{.fd = -1}, {.fd = -1}};
	struct http_call_spec spec = {.target = "/", .kept = &kept[0]};
	struct fixture fixture;

	fixture_start(&fixture);
	ask(&fixture, &spec, fixture.authority.text, NULL);
	spec.kept = &kept[1];
	ask_again(&fixture, &spec);
	CHECK("two are there", fixture.status == 200 && kept[0].fd >= 0 && kept[1].fd >= 0);
	spec.kept = NULL;
	ask_again(&fixture, &spec);
	CHECK("a third one is hung up on",
		fixture.ended && fixture.status == 0 && fixture.result < 0);
	spec.kept = &kept[0];
	ask_again(&fixture, &spec);
	CHECK_EQ("those who are there are served", fixture.status, 200);
	transport_close(&kept[1]);
	for (unsigned i = 0; i < 20; i++)
		sd_event_run(fixture.loop, USEC_PER_MSEC);
	spec.kept = NULL;
	ask_again(&fixture, &spec);
	CHECK_EQ("where one has left there is room", fixture.status, 200);
	transport_close(&kept[0]);
	fixture_stop(&fixture);
}

TEST(one_connection_too_many_is_closed)
{
	struct fixture fixture;
	char answer[10];

	fixture_start(&fixture);
	for (unsigned i = 0; i < 2; i++) {
		AUTO_FD first = dial(&fixture);
		AUTO_FD second = dial(&fixture);
		AUTO_FD third = dial(&fixture);

		drain(&fixture, third, answer, sizeof(answer));
		CHECK_STR("without a word", answer, "");
		CHECK_EQ("the first stays", recv(first, answer, 1, MSG_DONTWAIT), -1);
		close_fd(&first);
		close_fd(&second);
		for (unsigned j = 0; j < 20; j++) /* both places are free again */
			sd_event_run(fixture.loop, USEC_PER_MSEC);
	}
	fixture_stop(&fixture);
}
