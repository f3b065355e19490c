// SPDX-License-Identifier: Apache-2.0
/* What a client sends to podnetd's socket, WebSocket frames included: parts end with 0x1e, the server reads each. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/pollset.h"
#include "user/http/exchange.h"
#include "user/http/server.h"

static struct websocket *websocket;
static struct http_exchange *open_exchange;

static void on_message(void *userdata, const unsigned char *data, size_t len)
{
	(void)userdata;
	websocket_send_channel(websocket, CHANNEL_STDOUT, data, len);
	if (len == 1)
		websocket_close(websocket, WEBSOCKET_NORMAL);
}

static void on_closed(void *userdata, unsigned code)
{
	(void)userdata, (void)code;
	websocket = websocket_free(websocket);
}

static void on_gone(void *userdata)
{
	(void)userdata;
	open_exchange = NULL;
}

static void read_request(struct http_exchange *exchange)
{
	size_t len, count = http_exchange_segment_count(exchange);
	const char *body = http_exchange_body(exchange, &len);

	FUZZ_CHECK("a path begins with /", http_exchange_path(exchange)[0] == '/');
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK("segments are there", http_exchange_segment(exchange, i));
	FUZZ_CHECK("the body is terminated", !body || body[len] == '\0');
}

static void on_request(void *userdata, struct http_exchange *exchange)
{
	static const struct websocket_events events = {on_message, NULL, on_closed};
	static const char *const protocols[] = {CHANNEL_PROTOCOL_V5, CHANNEL_PROTOCOL_V4, NULL};
	const char *first = http_exchange_segment(exchange, 0);

	(void)userdata;
	read_request(exchange);
	if (first && strcmp(first, "exec") == 0 && !websocket) {
		http_upgrade_websocket(exchange, protocols, &events, NULL, &websocket);
	} else if (first && strcmp(first, "log") == 0 && !open_exchange) {
		open_exchange = exchange;
		http_exchange_on_gone(exchange, on_gone, NULL);
		http_stream_begin(exchange, 200, "text/plain", NULL);
		http_stream_write(exchange, "text", 4);
	} else {
		http_answer_failure(exchange, 404, "NotFound", "no %s", first ? first : "name");
	}
}

/* In place of a server. */
const struct http_server_config *server_config(const struct http_server *server)
{
	static const struct http_server_config config = {.handle = on_request, .max_body = 4096};

	(void)server;
	return &config;
}

void server_released(void *server)
{
	(void)server;
}

static void feed(sd_event *loop, int fd, struct fuzz_input input)
{
	while (input.size) {
		fuzz_send(fd, fuzz_part(&input, 0x1e));
		fuzz_loop(loop);
		if (open_exchange)
			http_stream_end(take_ptr(open_exchange));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_exchange *list = NULL;
	static struct pollset *set;
	static sd_event *loop;
	int fds[2];

	if ((!loop && (sd_event_new(&loop) < 0 || pollset_new(loop, &set, NULL) < 0)) ||
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0 ||
		exchange_new(NULL, loop, set, fds[0], &list) < 0)
		fuzz_broken("set up", strerror(errno));
	feed(loop, fds[1], (struct fuzz_input){(const char *)data, size});
	close(fds[1]);
	fuzz_loop(loop);
	FUZZ_CHECK("a connection ends with its peer", !list && !open_exchange);
	websocket = websocket_free(websocket);
	return 0;
}
