// SPDX-License-Identifier: Apache-2.0
#include "tests/check.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "user/base/clock.h"
#include "user/base/loop.h"
#include "user/http/client.h"
#include "user/http/handshake.h"
#include "user/http/server.h"

static const char *const both[] = {CHANNEL_PROTOCOL_V5, CHANNEL_PROTOCOL_V4, NULL};
static const char *const only_v4[] = {CHANNEL_PROTOCOL_V4, NULL};
static const char *const unknown[] = {"chat", NULL};

struct end {
	struct websocket *socket;
	unsigned messages, closed, drained, code;
	size_t bytes;
	unsigned char last[64];
	size_t last_len;
	bool free_in_message;
};

struct fixture {
	char dir[64], path[128];
	sd_event *loop;
	struct http_server *server;
	struct end at_server, at_client;
	int upgrade; /* what http_upgrade_websocket said */
	struct http_call *call;
	unsigned status;
	int ended;
	bool early; /* the server sends before it returns to the loop */
};

static void end_message(void *userdata, const unsigned char *data, size_t len)
{
	struct end *end = userdata;

	end->messages++;
	end->bytes += len;
	end->last_len = len < sizeof(end->last) ? len : sizeof(end->last);
	memcpy(end->last, data, end->last_len);
	if (end->free_in_message)
		end->socket = websocket_free(end->socket);
}

static void end_drained(void *userdata)
{
	struct end *end = userdata;

	end->drained++;
}

static void end_closed(void *userdata, unsigned code)
{
	struct end *end = userdata;

	end->closed++;
	end->code = code;
	end->socket = websocket_free(end->socket);
}

static const struct websocket_events end_events = {
	.message = end_message, .drained = end_drained, .closed = end_closed};

static void fixture_handle(void *userdata, struct http_exchange *exchange)
{
	struct fixture *fixture = userdata;

	fixture->upgrade = http_upgrade_websocket(
		exchange, both, &end_events, &fixture->at_server, &fixture->at_server.socket);
	if (fixture->early && fixture->upgrade == 0)
		websocket_send_channel(fixture->at_server.socket, CHANNEL_STDOUT, "early", 5);
}

static void call_head(void *userdata, unsigned status)
{
	struct fixture *fixture = userdata;

	fixture->status = status;
}

static void call_body(void *userdata, const char *data, size_t len)
{
	(void)userdata;
	(void)data;
	(void)len;
}

static void call_upgraded(void *userdata, struct websocket *socket)
{
	struct fixture *fixture = userdata;

	fixture->at_client.socket = socket;
}

static void call_ended(void *userdata, int result, const char *reason)
{
	struct fixture *fixture = userdata;

	(void)result;
	(void)reason;
	fixture->ended++;
}

static void fixture_start(struct fixture *fixture)
{
	struct http_server_config config = {.handle = fixture_handle, .userdata = fixture};
	struct err err;
	int fd;

	*fixture = (struct fixture){.dir = "/tmp/podnet-ws-XXXXXX"};
	if (!mkdtemp(fixture->dir) || sd_event_new(&fixture->loop) < 0)
		BAIL("set up");
	snprintf(fixture->path, sizeof(fixture->path), "%s/sock", fixture->dir);
	if (http_listen_unix(fixture->path, 0600, &fd, &err) < 0 ||
		http_server_new(fixture->loop, fd, &config, &fixture->server, &err) < 0)
		BAIL(err.text);
}

static void turn(struct fixture *fixture, unsigned times)
{
	while (times--)
		sd_event_run(fixture->loop, USEC_PER_MSEC);
}

static void fixture_connect(struct fixture *fixture, const char *const *protocols)
{
	static const struct http_call_events events = {.head = call_head,
		.body = call_body,
		.upgraded = call_upgraded,
		.ended = call_ended};
	struct http_call_spec spec = {.socket_path = fixture->path,
		.method = "GET",
		.target = "/exec",
		.protocols = protocols,
		.websocket_events = &end_events,
		.websocket_userdata = &fixture->at_client};
	struct err err;

	CHECK_OK("start",
		http_call_start(fixture->loop, &spec, &events, fixture, &fixture->call, &err),
		&err);
	turn(fixture, 10);
}

