// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/http/buffer.h"
#include "user/http/client.h"
#include "user/http/server.h"
#include "user/http/spdyblock.h"
#include "user/http/streams.h"

struct fixture {
	char dir[64], path[128];
	sd_event *loop;
	struct http_server *server;
	struct streams_wish wish;
	struct streams *streams;
	unsigned ready, ended, closed;
	char in[64], size[64];
	/* The client's end of a WebSocket. */
	struct http_call *call;
	struct websocket *socket;
	unsigned status;
	char heard[200];
};

static void on_ready(void *userdata)
{
	struct fixture *fixture = userdata;

	fixture->ready++;
	CHECK("the streams are there before they are ready", fixture->streams);
}

static void on_data(void *userdata, enum channel channel, const void *data, size_t len)
{
	struct fixture *fixture = userdata;
	char *to = channel == CHANNEL_STDIN ? fixture->in : fixture->size;

	strncat(to, data, len);
}

static void on_ended(void *userdata, enum channel channel)
{
	struct fixture *fixture = userdata;

	CHECK_EQ("of stdin", channel, CHANNEL_STDIN);
	fixture->ended++;
}

static void on_drained(void *userdata)
{
	(void)userdata;
}

static void on_closed(void *userdata)
{
	struct fixture *fixture = userdata;

	fixture->closed++;
}

static void on_request(void *userdata, struct http_exchange *exchange)
{
	static const struct streams_events events = {
		.ready = on_ready,
		.data = on_data,
		.ended = on_ended,
		.drained = on_drained,
		.closed = on_closed,
	};
	struct fixture *fixture = userdata;

	streams_upgrade(exchange, &fixture->wish, &events, fixture, &fixture->streams);
}

static void fixture_start(struct fixture *fixture, struct streams_wish wish)
{
	struct http_server_config config = {.handle = on_request, .userdata = fixture};
	struct err err;
	int fd;

	*fixture = (struct fixture){.dir = "/tmp/podnet-streams-XXXXXX", .wish = wish};
	if (!mkdtemp(fixture->dir) || sd_event_new(&fixture->loop) < 0)
		BAIL("set up");
	snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->dir);
	if (http_listen_unix(fixture->path, 0600, &fd, &err) < 0 ||
		http_server_new(fixture->loop, fd, &config, &fixture->server, &err) < 0)
		BAIL(err.text);
}

static void fixture_stop(struct fixture *fixture)
{
	struct err err;

	http_call_free(fixture->call);
	websocket_free(fixture->socket);
	streams_free(fixture->streams);
	http_server_free(fixture->server);
	sd_event_unref(fixture->loop);
	CHECK_OK("removed", fs_remove(fixture->dir, &err), &err);
}

