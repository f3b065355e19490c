// SPDX-License-Identifier: Apache-2.0
/* Answers to an HTTP probe: each connection gets the next part (parts end with 0x1e), then its end. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"

/* The prober's connections lead here. */
#define attempt_connect fuzz_connect
#include "user/probe/http.c"

static struct fuzz_input answers;
static unsigned connections, results;

int fuzz_connect(struct attempt *attempt, const struct sockaddr_in *address, struct err *err)
{
	int fds[2];

	(void)address, (void)err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		fuzz_broken("make a connection", strerror(errno));
	connections++;
	fuzz_send(fds[1], fuzz_part(&answers, 0x1e));
	shutdown(fds[1], SHUT_WR);
	close(fds[1]);
	attempt_close(attempt);
	attempt->fd = fds[0];
	attempt->connected = true;
	return 0;
}

static void on_done(void *userdata, enum probe_result result, const char *message)
{
	(void)userdata;
	FUZZ_CHECK("the prober itself does not fail", result != PROBE_UNKNOWN);
	FUZZ_CHECK("a failure has a message", result == PROBE_SUCCESS || message[0]);
	FUZZ_CHECK("a message is short", strlen(message) < PROBE_MESSAGE_MAX);
	results++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct handler handler = {.kind = HANDLER_HTTP, .path = "/a/b?c"};
	struct sockaddr_in address = {.sin_family = AF_INET};
	struct http_probe *probe = NULL;
	struct attempt attempt;
	struct probe_url url;
	static sd_event *loop;
	struct err err;

	answers = (struct fuzz_input){(const char *)data, size};
	connections = results = 0;
	if (!loop && sd_event_new(&loop) < 0)
		fuzz_broken("set up", strerror(errno));
	attempt_init(&attempt, loop, -1);
	if (probe_url_init(&handler, "10.0.0.1", 80, &url, &err) < 0 ||
		http_probe_start(&attempt, &address, &url, &handler, on_done, NULL, &probe, &err) <
			0)
		fuzz_broken("set up", strerror(errno));
	fuzz_loop(loop);
	FUZZ_CHECK("a probe ends once", results == 1);
	FUZZ_CHECK("redirects have a limit", connections <= HTTP_PROBE_REDIRECTS);
	http_probe_free(probe);
	attempt_close(&attempt);
	return 0;
}
