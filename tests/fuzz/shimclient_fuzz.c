// SPDX-License-Identifier: Apache-2.0
/* What a shim sends to podnetd, as packets: who asked is answered once, whatever comes. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/shim-wire.h"

static unsigned answers[3]; /* adopt, start, exec */

static void on_listed(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count)
{
	(void)userdata, (void)pause_pid, (void)containers;
	FUZZ_CHECK("a failure lists nothing", result == 0 || count == 0);
	answers[0]++;
}

static void on_done(void *userdata, int result, const char *reason)
{
	(void)userdata, (void)result, (void)reason;
	answers[1]++;
}

static void on_exec_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	(void)userdata;
	cleanup_fd(&in_fd);
	cleanup_fd(&out_fd);
	cleanup_fd(&err_fd);
}

static void on_exec_ended(void *userdata, int code, const char *reason)
{
	(void)userdata, (void)code;
	FUZZ_CHECK("a reason is short", strlen(reason) < SHIMWIRE_REASON_MAX);
	answers[2]++;
}

static void ask(struct shim *shim)
{
	static const char *const argv[] = {"true", NULL};
	static const struct shim_exec_spec spec = {.container = "web.0", .argv = argv};
	static const struct shim_exec_events events = {on_exec_started, on_exec_ended, NULL};
	const struct shim_pending adopt = {.kind = SHIM_PENDING_ADOPT, .fn.listed = on_listed};
	struct shimwire_hello hello = {.version_max = SHIMWIRE_VERSION};
	uint32_t exec;
	struct err err;

	shim_send(shim, &hello, sizeof(hello), SHIMWIRE_HELLO, &adopt);
	shim_start_container(shim, "web.0", on_done, NULL);
	shim_exec(shim, &spec, &events, &exec, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct shim_events events;
	struct fuzz_input input = {(const char *)data, size};
	static sd_event *loop;
	struct shim *shim;
	struct err err;
	int fds[2];

	memset(answers, 0, sizeof(answers));
	if ((!loop && sd_event_new(&loop) < 0) ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ||
		shim_new(loop, fds[0], &events, &shim, &err) < 0)
		fuzz_broken("set up", strerror(errno));
	ask(shim);
	while (input.size) {
		fuzz_packet(fds[1], &input);
		fuzz_loop(loop);
	}
	FUZZ_CHECK("descriptors are not leaked", fds[1] < 16);
	close(fds[1]);
	fuzz_loop(loop);
	for (size_t i = 0; i < COUNT(answers); i++)
		FUZZ_CHECK("each request is answered once", answers[i] == 1);
	shim_free(shim);
	return 0;
}