static void fixture_stop(struct fixture *fixture)
{
	http_call_free(fixture->call);
	websocket_free(fixture->at_client.socket);
	websocket_free(fixture->at_server.socket);
	http_server_free(fixture->server);
	sd_event_unref(fixture->loop);
	unlink(fixture->path);
	CHECK_EQ("nothing left", rmdir(fixture->dir), 0);
}

TEST(the_accept_key_is_that_of_the_rfc)
{
	char accept[HANDSHAKE_ACCEPT_MAX];

	handshake_accept("dGhlIHNhbXBsZSBub25jZQ==", accept);
	CHECK_STR("RFC 6455, 1.3", accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(messages_go_both_ways_on_channels)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	if (!CHECK("upgraded", fixture.at_client.socket && fixture.at_server.socket))
		return;
	CHECK_STR(
		"best protocol", websocket_protocol(fixture.at_client.socket), CHANNEL_PROTOCOL_V5);
	CHECK_STR(
		"at both ends", websocket_protocol(fixture.at_server.socket), CHANNEL_PROTOCOL_V5);
	CHECK_EQ("send",
		websocket_send_channel(fixture.at_client.socket, CHANNEL_STDIN, "hello", 5), 0);
	turn(&fixture, 5);
	CHECK_EQ("arrived", fixture.at_server.messages, 1);
	CHECK("as sent", memcmp(fixture.at_server.last, "\0hello", 6) == 0);
	websocket_send_channel(fixture.at_server.socket, CHANNEL_STDERR, "", 0);
	turn(&fixture, 5);
	CHECK_EQ("an empty message", fixture.at_client.last_len, 1);
	CHECK_EQ("on its channel", fixture.at_client.last[0], CHANNEL_STDERR);
	fixture_stop(&fixture);
}

TEST(what_comes_with_the_handshake_is_not_lost)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture.early = true;
	fixture_connect(&fixture, both);
	CHECK_EQ("arrived", fixture.at_client.messages, 1);
	CHECK("whole", memcmp(fixture.at_client.last, "\1early", 6) == 0);
	fixture_stop(&fixture);
}

TEST(protocols_are_negotiated)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture_connect(&fixture, only_v4);
	CHECK_STR("an old client gets v4", websocket_protocol(fixture.at_client.socket),
		CHANNEL_PROTOCOL_V4);
	fixture_stop(&fixture);
	fixture_start(&fixture);
	fixture_connect(&fixture, unknown);
	CHECK_EQ("none in common", fixture.upgrade, -ENOPROTOOPT);
	CHECK_EQ("is a bad request", fixture.status, 400);
	CHECK_EQ("and the answer ends", fixture.ended, 1);
	fixture_stop(&fixture);
	fixture_start(&fixture);
	fixture_connect(&fixture, NULL);
	CHECK_EQ("a plain GET is no upgrade", fixture.upgrade, -EPROTO);
	CHECK_EQ("is a bad request too", fixture.status, 400);
	fixture_stop(&fixture);
}

TEST(closing_flushes_and_both_ends_hear_of_it)
{
	struct fixture fixture;
	char data[100000];

	memset(data, 'd', sizeof(data));
	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	for (unsigned i = 0; i < 4; i++)
		websocket_send(fixture.at_server.socket, data, sizeof(data));
	websocket_close(fixture.at_server.socket, WEBSOCKET_NORMAL);
	CHECK_EQ("no more after it", websocket_send(fixture.at_server.socket, "x", 1), -EPIPE);
	turn(&fixture, 100);
	CHECK_EQ("all arrived", fixture.at_client.bytes, 400000);
	CHECK_EQ("client closed", fixture.at_client.closed, 1);
	CHECK_EQ("with the code", fixture.at_client.code, WEBSOCKET_NORMAL);
	CHECK_EQ("server closed", fixture.at_server.closed, 1);
	CHECK_EQ("with the client's answer", fixture.at_server.code, WEBSOCKET_NORMAL);
	fixture_stop(&fixture);
}

