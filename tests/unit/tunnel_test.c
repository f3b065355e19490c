// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/http/client.h"
#include "user/http/server.h"
#include "user/http/tunnel.h"

/* A client (this test) - the server with the tunnel - the target (this test, too). */
struct fixture {
	char dir[64], path[128];
	sd_event *loop;
	struct http_server *server;
	struct http_remote remote;
	const char *target;
	int listener, client, at_target;
	unsigned requests, told; /* told: the status that was answered */
};

static void on_answer(void *userdata, const struct http_exchange *exchange, unsigned status)
{
	struct fixture *fixture = userdata;

	(void)exchange;
	fixture->told = status;
}

static void on_request(void *userdata, struct http_exchange *exchange)
{
	struct fixture *fixture = userdata;
	struct http_tunnel_spec spec = {.remote = &fixture->remote, .target = fixture->target};

	fixture->requests++;
	http_exchange_on_answer(exchange, on_answer, fixture);
	http_tunnel(exchange, &spec);
}

static int listen_somewhere(struct http_remote *ret)
{
	struct sockaddr_in *where = (struct sockaddr_in *)&ret->address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*where = (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ret->address_len = sizeof(*where);
	if (fd < 0 || bind(fd, (struct sockaddr *)where, sizeof(*where)) < 0 || listen(fd, 4) < 0 ||
		getsockname(fd, (struct sockaddr *)where, &ret->address_len) < 0)
		BAIL("listen");
	strcpy(ret->name.host, "127.0.0.1");
	ret->name.port = ntohs(where->sin_port);
	return fd;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		BAIL("connect");
	return fd;
}

static void turn(struct fixture *fixture)
{
	for (unsigned i = 0; i < 20; i++)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

static void fixture_start(struct fixture *fixture)
{
	struct http_server_config config = {.handle = on_request, .userdata = fixture};
	struct err err;
	int fd;

	*fixture = (struct fixture){
		.dir = "/tmp/podnet-tunnel-XXXXXX", .target = "/there?x=1", .at_target = -1};
	if (!mkdtemp(fixture->dir) || sd_event_new(&fixture->loop) < 0)
		BAIL("set up");
	snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->dir);
	if (http_listen_unix(fixture->path, 0600, &fd, &err) < 0 ||
		http_server_new(fixture->loop, fd, &config, &fixture->server, &err) < 0)
		BAIL(err.text);
	fixture->listener = listen_somewhere(&fixture->remote);
	fixture->client = connect_to(fixture->path);
}

static void fixture_stop(struct fixture *fixture)
{
	struct err err;

	close_fd(&fixture->client);
	close_fd(&fixture->at_target);
	close_fd(&fixture->listener);
	http_server_free(fixture->server);
	sd_event_unref(fixture->loop);
	CHECK_OK("removed", fs_remove(fixture->dir, &err), &err);
}

static void say(struct fixture *fixture, int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		BAIL("send");
	turn(fixture);
}

/* What has come by now; "" also at the end, which *@ret_end tells. */
static const char *hear(struct fixture *fixture, int fd, bool *ret_end)
{
	static char text[4096];
	ssize_t n;

	turn(fixture);
	n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	if (ret_end)
		*ret_end = n == 0;
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* The client asks, the target has the request. */
static const char *ask(struct fixture *fixture, const char *request)
{
	say(fixture, fixture->client, request);
	fixture->at_target = accept4(fixture->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	return fixture->at_target < 0 ? "" : hear(fixture, fixture->at_target, NULL);
}

#define ANSWER	 "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"
#define UPGRADE	 "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"
#define SWITCHED "HTTP/1.1 101 Switching Protocols\r\n" UPGRADE "\r\n"

TEST(a_request_is_handed_on_and_its_answer_back)
{
	struct fixture fixture;
	const char *got;
	bool end;

	fixture_start(&fixture);
	got = ask(&fixture, "POST /here HTTP/1.1\r\nHost: x\r\nAccept: a/b\r\nContent-Length: 4\r\n"
			    "\r\nbody");
	CHECK("the target's path", strncmp(got, "POST /there?x=1 HTTP/1.1\r\n", 26) == 0);
	CHECK_HAS("its headers", got, "\r\nAccept: a/b\r\n");
	CHECK_HAS("one request for a connection", got, "\r\nConnection: close\r\n");
	CHECK_HAS("its body", got, "Content-Length: 4\r\n\r\nbody");
	say(&fixture, fixture.at_target, ANSWER);
	CHECK_STR("as it is", hear(&fixture, fixture.client, NULL), ANSWER);
	CHECK_EQ("is known", fixture.told, 200);
	close_fd(&fixture.at_target);
	hear(&fixture, fixture.client, &end);
	CHECK("both end together", end);
	fixture_stop(&fixture);
}

TEST(who_the_client_is_stays_here)
{
	static const char *const secrets[] = {"Authorization: Bearer abc", "Impersonate-User: root",
		"Cookie: a=b", "X-Remote-User: root", "Proxy-Authorization: x"};

	for (size_t i = 0; i < COUNT(secrets); i++) {
		struct fixture fixture;
		char request[200];
		const char *got;

		snprintf(request, sizeof(request), "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n",
			secrets[i]);
		fixture_start(&fixture);
		got = ask(&fixture, request);
		CHECK_HAS(secrets[i], got, "GET /there");
		CHECK(secrets[i], !strstr(got, secrets[i]));
		fixture_stop(&fixture);
	}
}

TEST(a_second_request_is_not_smuggled_behind_the_first)
{
	static const char second[] = "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture fixture;
	const char *got;
	bool end;

	fixture_start(&fixture);
	got = ask(&fixture, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
			    "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK("what came along", !strstr(got, "secret"));
	say(&fixture, fixture.at_target, "HTTP/1.1 200 OK\r\n\r\npart");
	say(&fixture, fixture.client, second);
	CHECK_STR("nor what comes later", hear(&fixture, fixture.at_target, &end), "");
	CHECK("which ends nothing", !end);
	CHECK_EQ("nobody has looked at it", fixture.requests, 1);
	fixture_stop(&fixture);
}

TEST(bytes_flow_both_ways_once_the_target_has_agreed)
{
	struct fixture fixture;
	const char *got;
	bool end;

	fixture_start(&fixture);
	got = ask(&fixture, "POST / HTTP/1.1\r\nHost: x\r\n" UPGRADE
			    "X-Stream-Protocol-Version: v4\r\n\r\nearly");
	CHECK_HAS("the upgrade is asked for", got, UPGRADE);
	CHECK_HAS("with its protocol", got, "X-Stream-Protocol-Version: v4\r\n");
	CHECK("and nothing before it is granted", !strstr(got, "early"));
	say(&fixture, fixture.at_target, SWITCHED "one");
	CHECK_STR("the client hears of it", hear(&fixture, fixture.client, NULL), SWITCHED "one");
	CHECK_STR("what it said early", hear(&fixture, fixture.at_target, NULL), "early");
	say(&fixture, fixture.client, "two");
	CHECK_STR("and later", hear(&fixture, fixture.at_target, NULL), "two");
	CHECK_EQ("is known", fixture.told, 101);
	close_fd(&fixture.client);
	hear(&fixture, fixture.at_target, &end);
	CHECK("both end together", end);
	fixture_stop(&fixture);
}

TEST(a_refused_upgrade_is_an_answer_like_others)
{
	struct fixture fixture;

	fixture_start(&fixture);
	ask(&fixture, "POST / HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n");
	say(&fixture, fixture.at_target, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
	CHECK_HAS("as it is", hear(&fixture, fixture.client, NULL), "HTTP/1.1 403 Forbidden\r\n");
	say(&fixture, fixture.client, "GET /secret HTTP/1.1\r\nHost: x\r\n\r\n");
	CHECK_STR("nothing follows", hear(&fixture, fixture.at_target, NULL), "");
	fixture_stop(&fixture);
}

TEST(answers_that_are_none_are_failures)
{
	static const struct {
		const char *what, *answer;
	} cases[] = {
		{"another protocol", "220 mail.example ESMTP\r\n"},
		{"no number", "HTTP/1.1 abc OK\r\n"},
		{"an upgrade that nobody asked for", SWITCHED},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fixture fixture;
		const char *got;

		fixture_start(&fixture);
		ask(&fixture, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
		say(&fixture, fixture.at_target, cases[i].answer);
		got = hear(&fixture, fixture.client, NULL);
		CHECK_HAS(cases[i].what, got, "HTTP/1.1 500 ");
		CHECK_HAS(cases[i].what, got, "it does not speak HTTP");
		fixture_stop(&fixture);
	}
}

TEST(a_target_that_is_away_is_named)
{
	struct fixture fixture;
	const char *got;

	fixture_start(&fixture);
	close_fd(&fixture.listener);
	say(&fixture, fixture.client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	got = hear(&fixture, fixture.client, NULL);
	CHECK_HAS("a failure of ours", got, "HTTP/1.1 500 ");
	CHECK_HAS(
		"with the reason", got, "\"message\":\"error dialing backend: dial tcp 127.0.0.1:");
	CHECK_HAS("in words", got, "connect: connection refused");
	fixture_stop(&fixture);
}

TEST(a_client_that_leaves_takes_its_request_along)
{
	struct fixture fixture;
	bool end;

	fixture_start(&fixture);
	ask(&fixture, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	close_fd(&fixture.client);
	hear(&fixture, fixture.at_target, &end);
	CHECK("before it is answered", end);
	fixture_stop(&fixture);

	fixture_start(&fixture);
	ask(&fixture, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
	say(&fixture, fixture.at_target, "HTTP/1.1 200 OK\r\n\r\npart");
	close_fd(&fixture.client);
	hear(&fixture, fixture.at_target, &end);
	CHECK("and in the middle of that", end);
	fixture_stop(&fixture);
}

TEST(the_server_ends_its_tunnels_with_itself)
{
	struct fixture fixture;
	bool end;

	fixture_start(&fixture);
	ask(&fixture, "POST / HTTP/1.1\r\nHost: x\r\n" UPGRADE "\r\n");
	say(&fixture, fixture.at_target, SWITCHED);
	hear(&fixture, fixture.client, NULL);
	fixture.server = http_server_free(fixture.server);
	hear(&fixture, fixture.at_target, &end);
	CHECK("the target is told", end);
	fixture_stop(&fixture);
}
