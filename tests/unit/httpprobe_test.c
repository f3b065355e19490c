// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "user/base/clock.h"
#include "user/probe/http.h"
#include "user/probe/probe.h"
#include "user/probe/turns.h"

static struct probe_url url_of(const char *path)
{
	struct handler handler = {.kind = HANDLER_HTTP, .path = path};
	struct probe_url url;
	struct err err;

	if (probe_url_init(&handler, "10.0.0.1", 80, &url, &err) < 0)
		BAIL("make a URL");
	return url;
}

TEST(redirects_lead_where_they_should)
{
	static const struct {
		const char *what, *base, *location;
		enum redirect want;
		const char *url;
	} cases[] = {
		{"absolute path", "/a", "/b?x=1", REDIRECT_FOLLOW, "http://10.0.0.1:80/b?x=1"},
		{"relative path", "/a/b?q", "c", REDIRECT_FOLLOW, "http://10.0.0.1:80/a/c"},
		{"up", "/a/b/c", "../d", REDIRECT_FOLLOW, "http://10.0.0.1:80/a/d"},
		{"up beyond the root", "/a", "../../../d/.", REDIRECT_FOLLOW,
			"http://10.0.0.1:80/d/"},
		{"query only", "/a/b?q", "?z", REDIRECT_FOLLOW, "http://10.0.0.1:80/a/b?z"},
		{"a colon in the query is no scheme", "/a", "b?u=http://x/", REDIRECT_FOLLOW,
			"http://10.0.0.1:80/b?u=http://x/"},
		{"same host, other port", "/a", "http://10.0.0.1:8080/b", REDIRECT_FOLLOW,
			"http://10.0.0.1:8080/b"},
		{"same host, default port, no path", "/a", "HTTP://10.0.0.1", REDIRECT_FOLLOW,
			"http://10.0.0.1:80/"},
		{"no scheme", "/a", "//10.0.0.1:81/b", REDIRECT_FOLLOW, "http://10.0.0.1:81/b"},
		{"other host", "/a", "http://example.com/", REDIRECT_ELSEWHERE, NULL},
		{"other host that begins alike", "/a", "http://10.0.0.10/", REDIRECT_ELSEWHERE,
			NULL},
		{"user before a host is not the host", "/a", "http://10.0.0.1@evil/",
			REDIRECT_ELSEWHERE, NULL},
		{"https", "/a", "https://10.0.0.1/", REDIRECT_ELSEWHERE, NULL},
		{"no host", "/a", "http:///x", REDIRECT_BROKEN, NULL},
		{"garbage", "/a", "http://[::/", REDIRECT_BROKEN, NULL},
		{"spaces are escaped", "/a", "/b c#frag", REDIRECT_FOLLOW,
			"http://10.0.0.1:80/b%20c"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe_url base = url_of(cases[i].base), to;
		char text[PROBE_PATH_MAX + PROBE_HOST_MAX];

		if (!CHECK_EQ(cases[i].what, probe_url_redirect(&base, cases[i].location, &to),
			    cases[i].want) ||
			!cases[i].url)
			continue;
		probe_url_text(&to, text, sizeof(text));
		CHECK_STR(cases[i].what, text, cases[i].url);
	}
}

TEST(a_location_too_long_is_broken)
{
	struct probe_url base = url_of("/"), to;
	char location[PROBE_PATH_MAX + 64];

	memset(location, ' ', sizeof(location));
	location[0] = '/';
	location[sizeof(location) - 1] = '\0';
	CHECK_EQ("relative", probe_url_redirect(&base, location, &to), REDIRECT_BROKEN);
	location[PROBE_PATH_MAX / 2] = '\0';
	CHECK_EQ("escaped", probe_url_redirect(&base, location, &to), REDIRECT_BROKEN);
	memcpy(location, "http://10.0.0.1/", 16);
	location[PROBE_PATH_MAX / 2] = 'a';
	CHECK_EQ("absolute", probe_url_redirect(&base, location, &to), REDIRECT_BROKEN);
}

#define BEGIN(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n"
#define AGENT		  "User-Agent: kube-probe/1.32\r\n"
#define ACCEPT		  "Accept: */*\r\n"
#define END		  "Connection: close\r\n\r\n"

TEST(requests_are_what_the_kubelet_sends)
{
	static const struct {
		const char *what, *path;
		struct http_header headers[3];
		const char *want;
	} cases[] = {
		{"no path, no headers", NULL, {{0}}, BEGIN("/", "10.0.0.1:80") AGENT ACCEPT END},
		{"a path without slash, with query and space", "a b?c=d", {{0}},
			BEGIN("/a%20b?c=d", "10.0.0.1:80") AGENT ACCEPT END},
		{"Host is replaced", "/", {{"host", "example.com"}},
			BEGIN("/", "example.com") AGENT ACCEPT END},
		{"defaults are replaced", "/", {{"user-agent", "me"}, {"ACCEPT", "text/html"}},
			BEGIN("/", "10.0.0.1:80") "User-Agent: me\r\nAccept: text/html\r\n" END},
		{"empty ones are removed", "/", {{"User-Agent", ""}, {"Accept", ""}},
			BEGIN("/", "10.0.0.1:80") END},
		{"others are added, even twice", "/", {{"X-A", "1"}, {"X-A", "2"}, {"X-B", ""}},
			BEGIN("/", "10.0.0.1:80") AGENT ACCEPT "X-A: 1\r\nX-A: 2\r\nX-B: \r\n" END},
		{"a body cannot be announced", "/", {{"Content-Length", "5"}},
			BEGIN("/", "10.0.0.1:80") AGENT ACCEPT END},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct handler handler = {
			.kind = HANDLER_HTTP,
			.path = cases[i].path,
			.headers = (struct http_header *)cases[i].headers,
		};
		AUTO_BUFFER request = {0};
		struct probe_url url;
		struct err err;

		while (handler.header_count < 3 && cases[i].headers[handler.header_count].name)
			handler.header_count++;
		if (!CHECK_OK(cases[i].what, probe_url_init(&handler, "10.0.0.1", 80, &url, &err),
			    &err))
			continue;
		CHECK_EQ(cases[i].what, probe_request(&url, &handler, &request), 0);
		buffer_append(&request, "", 1);
		CHECK_STR(cases[i].what, buffer_head(&request), cases[i].want);
	}
}

TEST(headers_and_paths_that_would_break_a_request_are_refused)
{
	static const struct http_header bad[] = {
		{"X-A", "1\r\nX-B: 2"}, {"X A", "1"}, {"", "1"}, {"X:", "1"}, {"X\n", "1"}};
	struct handler handler = {.kind = HANDLER_HTTP, .header_count = 1};
	char path[PROBE_PATH_MAX + 1];
	struct probe_url url;
	struct err err;

	for (size_t i = 0; i < COUNT(bad); i++) {
		handler.headers = (struct http_header *)&bad[i];
		CHECK_FAILS("header", probe_url_init(&handler, "10.0.0.1", 80, &url, &err), EINVAL,
			&err, "cannot be sent");
	}
	memset(path, 'a', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	handler = (struct handler){.kind = HANDLER_HTTP, .path = path};
	CHECK_FAILS("path", probe_url_init(&handler, "10.0.0.1", 80, &url, &err), EINVAL, &err,
		"longer than");
}

/* --- runs against a server thread that answers one connection after the other --- */

struct server {
	int fd;
	uint16_t port;
	const char *const *
		answers; /* NULL-terminated; the last one repeats.  "" closes at once, "..." is silent */
	unsigned requests;
	pthread_t thread;
};

static void server_answer(int fd, const char *answer)
{
	char request[4096];
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	if (recv(fd, request, sizeof(request), 0) <= 0 || !answer[0])
		return;
	if (strcmp(answer, "...") != 0) {
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		if (!strstr(answer, "never-ending"))
			return;
		memset(request, 'x', sizeof(request));
		while (send(fd, request, sizeof(request), MSG_NOSIGNAL) > 0)
			;
		return;
	}
	poll(&poll_fd, 1, 5000);
}

static void *server_run(void *arg)
{
	struct server *server = arg;
	const char *const *answer = server->answers;

	for (;;) {
		int fd = accept(server->fd, NULL, NULL);

		if (fd < 0)
			return NULL;
		__atomic_fetch_add(&server->requests, 1, __ATOMIC_SEQ_CST);
		server_answer(fd, *answer);
		if (answer[1])
			answer++;
		close(fd);
	}
}

static void server_start(struct server *server, const char *const *answers)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	*server = (struct server){.answers = answers};
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->fd < 0 || bind(server->fd, (void *)&address, len) < 0 ||
		listen(server->fd, 16) < 0 || getsockname(server->fd, (void *)&address, &len) < 0 ||
		pthread_create(&server->thread, NULL, server_run, server) != 0)
		BAIL("start a server");
	server->port = ntohs(address.sin_port);
}

