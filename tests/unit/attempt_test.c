// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "user/probe/http.h"
#include "user/probe/tcp.h"

/* A server in this very thread, and what probes it. */
struct world {
	sd_event *loop;
	struct attempt attempt;
	struct sockaddr_in address;
	int listener;
	unsigned ends;
	enum probe_result result;
	char message[PROBE_MESSAGE_MAX];
};

/* At the port of before, once there was one. */
static void server_listen(struct world *world)
{
	socklen_t len = sizeof(world->address);
	const int one = 1;

	world->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setsockopt(world->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		bind(world->listener, (void *)&world->address, len) < 0 ||
		listen(world->listener, 16) < 0 ||
		getsockname(world->listener, (void *)&world->address, &len) < 0)
		BAIL("make a server");
}

static void world_make(struct world *world)
{
	*world = (struct world){
		.address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	server_listen(world);
	if (sd_event_new(&world->loop) < 0)
		BAIL("make a loop");
	attempt_init(&world->attempt, world->loop, -1);
}

static void world_end(struct world *world)
{
	attempt_close(&world->attempt);
	sd_event_unref(world->loop);
	close_fd(&world->listener);
}

static void on_done(void *userdata, enum probe_result result, const char *message)
{
	struct world *world = userdata;

	world->ends++;
	world->result = result;
	snprintf(world->message, sizeof(world->message), "%s", message);
}

static const struct handler handler = {.kind = HANDLER_HTTP, .path = "/"};

static struct http_probe *http_start(struct world *world)
{
	struct http_probe *probe;
	struct probe_url url;
	struct err err;

	if (probe_url_init(&handler, "127.0.0.1", ntohs(world->address.sin_port), &url, &err) < 0 ||
		http_probe_start(&world->attempt, &world->address, &url, &handler, on_done, world,
			&probe, &err) < 0)
		BAIL(err.text);
	return probe;
}

/* Hands out all that there is for now. */
static void loop_drain(struct world *world)
{
	while (sd_event_run(world->loop, 0) > 0)
		;
}

/* Turns the loop until the probe has ended. */
static bool loop_until_end(struct world *world)
{
	for (int turn = 0; world->ends == 0 && turn < 500; turn++)
		if (sd_event_run(world->loop, 10000) < 0)
			return false;
	return world->ends == 1;
}

static int server_accept(struct world *world)
{
	struct pollfd poll_fd = {.fd = world->listener, .events = POLLIN};
	int fd;

	if (poll(&poll_fd, 1, 5000) != 1)
		BAIL("nobody connects");
	fd = accept4(world->listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd < 0)
		BAIL("accept");
	return fd;
}

static bool server_was_reset(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char octets[4096];
	ssize_t n;

	do
		n = poll(&poll_fd, 1, 5000) == 1 ? recv(fd, octets, sizeof(octets), 0) : 0;
	while (n > 0);
	return n < 0 && errno == ECONNRESET;
}

TEST(the_request_is_sent_before_the_loop_turns)
{
	static const char want[] = "GET / HTTP/1.1\r\n";
	char got[sizeof(want)] = "";
	struct http_probe *probe;
	struct world world;
	AUTO_FD fd = -1;

	world_make(&world);
	probe = http_start(&world);
	fd = server_accept(&world);
	recv(fd, got, sizeof(want) - 1, MSG_DONTWAIT | MSG_WAITALL);
	CHECK_STR("request", got, want);
	CHECK_EQ("nothing is reported yet", world.ends, 0);
	http_probe_free(probe);
	world_end(&world);
}

TEST(one_socket_serves_probe_after_probe_and_resets_each_connection)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct world world;
	int socket = -1;

	world_make(&world);
	for (int i = 0; i < 5; i++) {
		struct http_probe *probe = http_start(&world);
		AUTO_FD fd = server_accept(&world);

		world.ends = 0;
		if (i == 0)
			socket = world.attempt.fd;
		CHECK_EQ("the socket", world.attempt.fd, socket);
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		CHECK("ends", loop_until_end(&world));
		CHECK_EQ(world.message, world.result, PROBE_SUCCESS);
		CHECK("the connection is reset before the probe is freed", server_was_reset(fd));
		http_probe_free(probe);
		loop_drain(&world);
		CHECK_EQ("and says nothing more", world.ends, 1);
	}
	world_end(&world);
}

