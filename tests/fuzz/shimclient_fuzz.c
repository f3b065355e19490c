// SPDX-License-Identifier: Apache-2.0
/*
 * What a shim sends to podnetd: packets of one byte (so many descriptors come along), their length in two
 * bytes, then themselves.  Who asked is answered once, whatever comes.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/fuzz/fuzz.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/node/shim-wire.h"

static unsigned answers[4]; /* adopt, create, start, exec */

static void on_listed(void *userdata, int result, pid_t pause_pid,
	const struct shim_container *containers, size_t count)
{
	(void)pause_pid;
	FUZZ_CHECK("a failure lists nothing", result == 0 || count == 0);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK("an id is terminated",
			strnlen(containers[i].id, SHIM_ID_MAX) < SHIM_ID_MAX);
	answers[0]++;
	(void)userdata;
}

static void on_created(void *userdata, int result, pid_t pid, const char *reason)
{
	(void)userdata, (void)result, (void)pid;
	FUZZ_CHECK("a reason is short", strlen(reason) < SHIMWIRE_REASON_MAX);
	answers[1]++;
}

static void on_done(void *userdata, int result, const char *reason)
{
	(void)userdata, (void)result, (void)reason;
	answers[2]++;
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
	answers[3]++;
}

static void on_exited(void *userdata, const struct shim_exit *exit)
{
	(void)userdata;
	FUZZ_CHECK("an id is terminated", strnlen(exit->id, SHIM_ID_MAX) < SHIM_ID_MAX);
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
	shim_create(shim, "web.0", "/bundle", "/log", on_created, NULL);
	shim_start_container(shim, "web.0", on_done, NULL);
	shim_exec(shim, &spec, &events, &exec, &err);
}

static void send_packet(int fd, struct fuzz_input *input)
{
	int fds[4] = {fd, fd, fd, fd};
	union {
		char space[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control = {{0}};
	size_t count = fuzz_byte(input) % 5, size = fuzz_byte(input) | fuzz_byte(input) << 8;
	struct iovec piece = {(char *)input->data, size < input->size ? size : input->size};
	struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};

	if (count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.align = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(count * sizeof(int))};
		memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
	}
	if (piece.iov_len)
		sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	input->data += piece.iov_len;
	input->size -= piece.iov_len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct shim_events events = {.exited = on_exited};
	struct fuzz_input input = {(const char *)data, size};
	static sd_event *loop;
	struct shim *shim;
	struct err err;
	int fds[2], next;

	memset(answers, 0, sizeof(answers));
	if ((!loop && sd_event_new(&loop) < 0) ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0 ||
		shim_new(loop, fds[0], &events, &shim, &err) < 0)
		fuzz_broken("set up", strerror(errno));
	ask(shim);
	while (input.size) {
		send_packet(fds[1], &input);
		fuzz_loop(loop);
	}
	next = dup(fds[1]);
	FUZZ_CHECK("descriptors are not leaked", next < 16);
	close(next);
	close(fds[1]);
	fuzz_loop(loop);
	for (size_t i = 0; i < COUNT(answers); i++)
		FUZZ_CHECK("each request is answered once", answers[i] == 1);
	shim_free(shim);
	return 0;
}