TEST(an_idle_connection_closes_at_once)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	websocket_close(fixture.at_client.socket, WEBSOCKET_GOING_AWAY);
	turn(&fixture, 20);
	CHECK_EQ("server closed", fixture.at_server.closed, 1);
	CHECK_EQ("with the code", fixture.at_server.code, WEBSOCKET_GOING_AWAY);
	CHECK_EQ("client closed", fixture.at_client.closed, 1);
	fixture_stop(&fixture);
}

TEST(a_peer_that_vanishes_is_broken)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	fixture.at_client.socket = websocket_free(fixture.at_client.socket);
	turn(&fixture, 5);
	CHECK_EQ("server closed", fixture.at_server.closed, 1);
	CHECK_EQ("broken", fixture.at_server.code, WEBSOCKET_BROKEN);
	fixture_stop(&fixture);
}

TEST(a_sender_waits_for_a_slow_receiver)
{
	struct fixture fixture;
	char data[50000];
	unsigned sent = 0;
	int r = 0;

	memset(data, 'd', sizeof(data));
	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	websocket_pause(fixture.at_client.socket, 1);
	while (r == 0 && sent < 1000) {
		r = websocket_send(fixture.at_server.socket, data, sizeof(data));
		sent++;
	}
	CHECK_EQ("told to wait", r, 1);
	while (r >= 0 && sent < 1000) {
		r = websocket_send(fixture.at_server.socket, data, sizeof(data));
		sent += r >= 0;
	}
	CHECK_EQ("one that does not is refused", r, -ENOBUFS);
	turn(&fixture, 20);
	CHECK_EQ("not drained while nobody reads", fixture.at_server.drained, 0);
	websocket_pause(fixture.at_client.socket, 0);
	turn(&fixture, 1000);
	CHECK_EQ("drained", fixture.at_server.drained, 1);
	CHECK_EQ("nothing lost", fixture.at_client.bytes, (size_t)sent * sizeof(data));
	fixture_stop(&fixture);
}

TEST(a_message_too_large_closes_the_connection)
{
	struct fixture fixture;
	char *data = calloc(1, WEBSOCKET_MAX_MESSAGE + 1);

	if (!data)
		BAIL("memory");
	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	websocket_send(fixture.at_client.socket, data, WEBSOCKET_MAX_MESSAGE + 1);
	turn(&fixture, 200);
	CHECK_EQ("not delivered", fixture.at_server.messages, 0);
	CHECK_EQ("server closed", fixture.at_server.closed, 1);
	free(data);
	fixture_stop(&fixture);
}

TEST(a_socket_may_be_freed_by_its_message)
{
	struct fixture fixture;

	fixture_start(&fixture);
	fixture_connect(&fixture, both);
	fixture.at_server.free_in_message = true;
	websocket_send(fixture.at_client.socket, "one", 3);
	websocket_send(fixture.at_client.socket, "two", 3);
	turn(&fixture, 10);
	CHECK_EQ("only one came", fixture.at_server.messages, 1);
	CHECK_EQ("no closed after it", fixture.at_server.closed, 0);
	CHECK_EQ("the client hears", fixture.at_client.closed, 1);
	fixture_stop(&fixture);
}

TEST(garbage_instead_of_frames_closes_the_connection)
{
	static const char request[] = "GET /exec HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n"
				      "Upgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				      "Sec-WebSocket-Protocol: x, v4.channel.k8s.io\r\n\r\n"
				      "\xff\xff\xff\xff garbage, unmasked and reserved";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct fixture fixture;
	char answer[1000] = "";

	fixture_start(&fixture);
	strcpy(address.sun_path, fixture.path);
	if (fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0 ||
		send(fd, request, sizeof(request) - 1, 0) != sizeof(request) - 1)
		BAIL("ask");
	turn(&fixture, 20);
	CHECK_EQ("it was upgraded", fixture.upgrade, 0);
	CHECK("and answered", recv(fd, answer, sizeof(answer) - 1, 0) > 0);
	CHECK_HAS("with the key", answer, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
	CHECK_HAS("and the protocol", answer, "Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n\r\n");
	CHECK_EQ("no message", fixture.at_server.messages, 0);
	close(fd);
	turn(&fixture, 5);
	CHECK_EQ("closed", fixture.at_server.closed, 1);
	fixture_stop(&fixture);
}
