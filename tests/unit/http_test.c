// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "user/base/clock.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/reader.h"
#include "user/http/server.h"

#define TURN (10 * USEC_PER_MSEC)

/* --- a server on the loop and a raw client --- */

struct fixture {
	char dir[64], path[128];
	sd_event *loop;
	struct http_server *server;
	struct http_exchange *held; /* by "/hold" and "/stream" */
	unsigned gone, drained, handled;
};

static void fixture_gone(void *userdata)
{
	struct fixture *fixture = userdata;

	fixture->gone++;
	fixture->held = NULL;
}

static void fixture_drained(void *userdata)
{
	struct fixture *fixture = userdata;

	fixture->drained++;
}

static char large[4u << 20]; /* more than a socket takes */

static void fixture_handle(void *userdata, struct http_exchange *exchange)
{
	struct fixture *fixture = userdata;
	const char *first = http_exchange_segment(exchange, 0);
	AUTO_JSON json = NULL;
	size_t len;

	fixture->handled++;
	if (!first) {
		http_answer_text(exchange, 200, "root\n");
	} else if (strcmp(first, "echo") == 0) {
		const char *body = http_exchange_body(exchange, &len);

		json = json_pack("{s:s, s:s, s:s, s:i, s:s?}", "method",
			http_exchange_method(exchange), "path", http_exchange_path(exchange),
			"body", body, "len", (int)len, "x-a",
			http_exchange_header(exchange, "X-a"));
		http_answer_json(exchange, 200, json);
	} else if (strcmp(first, "hold") == 0) {
		http_exchange_on_gone(exchange, fixture_gone, fixture);
		fixture->held = exchange;
	} else if (strcmp(first, "large") == 0) {
		http_answer_bytes(exchange, 200, "text/plain", large, sizeof(large));
	} else if (strcmp(first, "stream") == 0) {
		http_exchange_on_gone(exchange, fixture_gone, fixture);
		http_stream_begin(exchange, 200, "text/plain", fixture_drained);
		fixture->held = exchange;
	} else {
		http_answer_failure(exchange, 404, "NotFound", "no \"%s\"", first);
	}
}

static uint64_t patience; /* of the next fixture; 0: the usual */

static void fixture_start(struct fixture *fixture, unsigned max_connections)
{
	struct http_server_config config = {.max_connections = max_connections,
		.max_body = 1000,
		.answer_patience = patience,
		.handle = fixture_handle,
		.userdata = fixture};
	struct err err;
	int fd;

	*fixture = (struct fixture){.dir = "/tmp/podnet-http-XXXXXX"};
	if (!mkdtemp(fixture->dir) || sd_event_new(&fixture->loop) < 0)
		BAIL("set up");
	snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->dir);
	if (http_listen_unix(fixture->path, 0600, &fd, &err) < 0 ||
		http_server_new(fixture->loop, fd, &config, &fixture->server, &err) < 0)
		BAIL(err.text);
}

static void fixture_stop(struct fixture *fixture)
{
	http_server_free(fixture->server);
	sd_event_unref(fixture->loop);
	unlink(fixture->path);
	CHECK_EQ("nothing left", rmdir(fixture->dir), 0);
}

static void turn(struct fixture *fixture, unsigned times)
{
	while (times--)
		sd_event_run(fixture->loop, TURN / 10);
}

static int dial(struct fixture *fixture)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, fixture->path);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0)
		BAIL("connect");
	return fd;
}