static void turn(struct fixture *fixture)
{
	for (unsigned i = 0; i < 20; i++)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

/* --- WebSocket --- */

/* "1hello|3..." */
static void hear(void *userdata, const unsigned char *data, size_t len)
{
	struct fixture *fixture = userdata;
	size_t have = strlen(fixture->heard);

	snprintf(fixture->heard + have, sizeof(fixture->heard) - have, "%c%.*s|",
		data[0] < '0' ? data[0] + '0' : data[0], (int)len - 1, (const char *)data + 1);
}

static void leave(void *userdata, unsigned code)
{
	(void)userdata;
	(void)code;
}

static void on_head(void *userdata, unsigned status)
{
	struct fixture *fixture = userdata;

	fixture->status = status;
}

static void on_body(void *userdata, const char *data, size_t len)
{
	(void)userdata;
	(void)data;
	(void)len;
}

static void on_upgraded(void *userdata, struct websocket *socket)
{
	struct fixture *fixture = userdata;

	fixture->socket = socket;
}

static void on_call_ended(void *userdata, int result, const char *reason)
{
	(void)userdata;
	(void)result;
	(void)reason;
}

static void connect_websocket(struct fixture *fixture, const char *const *protocols)
{
	static const struct websocket_events events = {.message = hear, .closed = leave};
	static const struct http_call_events call_events = {
		.head = on_head, .body = on_body, .upgraded = on_upgraded, .ended = on_call_ended};
	struct http_call_spec spec = {.socket_path = fixture->path,
		.method = "GET",
		.target = "/exec",
		.protocols = protocols,
		.websocket_events = &events,
		.websocket_userdata = fixture};
	struct err err;

	if (http_call_start(fixture->loop, &spec, &call_events, fixture, &fixture->call, &err) < 0)
		BAIL(err.text);
	turn(fixture);
}

TEST(channels_are_what_the_protocol_makes_of_them)
{
	static const struct {
		const char *protocol;
		bool text; /* its messages are */
		const char *in, *heard;
		bool closes;
	} cases[] = {
		{"v5.channel.k8s.io", false, "\0hi",
			"1out|3{\"status\":\"Failure\",\"message\":\"no\"}|", true},
		{"v4.channel.k8s.io", false, "\0hi",
			"1out|3{\"status\":\"Failure\",\"message\":\"no\"}|", false},
		{"channel.k8s.io", false, "\0hi", "1out|3no|", false},
		{"v4.base64.channel.k8s.io", true,
			"0aGk=", "1b3V0|3eyJzdGF0dXMiOiJGYWlsdXJlIiwibWVzc2FnZSI6Im5vIn0=|", false},
		{"base64.channel.k8s.io", true, "0aGk=", "1b3V0|3bm8=|", false},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *const protocols[] = {cases[i].protocol, NULL};
		AUTO_JSON status = json_pack("{s:s, s:s}", "status", "Failure", "message", "no");
		struct fixture fixture;

		fixture_start(&fixture, (struct streams_wish){.in = true, .out = true});
		connect_websocket(&fixture, protocols);
		CHECK_EQ(cases[i].protocol, fixture.ready, 1);
		if (!CHECK(cases[i].protocol, fixture.socket))
			continue;
		if (cases[i].text)
			websocket_send_text(fixture.socket, cases[i].in, strlen(cases[i].in));
		else
			websocket_send(fixture.socket, cases[i].in, 3);
		if (!cases[i].text)
			websocket_send(fixture.socket, "\xff\0", 2);
		turn(&fixture);
		CHECK_STR(cases[i].protocol, fixture.in, "hi");
		CHECK_EQ(cases[i].protocol, fixture.ended, cases[i].closes);
		streams_send(fixture.streams, CHANNEL_STDOUT, "out", 3);
		CHECK_EQ("what nobody asked for is dropped",
			streams_send(fixture.streams, CHANNEL_STDERR, "err", 3), 0);
		streams_finish(fixture.streams, status);
		turn(&fixture);
		CHECK_STR(cases[i].protocol, fixture.heard, cases[i].heard);
		fixture_stop(&fixture);
	}
}

TEST(a_terminal_has_a_size_and_no_stderr)
{
	static const char *const protocols[] = {"v4.channel.k8s.io", NULL};
	struct fixture fixture;

	fixture_start(
		&fixture, (struct streams_wish){.in = true, .out = true, .err = true, .tty = true});
	connect_websocket(&fixture, protocols);
	websocket_send_channel(fixture.socket, CHANNEL_RESIZE, "{\"Width\":1}", 11);
	turn(&fixture);
	CHECK_STR("its size", fixture.size, "{\"Width\":1}");
	streams_send(fixture.streams, CHANNEL_STDERR, "err", 3);
	turn(&fixture);
	CHECK_STR("nothing", fixture.heard, "");
	fixture_stop(&fixture);
}

TEST(protocols_that_are_not_spoken_are_refused)
{
	static const char *const unknown[] = {"chat", NULL};
	static const char *const forward[] = {"SPDY/3.1+portforward.k8s.io", NULL};
	struct fixture fixture;

	fixture_start(&fixture, (struct streams_wish){.out = true});
	connect_websocket(&fixture, unknown);
	CHECK_EQ("unknown", fixture.status, 403);
	fixture.call = http_call_free(fixture.call);
	connect_websocket(&fixture, forward);
	CHECK_EQ("one that is no command's", fixture.status, 403);
	CHECK("nothing began", !fixture.streams && !fixture.ready);
	fixture_stop(&fixture);
}

/* --- SPDY --- */

struct spdy_client {
	int fd;
	struct spdy_blocks *blocks;
};

static const char *client_hear(struct fixture *fixture, struct spdy_client *client)
{
	static char text[4096];
	ssize_t n;

	turn(fixture);
	n = recv(client->fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	text[n < 0 ? 0 : n] = '\0';
	for (ssize_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : '.';
	return text;
}

static const char *client_start(
	struct fixture *fixture, struct spdy_client *client, const char *fields)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char request[400];

	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memcpy(address.sun_path, fixture->path, sizeof(address.sun_path));
	snprintf(request, sizeof(request),
		"POST /exec HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n%s\r\n", fields);
	if (spdy_blocks_new(&client->blocks) < 0 || client->fd < 0 ||
		connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		send(client->fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		BAIL("connect");
	return client_hear(fixture, client);
}

static void client_stop(struct spdy_client *client)
{
	spdy_blocks_free(client->blocks);
	close_fd(&client->fd);
}

static void client_open(
	struct fixture *fixture, struct spdy_client *client, uint32_t id, const char *type)
{
	const struct spdy_field field = {"streamtype", type};
	struct spdy_head head = {.type = SPDY_SYN_STREAM, .version = SPDY_VERSION};
	uint8_t fixed[SPDY_HEAD + 10] = {0};
	AUTO_BUFFER block = {0};

	if (spdy_block_write(client->blocks, &field, 1, &block) < 0)
		BAIL("memory");
	head.len = (uint32_t)block.len + 10;
	spdy_head_write(&head, fixed);
	spdy_number_write(id, fixed + SPDY_HEAD);
	if (send(client->fd, fixed, sizeof(fixed), MSG_NOSIGNAL) < 0 ||
		send(client->fd, buffer_head(&block), block.len, MSG_NOSIGNAL) < 0)
		BAIL("send");
	turn(fixture);
}

#define UPGRADE "Connection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"

TEST(the_best_protocol_of_spdy_is_chosen)
{
	static const struct {
		const char *what, *fields, *answer, *protocol;
	} cases[] = {
		{"of several in one header",
			UPGRADE "X-Stream-Protocol-Version: channel.k8s.io, v4.channel.k8s.io\r\n",
			"HTTP/1.1 101 ", "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n"},
		{"of several headers",
			UPGRADE "X-Stream-Protocol-Version: v2.channel.k8s.io\r\n"
				"X-Stream-Protocol-Version: v3.channel.k8s.io\r\n",
			"HTTP/1.1 101 ", "X-Stream-Protocol-Version: v3.channel.k8s.io\r\n"},
		{"the first of all", UPGRADE "X-Stream-Protocol-Version: channel.k8s.io\r\n",
			"HTTP/1.1 101 ", "X-Stream-Protocol-Version: channel.k8s.io\r\n"},
		{"none that is known", UPGRADE "X-Stream-Protocol-Version: v9.channel.k8s.io\r\n",
			"HTTP/1.1 403 ", "Forbidden"},
		{"port-forward's", UPGRADE "X-Stream-Protocol-Version: portforward.k8s.io\r\n",
			"HTTP/1.1 403 ", "Forbidden"},
		{"no upgrade", "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n", "HTTP/1.1 400 ",
			"Upgrade request required"},
		{"to something else", "Connection: Upgrade\r\nUpgrade: h2c\r\n", "HTTP/1.1 400 ",
			"Upgrade request required"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct spdy_client client;
		struct fixture fixture;
		const char *answer;

		fixture_start(&fixture, (struct streams_wish){.out = true});
		answer = client_start(&fixture, &client, cases[i].fields);
		CHECK_HAS(cases[i].what, answer, cases[i].answer);
		CHECK_HAS(cases[i].what, answer, cases[i].protocol);
		client_stop(&client);
		fixture_stop(&fixture);
	}
}

TEST(all_streams_must_be_open_before_it_begins)
{
	static const char *const types[] = {"error", "stdin", "stdout", "stderr"};
	AUTO_JSON status = json_pack("{s:s}", "status", "Success");
	struct spdy_client client;
	struct fixture fixture;
	const char *heard;

	fixture_start(&fixture, (struct streams_wish){.in = true, .out = true, .err = true});
	client_start(&fixture, &client, UPGRADE "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n");
	for (size_t i = 0; i < COUNT(types); i++) {
		CHECK_EQ(types[i], fixture.ready, 0);
		client_open(&fixture, &client, (uint32_t)(2 * i + 1), types[i]);
	}
	CHECK_EQ("now", fixture.ready, 1);
	client_open(&fixture, &client, 9, "stdout");
	client_hear(&fixture, &client);
	streams_send(fixture.streams, CHANNEL_STDOUT, "out", 3);
	streams_finish(fixture.streams, status);
	heard = client_hear(&fixture, &client);
	CHECK_HAS("output", heard, "out");
	CHECK_HAS("then how it ended", strstr(heard, "out"), "{\"status\":\"Success\"}");
	close_fd(&client.fd);
	turn(&fixture);
	CHECK_EQ("the client has left", fixture.closed, 1);
	client_stop(&client);
	fixture_stop(&fixture);
}