TEST(an_answer_to_a_held_attempt_waits_for_its_release)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct world world;

	world_make(&world);
	for (int i = 0; i < 2; i++) { /* the second with a socket that the loop knows */
		struct http_probe *probe;
		AUTO_FD fd = -1;
		struct err err;

		world.ends = 0;
		attempt_hold(&world.attempt);
		probe = http_start(&world);
		fd = server_accept(&world);
		send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		loop_drain(&world);
		CHECK_EQ("nothing is reported", world.ends, 0);
		CHECK_OK("release", attempt_release(&world.attempt, &err), &err);
		CHECK("ends", loop_until_end(&world));
		CHECK_EQ(world.message, world.result, PROBE_SUCCESS);
		http_probe_free(probe);
	}
	world_end(&world);
}

TEST(what_is_freed_amid_an_answer_is_reset)
{
	struct http_probe *probe;
	struct world world;
	AUTO_FD fd = -1;

	world_make(&world);
	probe = http_start(&world);
	fd = server_accept(&world);
	send(fd, "HTTP/1.1 2", 10, MSG_NOSIGNAL);
	loop_drain(&world);
	http_probe_free(probe);
	CHECK("reset", server_was_reset(fd));
	loop_drain(&world);
	CHECK_EQ("no callback", world.ends, 0);
	world_end(&world);
}

TEST(a_socket_that_was_refused_connects_again)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct http_probe *probe;
	struct world world;
	AUTO_FD fd = -1;

	world_make(&world);
	close_fd(&world.listener);
	probe = http_start(&world);
	CHECK_EQ("not reported from the start", world.ends, 0);
	CHECK("ends", loop_until_end(&world));
	CHECK_EQ("result", world.result, PROBE_FAILURE);
	CHECK_HAS("as the kubelet says it", world.message, "connect: connection refused");
	http_probe_free(probe);

	server_listen(&world);
	probe = http_start(&world);
	fd = server_accept(&world);
	send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	world.ends = 0;
	CHECK("ends again", loop_until_end(&world));
	CHECK_EQ(world.message, world.result, PROBE_SUCCESS);
	http_probe_free(probe);
	world_end(&world);
}

TEST(tcp_and_http_take_turns_on_a_socket)
{
	static const char answer[] = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n";
	struct tcp_probe *tcp;
	struct http_probe *http;
	struct world world;
	struct err err;
	AUTO_FD first = -1;
	AUTO_FD second = -1;

	world_make(&world);
	CHECK_OK("start",
		tcp_probe_start(&world.attempt, &world.address, on_done, &world, &tcp, &err), &err);
	CHECK("tcp ends", loop_until_end(&world));
	CHECK_EQ("tcp", world.result, PROBE_SUCCESS);
	first = server_accept(&world);
	CHECK("reset", server_was_reset(first));
	tcp_probe_free(tcp);

	http = http_start(&world);
	second = server_accept(&world);
	send(second, answer, strlen(answer), MSG_NOSIGNAL);
	world.ends = 0;
	CHECK("http ends", loop_until_end(&world));
	CHECK_HAS("http", world.message, "statuscode: 503");
	http_probe_free(http);
	world_end(&world);
}

TEST(answers_are_read_to_their_end_however_they_come)
{
	static char longest[9100];
	static const struct {
		const char *what;
		const char *parts[4];
		bool closes;
	} cases[] = {
		{"in one", {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"}, false},
		{"in pieces", {"HTT", "P/1.1 200 OK\r\nContent-Le", "ngth: 2\r\n\r\n", "hi"},
			false},
		{"longer than a read", {"HTTP/1.1 200 OK\r\nContent-Length: 9099\r\n\r\n", longest},
			false},
		{"longer than a read, up to the close", {"HTTP/1.1 200 OK\r\n\r\n", longest}, true},
		{"with the close at once", {"HTTP/1.1 200 OK\r\n\r\nhi"}, true},
	};

	memset(longest, 'x', sizeof(longest) - 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct http_probe *probe;
		struct world world;
		AUTO_FD fd = -1;

		world_make(&world);
		probe = http_start(&world);
		fd = server_accept(&world);
		for (size_t part = 0; part < 4 && cases[i].parts[part]; part++) {
			CHECK_EQ(cases[i].what, world.ends, 0);
			send(fd, cases[i].parts[part], strlen(cases[i].parts[part]), MSG_NOSIGNAL);
			if (!cases[i].closes)
				loop_drain(&world);
		}
		if (cases[i].closes)
			shutdown(fd, SHUT_WR);
		CHECK(cases[i].what, loop_until_end(&world));
		CHECK_EQ(cases[i].what, world.result, PROBE_SUCCESS);
		http_probe_free(probe);
		world_end(&world);
	}
}