/* Sends @request and reads until @until is in the answer, the peer hung up or time is over. */
static void ask(struct fixture *fixture, int fd, const char *request, const char *until, char *ret,
	size_t size)
{
	uint64_t end = clock_now() + 2 * USEC_PER_SEC;
	size_t have = 0;

	if (*request && send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		BAIL("send");
	ret[0] = '\0';
	while (clock_now() < end && have < size - 1) {
		ssize_t n;

		sd_event_run(fixture->loop, TURN / 10);
		n = recv(fd, ret + have, size - 1 - have, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		have += n > 0 ? (size_t)n : 0;
		ret[have] = '\0';
		if (until && strstr(ret, until))
			break;
	}
}

TEST(requests_are_answered)
{
	static const struct {
		const char *what, *request, *head, *body;
	} cases[] = {
		{"text", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "root\n"},
		{"json with body and header",
			"POST /echo/a%20b?c HTTP/1.1\r\nx-A: v\r\nContent-Length: 3\r\n\r\nhey",
			"Content-Type: application/json\r\n",
			"{\"method\":\"POST\",\"path\":\"/echo/"
			"a%20b\",\"body\":\"hey\",\"len\":3,\"x-a\":\"v\"}"},
		{"a chunked body",
			"PUT /echo HTTP/1.1\r\nTransfer-Encoding: "
			"chunked\r\n\r\n2\r\nhe\r\n1\r\ny\r\n0\r\n\r\n",
			"200 OK", "\"body\":\"hey\""},
		{"failure", "DELETE /nope HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found\r\n",
			"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":"
			"\"Failure\",\"message\":\"no "
			"\\\"nope\\\"\",\"reason\":\"NotFound\",\"code\":404}"},
		{"HTTP/1.0 closes", "GET / HTTP/1.0\r\n\r\n", "Connection: close\r\n", "root\n"},
		{"garbage", "hello\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "malformed HTTP"},
		{"a broken target", "GET /%zz HTTP/1.1\r\n\r\n", "400 Bad Request",
			"malformed request target"},
		{"both lengths (smuggling)",
			"POST /echo HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: "
			"chunked\r\n\r\n0\r\n\r\n",
			"400 Bad Request", "malformed"},
	};
	struct fixture fixture;

	fixture_start(&fixture, 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		AUTO_FD fd = dial(&fixture);
		char answer[4096];

		ask(&fixture, fd, cases[i].request, cases[i].body, answer, sizeof(answer));
		CHECK_HAS(cases[i].what, answer, cases[i].head);
		CHECK_HAS(cases[i].what, answer, cases[i].body);
	}
	fixture_stop(&fixture);
}

TEST(what_is_too_large_is_refused)
{
	struct fixture fixture;
	char request[40000], answer[4096];

	fixture_start(&fixture, 0);
	for (unsigned i = 0; i < 3; i++) {
		AUTO_FD fd = dial(&fixture);

		memset(request, 'x', sizeof(request));
		if (i == 0) /* one header field */
			memcpy(request, "GET / HTTP/1.1\r\nA: ", 19);
		else if (i == 1) /* the target */
			memcpy(request, "GET /", 5);
		else
			memcpy(request, "POST /echo HTTP/1.1\r\nContent-Length: 5000\r\n\r\n", 45);
		request[i == 2 ? 45 + 1001 : sizeof(request) - 1] = '\0';
		ask(&fixture, fd, request, "}", answer, sizeof(answer));
		CHECK_HAS("refused", answer,
			i == 2 ? "413 Payload Too Large" : "431 Request Header Fields Too Large");
		CHECK_HAS("says why", answer, i == 2 ? "body is too large" : "header is too large");
	}
	CHECK_EQ("never reached the handler", fixture.handled, 0);
	fixture_stop(&fixture);
}

TEST(who_is_refused_early_may_send_the_rest)
{
	struct fixture fixture;
	char answer[4096], rest[1001] = "", request[2000];
	AUTO_FD fd = -1;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	memset(rest, 'x', sizeof(rest));
	snprintf(request, sizeof(request),
		"POST /echo HTTP/1.1\r\nContent-Length: 9000\r\n\r\n%.*s", (int)sizeof(rest), rest);
	ask(&fixture, fd, request, "}", answer, sizeof(answer));
	CHECK_HAS("refused", answer, "413 Payload Too Large");
	for (unsigned i = 0; i < 5; i++) {
		turn(&fixture, 2);
		CHECK_EQ("is read", send(fd, rest, sizeof(rest), MSG_NOSIGNAL), sizeof(rest));
	}
	turn(&fixture, 2);
	CHECK_EQ("the answer ends without a reset", recv(fd, answer, 1, 0), 0);
	fixture_stop(&fixture);
}

TEST(a_connection_serves_many_requests_even_sent_at_once)
{
	struct fixture fixture;
	char answer[4096], *second;
	AUTO_FD fd = -1;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	ask(&fixture, fd,
		"GET / HTTP/1.1\r\n\r\nPOST /echo HTTP/1.1\r\nContent-Length: 2\r\n\r\nabGET /zzz "
		"HTTP/1.1\r\n\r\n",
		"404}", answer, sizeof(answer));
	second = strstr(answer, "\"body\":\"ab\"");
	CHECK("first", strstr(answer, "root\n"));
	CHECK("second after it", second && second > strstr(answer, "root\n"));
	CHECK("third after it", second && strstr(second, "no \\\"zzz\\\""));
	ask(&fixture, fd, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", NULL, answer,
		sizeof(answer));
	CHECK_HAS("the last one closes", answer, "root\n");
	CHECK_EQ("closed", recv(fd, answer, 1, 0), 0);
	fixture_stop(&fixture);
}

TEST(a_request_may_come_byte_by_byte)
{
	static const char request[] =
		"POST /echo HTTP/1.1\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok";
	struct fixture fixture;
	char answer[4096];
	AUTO_FD fd = -1;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	for (const char *p = request; p[1]; p++) {
		if (send(fd, p, 1, 0) != 1)
			BAIL("send");
		turn(&fixture, 1);
	}
	ask(&fixture, fd, "k", "}", answer, sizeof(answer));
	CHECK_HAS("answered", answer, "\"body\":\"ok\",\"len\":2,\"x-a\":\"b\"");
	fixture_stop(&fixture);
}

TEST(an_answer_may_come_later)
{
	struct fixture fixture;
	char answer[4096];
	AUTO_FD fd = -1;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	if (send(fd, "GET /hold HTTP/1.1\r\n\r\n", 22, 0) != 22)
		BAIL("send");
	turn(&fixture, 5);
	if (!CHECK("held", fixture.held != NULL))
		return;
	http_answer_text(fixture.held, 200, "later\n");
	ask(&fixture, fd, "", "later\n", answer, sizeof(answer));
	CHECK_HAS("answered", answer, "later\n");
	CHECK_EQ("not gone", fixture.gone, 0);
	fixture_stop(&fixture);
}

TEST(a_handler_hears_when_the_client_leaves)
{
	struct fixture fixture;
	int fd;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	if (send(fd, "GET /hold HTTP/1.1\r\n\r\n", 22, 0) != 22)
		BAIL("send");
	turn(&fixture, 5);
	CHECK("held", fixture.held != NULL);
	close(fd);
	turn(&fixture, 5);
	CHECK_EQ("gone once", fixture.gone, 1);
	fd = dial(&fixture);
	if (send(fd, "GET /stream HTTP/1.1\r\n\r\n", 24, 0) != 24)
		BAIL("send");
	turn(&fixture, 5);
	CHECK("streams", fixture.held != NULL);
	fixture.server = http_server_free(fixture.server);
	CHECK_EQ("gone when the server ends", fixture.gone, 2);
	close(fd);
	fixture_stop(&fixture);
}

TEST(a_client_that_leaves_before_its_answer_is_forgotten)
{
	struct fixture fixture;
	unsigned turns = 0;
	int fd;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	if (send(fd, "GET /hold HTTP/1.1\r\n\r\n", 22, 0) != 22)
		BAIL("send");
	turn(&fixture, 5);
	close(fd);
	http_answer_text(fixture.held, 200, "late\n");
	while (turns < 10 && sd_event_run(fixture.loop, 0) > 0)
		turns++;
	CHECK("the loop rests", turns < 10);
	CHECK_EQ("who was answered hears nothing", fixture.gone, 0);
	fixture_stop(&fixture);
}

TEST(streams_are_chunked_and_end)
{
	struct fixture fixture;
	char answer[4096];
	AUTO_FD fd = -1;

	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	ask(&fixture, fd, "GET /stream HTTP/1.1\r\n\r\n", "\r\n\r\n", answer, sizeof(answer));
	CHECK_HAS("head comes at once", answer, "Transfer-Encoding: chunked\r\n");
	CHECK_EQ("write", http_stream_write(fixture.held, "hello", 5), 0);
	CHECK_EQ("an empty write is no end", http_stream_write(fixture.held, "", 0), 0);
	ask(&fixture, fd, "", "hello", answer, sizeof(answer));
	CHECK_STR("chunk", answer, "5\r\nhello\r\n");
	http_stream_end(fixture.held);
	ask(&fixture, fd, "", "0\r\n\r\n", answer, sizeof(answer));
	CHECK_STR("end", answer, "0\r\n\r\n");
	ask(&fixture, fd, "GET / HTTP/1.1\r\n\r\n", "root\n", answer, sizeof(answer));
	CHECK_HAS("and the connection goes on", answer, "root\n");
	fixture_stop(&fixture);
}

TEST(a_writer_waits_for_a_slow_reader)
{
	struct fixture fixture;
	char chunk[65536], answer[4096];
	unsigned writes = 0;
	uint64_t end = clock_now() + 3 * USEC_PER_SEC;
	AUTO_FD fd = -1;
	int r = 0;

	memset(chunk, 'z', sizeof(chunk));
	fixture_start(&fixture, 0);
	fd = dial(&fixture);
	ask(&fixture, fd, "GET /stream HTTP/1.1\r\n\r\n", "\r\n\r\n", answer, sizeof(answer));
	while (r == 0 && writes++ < 100)
		r = http_stream_write(fixture.held, chunk, sizeof(chunk));
	CHECK_EQ("told to wait", r, 1);
	while (r >= 0 && writes++ < 200)
		r = http_stream_write(fixture.held, chunk, sizeof(chunk));
	CHECK_EQ("one that does not is refused", r, -ENOBUFS);
	turn(&fixture, 10);
	CHECK_EQ("not drained while nobody reads", fixture.drained, 0);
	while (!fixture.drained && clock_now() < end) {
		while (recv(fd, chunk, sizeof(chunk), 0) > 0)
			;
		turn(&fixture, 1);
	}
	CHECK_EQ("drained", fixture.drained, 1);
	CHECK_EQ("goes on", http_stream_write(fixture.held, "x", 1), 0);
	http_stream_abort(fixture.held);
	turn(&fixture, 3);
	CHECK_EQ("abort is no gone", fixture.gone, 0);
	fixture_stop(&fixture);
}

TEST(who_does_not_take_his_answer_is_cut_off)
{
	static char got[65536];
	struct fixture fixture;
	uint64_t end = clock_now() + 3 * USEC_PER_SEC;
	AUTO_FD fd = -1;
	size_t have = 0;
	ssize_t n = -1;

	patience = 100 * USEC_PER_MSEC;
	fixture_start(&fixture, 1);
	patience = 0;
	fd = dial(&fixture);
	ask(&fixture, fd, "GET /large HTTP/1.1\r\n\r\n", "200 OK", got, 64);
	/* There is room for one connection: a second one is served when the first has gone. */
	while (clock_now() < end && !strstr(got, "root")) {
		AUTO_FD other = dial(&fixture);

		ask(&fixture, other, "GET / HTTP/1.1\r\n\r\n", "root", got, 256);
	}
	CHECK_HAS("another has his place", got, "root");
	while ((n = recv(fd, got, sizeof(got), 0)) > 0)
		have += (size_t)n;
	CHECK("and he has not got it all", n == 0 && have < sizeof(large));
	fixture_stop(&fixture);
}

TEST(one_connection_too_many_is_closed)
{
	struct fixture fixture;
	char answer[4096];
	int a, b, c;

	fixture_start(&fixture, 2);
	a = dial(&fixture);
	b = dial(&fixture);
	turn(&fixture, 3);
	c = dial(&fixture);
	turn(&fixture, 3);
	CHECK_EQ("closed at once", recv(c, answer, 1, 0), 0);
	close(b);
	close(c);
	turn(&fixture, 3);
	b = dial(&fixture);
	ask(&fixture, b, "GET / HTTP/1.1\r\n\r\n", "root", answer, sizeof(answer));
	CHECK_HAS("a freed place is used again", answer, "root");
	close(a);
	close(b);
	fixture_stop(&fixture);
}

TEST(a_living_servers_socket_is_not_taken)
{
	struct fixture fixture;
	struct stat st;
	struct err err;
	int fd = -1;

	fixture_start(&fixture, 0);
	CHECK_FAILS("second server", http_listen_unix(fixture.path, 0600, &fd, &err), EADDRINUSE,
		&err, "somebody answers at");
	CHECK("mode", stat(fixture.path, &st) == 0 && (st.st_mode & 0777) == 0600);
	fixture.server = http_server_free(fixture.server);
	CHECK_OK("after its death", http_listen_unix(fixture.path, 0600, &fd, &err), &err);
	close(fd);
	fixture_stop(&fixture);
}

/* --- our client --- */

struct answer {
	unsigned status, heads;
	char body[4096];
	size_t len;
	int ended, result;
	char reason[100];
};

static void answer_head(void *userdata, unsigned status)
{
	struct answer *answer = userdata;

	answer->status = status;
	answer->heads++;
}

static void answer_body(void *userdata, const char *data, size_t len)
{
	struct answer *answer = userdata;

	if (answer->len + len < sizeof(answer->body))
		memcpy(answer->body + answer->len, data, len);
	answer->len += len;
}

static void answer_ended(void *userdata, int result, const char *reason)
{
	struct answer *answer = userdata;

	answer->ended++;
	answer->result = result;
	snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

static const struct http_call_events answer_events = {
	.head = answer_head, .body = answer_body, .ended = answer_ended};

static void call(struct fixture *fixture, const char *method, const char *target,
	struct answer *answer, struct http_call **ret)
{
	struct http_call_spec spec = {
		.socket_path = fixture->path, .method = method, .target = target};
	struct err err;

	*answer = (struct answer){0};
	CHECK_OK("start", http_call_start(fixture->loop, &spec, &answer_events, answer, ret, &err),
		&err);
}

TEST(the_client_gets_status_and_body)
{
	struct fixture fixture;
	struct http_call *request;
	struct answer answer;

	fixture_start(&fixture, 0);
	call(&fixture, "GET", "/nothing", &answer, &request);
	turn(&fixture, 10);
	CHECK_EQ("ended", answer.ended, 1);
	CHECK_EQ("well", answer.result, 0);
	CHECK_EQ("status", answer.status, 404);
	CHECK_EQ("told once", answer.heads, 1);
	CHECK_HAS("body", answer.body, "\"code\":404}");
	http_call_free(request);
	fixture_stop(&fixture);
}

TEST(the_client_gets_a_stream_as_it_comes)
{
	struct fixture fixture;
	struct http_call *request;
	struct answer answer;

	fixture_start(&fixture, 0);
	call(&fixture, "GET", "/stream", &answer, &request);
	turn(&fixture, 10);
	CHECK_EQ("status first", answer.status, 200);
	http_stream_write(fixture.held, "one\n", 4);
	turn(&fixture, 5);
	CHECK_STR("then text", answer.body, "one\n");
	http_stream_abort(fixture.held);
	turn(&fixture, 5);
	CHECK_EQ("an aborted stream", answer.ended, 1);
	CHECK_EQ("is told from a complete one", answer.result, -EBADMSG);
	http_call_free(request);
	fixture_stop(&fixture);
}

TEST(the_client_says_why_it_cannot_connect)
{
	struct http_call_spec spec = {
		.socket_path = "/nonexistent/podnetd.sock", .method = "GET", .target = "/"};
	struct http_call *request;
	sd_event *loop;
	struct err err;

	if (sd_event_new(&loop) < 0)
		BAIL("make a loop");
	CHECK_FAILS("start", http_call_start(loop, &spec, &answer_events, NULL, &request, &err),
		ENOENT, &err, "connect to '/nonexistent/podnetd.sock'");
	sd_event_unref(loop);
}