static void server_stop(struct server *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

struct run {
	sd_event *loop;
	struct turns *turns;
	struct prober *prober;
	unsigned changes, reports;
	bool ok, free_in_changed;
	char message[512], report[600];
	void (*exec_done)(void *cookie, int code, const char *output);
	void *exec_cookie;
	unsigned exec_started, exec_cancelled;
};

static void run_changed(void *userdata, bool ok, const char *message)
{
	struct run *run = userdata;

	run->changes++;
	run->ok = ok;
	snprintf(run->message, sizeof(run->message), "%s", message);
	if (run->free_in_changed)
		run->prober = prober_free(run->prober);
}

static void run_unhealthy(void *userdata, const char *message)
{
	struct run *run = userdata;

	run->reports++;
	snprintf(run->report, sizeof(run->report), "%s", message);
}

static int run_exec(void *userdata, const char *const *argv, uint64_t timeout,
	void (*done)(void *cookie, int code, const char *output), void *cookie, void **ret)
{
	struct run *run = userdata;

	(void)timeout;
	if (argv[0][0] == '!')
		return -ENOTCONN;
	run->exec_started++;
	run->exec_done = done;
	run->exec_cookie = cookie;
	*ret = run;
	return 0;
}

static void run_exec_cancel(void *userdata, void *handle)
{
	(void)handle;
	((struct run *)userdata)->exec_cancelled++;
}

static int run_start(
	struct run *run, enum probe_kind kind, const struct probe_spec *spec, struct err *err)
{
	static const struct container container = {.name = "web"};
	struct prober_config config = {
		.kind = kind,
		.spec = spec,
		.container = &container,
		.netns_fd = -1,
		.address.s_addr = htonl(INADDR_LOOPBACK),
		.started_at = clock_now(),
		.initial = kind == PROBE_LIVENESS,
		.exec_start = run_exec,
		.exec_cancel = run_exec_cancel,
		.changed = run_changed,
		.unhealthy = run_unhealthy,
		.userdata = run,
	};

	if (!run->loop &&
		(sd_event_new(&run->loop) < 0 || turns_new(run->loop, &run->turns, err) < 0))
		BAIL("make a loop");
	return prober_start(run->turns, &config, &run->prober, err);
}

/* Turns the loop until *@counter reaches @want, for at most @msec. */
static bool run_until(struct run *run, const unsigned *counter, unsigned want, unsigned msec)
{
	uint64_t end = clock_now() + msec * USEC_PER_MSEC;

	while (*counter < want && clock_now() < end)
		if (sd_event_run(run->loop, 10 * USEC_PER_MSEC) < 0)
			return false;
	return *counter >= want;
}

static void run_stop(struct run *run)
{
	run->prober = prober_free(run->prober);
	run->turns = turns_free(run->turns);
	run->loop = sd_event_unref(run->loop);
}

static struct probe_spec http_spec(uint16_t port)
{
	return (struct probe_spec){
		.handler = {.kind = HANDLER_HTTP, .path = "/", .port.number = port},
		.timeout = 1,
		.period = 1,
		.success_threshold = 1,
		.failure_threshold = 1,
	};
}

#define OK(headers) "HTTP/1.1 200 OK\r\n" headers "\r\n"

TEST(http_answers_mean_what_kubernetes_says)
{
	static const struct {
		const char *what;
		const char *answers[4];
		bool ok;
		const char *message; /* of the failure or warning; NULL: none */
	} cases[] = {
		{"200", {OK("Content-Length: 2\r\n") "hi"}, true, NULL},
		{"200 without a length", {OK("") "hi"}, true, NULL},
		{"204", {"HTTP/1.1 204 No Content\r\n\r\n"}, true, NULL},
		{"399", {"HTTP/1.0 399 Odd\r\n\r\n"}, true, NULL},
		{"304 is no redirect", {"HTTP/1.1 304 x\r\nLocation: /b\r\n\r\n"}, true, NULL},
		{"301 without a location", {"HTTP/1.1 301 x\r\n\r\n"}, true, NULL},
		{"400", {"HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n"}, false,
			"Readiness probe failed: HTTP probe failed with statuscode: 400"},
		{"503", {"HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nsecret"}, false,
			"HTTP probe failed with statuscode: 503"},
		{"101", {"HTTP/1.1 101 x\r\nUpgrade: y\r\nConnection: upgrade\r\n\r\n"}, false,
			"statuscode: 101"},
		{"100, then 200", {"HTTP/1.1 100 Continue\r\n\r\n" OK("Content-Length: 0\r\n")},
			true, NULL},
		{"a redirect followed to 200",
			{"HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", OK("")},
			true, NULL},
		{"a redirect followed to 500",
			{"HTTP/1.1 307 x\r\nLocation: /b\r\n\r\n", "HTTP/1.1 500 x\r\n\r\n"}, false,
			"statuscode: 500"},
		{"a redirect to another host",
			{"HTTP/1.1 301 x\r\nLocation: http://example.com/\r\n\r\n"}, true,
			"Readiness probe warning: Probe terminated redirects, Location: "
			"http://example.com/"},
		{"redirects without end", {"HTTP/1.1 302 x\r\nLocation: /\r\n\r\n"}, false,
			"stopped after 10 redirects"},
		{"garbage", {"hello\r\n"}, false, "malformed HTTP"},
		{"closed without an answer", {""}, false, "EOF"},
		{"a body cut off", {OK("Content-Length: 10\r\n") "hi"}, false, "malformed HTTP"},
		{"a body without end", {OK("X: never-ending\r\n")}, true, NULL},
		{"a header without end", {"HTTP/1.1 200 OK\r\nX: never-ending"}, false,
			"HTTP header is too large"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run run = {.ok = !cases[i].ok};
		struct probe_spec spec;
		struct server server;
		struct err err;

		server_start(&server, cases[i].answers);
		spec = http_spec(server.port);
		if (CHECK_OK(cases[i].what, run_start(&run, PROBE_READINESS, &spec, &err), &err)) {
			if (cases[i].ok)
				CHECK(cases[i].what, run_until(&run, &run.changes, 1, 3000));
			else
				CHECK(cases[i].what, run_until(&run, &run.reports, 1, 3000));
			CHECK_EQ(cases[i].what, run.changes > 0 && run.ok, cases[i].ok);
			if (cases[i].message)
				CHECK_HAS(cases[i].what, run.report, cases[i].message);
			else
				CHECK_STR(cases[i].what, run.report, "");
			CHECK(cases[i].what, !strstr(run.report, "secret"));
		}
		run_stop(&run);
		server_stop(&server);
	}
}

TEST(a_silent_server_fails_at_the_deadline)
{
	static const char *const answers[] = {"...", NULL};
	struct run run = {0};
	struct server server;
	struct probe_spec spec;
	uint64_t start = clock_now();
	struct err err;

	server_start(&server, answers);
	spec = http_spec(server.port);
	CHECK_OK("start", run_start(&run, PROBE_LIVENESS, &spec, &err), &err);
	CHECK("failed", run_until(&run, &run.changes, 1, 3000));
	CHECK("after one second, not before", clock_now() - start >= USEC_PER_SEC);
	CHECK("and not much later", clock_now() - start < 1800 * USEC_PER_MSEC);
	CHECK_HAS("as the kubelet says it", run.message,
		"context deadline exceeded (Client.Timeout exceeded while awaiting headers)");
	run_stop(&run);
	server_stop(&server);
}

TEST(an_answer_that_waited_for_a_stalled_loop_is_a_success)
{
	static const char *const answers[] = {OK("Content-Length: 0\r\n"), NULL};
	struct timespec stall = {.tv_sec = 1, .tv_nsec = 300000000};
	struct run run = {0};
	struct server server;
	struct probe_spec spec;
	struct err err;

	server_start(&server, answers);
	spec = http_spec(server.port);
	CHECK_OK("start", run_start(&run, PROBE_READINESS, &spec, &err), &err);
	sd_event_run(run.loop, 100 * USEC_PER_MSEC); /* the probe begins to connect */
	nanosleep(&stall, NULL);
	CHECK("ready", run_until(&run, &run.changes, 1, 3000) && run.ok);
	CHECK_EQ("nothing failed", run.reports, 0);
	run_stop(&run);
	server_stop(&server);
}

/* A port on which nobody listens. */
static uint16_t closed_port(void)
{
	static const char *const answers[] = {"", NULL};
	struct server server;

	server_start(&server, answers);
	server_stop(&server);
	return server.port;
}

TEST(refused_connections_fail_with_the_kubelets_words)
{
	struct run http = {0}, tcp = {0};
	struct probe_spec spec = http_spec(closed_port());
	char want[200];
	struct err err;

	CHECK_OK("http", run_start(&http, PROBE_READINESS, &spec, &err), &err);
	CHECK("http failed", run_until(&http, &http.reports, 1, 3000));
	snprintf(want, sizeof(want),
		"Readiness probe failed: Get \"http://127.0.0.1:%u/\": dial tcp 127.0.0.1:%u: "
		"connect: connection refused",
		spec.handler.port.number, spec.handler.port.number);
	CHECK_STR("http says", http.report, want);
	run_stop(&http);

	spec.handler.kind = HANDLER_TCP;
	CHECK_OK("tcp", run_start(&tcp, PROBE_READINESS, &spec, &err), &err);
	CHECK("tcp failed", run_until(&tcp, &tcp.reports, 1, 3000));
	snprintf(want, sizeof(want),
		"Readiness probe failed: dial tcp 127.0.0.1:%u: connect: connection refused",
		spec.handler.port.number);
	CHECK_STR("tcp says", tcp.report, want);
	run_stop(&tcp);
}

TEST(a_connection_that_opens_is_tcp_health)
{
	static const char *const answers[] = {"", NULL};
	struct run run = {0};
	struct server server;
	struct probe_spec spec;
	struct err err;

	server_start(&server, answers);
	spec = http_spec(server.port);
	spec.handler.kind = HANDLER_TCP;
	CHECK_OK("start", run_start(&run, PROBE_READINESS, &spec, &err), &err);
	CHECK("ready", run_until(&run, &run.changes, 1, 3000) && run.ok);
	run_stop(&run);
	server_stop(&server);
}

TEST(the_prober_may_be_freed_by_its_callback)
{
	struct run run = {.free_in_changed = true};
	struct probe_spec spec = http_spec(closed_port());
	struct err err;

	CHECK_OK("start", run_start(&run, PROBE_LIVENESS, &spec, &err), &err);
	CHECK("told once", run_until(&run, &run.changes, 1, 3000));
	CHECK_EQ("and nothing after it", run.reports, 0);
	run_stop(&run);
}

TEST(exec_results_follow_the_exit_code)
{
	static const char *const argv[] = {"check", NULL};
	static const struct {
		const char *what;
		int code;
		const char *output;
		const char *report;
	} cases[] = {
		{"code 1", 1, "no good", "failed: command exited with code 1: no good"},
		{"code 1 and silence", 1, "", "failed: command exited with code 1"},
		{"time-out", -ETIMEDOUT, "", "failed: command timed out after 1s"},
		{"not run", -ENOTCONN, "shim is gone", "errored: command could not be run: shim"},
	};
	struct probe_spec spec = http_spec(0);

	spec.handler = (struct handler){.kind = HANDLER_EXEC, .argv = (const char **)argv};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct run run = {0};
		struct err err;

		CHECK_OK(cases[i].what, run_start(&run, PROBE_READINESS, &spec, &err), &err);
		CHECK(cases[i].what, run_until(&run, &run.exec_started, 1, 1000));
		run.exec_done(run.exec_cookie, cases[i].code, cases[i].output);
		CHECK_HAS(cases[i].what, run.report, cases[i].report);
		run_stop(&run);
		CHECK_EQ("what has ended is not cancelled", run.exec_cancelled, 0);
	}
}

TEST(an_exec_that_recovers_makes_ready)
{
	static const char *const argv[] = {"check", NULL};
	struct probe_spec spec = http_spec(0);
	struct run run = {0};
	struct err err;

	spec.handler = (struct handler){.kind = HANDLER_EXEC, .argv = (const char **)argv};
	CHECK_OK("start", run_start(&run, PROBE_READINESS, &spec, &err), &err);
	CHECK("first run", run_until(&run, &run.exec_started, 1, 1000));
	run.exec_done(run.exec_cookie, 1, "");
	CHECK("second run", run_until(&run, &run.exec_started, 2, 3000));
	run.exec_done(run.exec_cookie, 0, "");
	CHECK("success", run.changes == 1 && run.ok);
	CHECK("third run", run_until(&run, &run.exec_started, 3, 3000));
	run_stop(&run);
	CHECK_EQ("what runs is cancelled", run.exec_cancelled, 1);
}

TEST(an_exec_that_cannot_start_is_an_error_not_a_verdict)
{
	static const char *const argv[] = {"!", NULL};
	struct probe_spec spec = http_spec(0);
	struct run run = {0};
	struct err err;

	spec.handler = (struct handler){.kind = HANDLER_EXEC, .argv = (const char **)argv};
	CHECK_OK("start", run_start(&run, PROBE_LIVENESS, &spec, &err), &err);
	CHECK("three tries", run_until(&run, &run.reports, 3, 500));
	CHECK_HAS("says why", run.report, "Liveness probe errored: start the probe's command");
	CHECK_EQ("no verdict", run.changes, 0);
	run_stop(&run);
}

TEST(what_cannot_be_probed_is_refused_at_the_start)
{
	static const struct {
		const char *what;
		struct handler handler;
		int code;
		const char *text;
	} cases[] = {
		{"https", {.kind = HANDLER_HTTP, .port.number = 443, .https = true}, ENOTSUP,
			"HTTPS probes are not supported yet"},
		{"a name as host", {.kind = HANDLER_TCP, .port.number = 1, .host = "x.example"},
			ENOTSUP, "only IPv4 addresses"},
		{"no such port", {.kind = HANDLER_TCP, .port.name = "web"}, EINVAL,
			"container 'web' has no port named 'web'"},
		{"sleep", {.kind = HANDLER_SLEEP}, EINVAL, "sleep"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct probe_spec spec = http_spec(80);
		struct run run = {0};
		struct err err;

		spec.handler = cases[i].handler;
		CHECK_FAILS(cases[i].what, run_start(&run, PROBE_READINESS, &spec, &err),
			cases[i].code, &err, cases[i].text);
		run_stop(&run);
	}
}
