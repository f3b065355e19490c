// SPDX-License-Identifier: Apache-2.0
#include "user/image/proxy.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/json.h"

#define PROXY_PACKET_MAX (32u << 10) /* skopeo's own limit */
#define PROXY_POLICY	 "/etc/containers/policy.json"

struct proxy {
	struct proxy_config config;
	pid_t pid;
	int socket;
	json_int_t image; /* skopeo's number of the open image */
	char complaint[1024];
};

/* What an answer carries besides success. */
struct answer {
	json_t *value;	 /* owned */
	json_int_t pipe; /* skopeo's number of the pipe */
	int fd;		 /* its reading end, owned; -1: none */
};

static void answer_clear(struct answer *answer)
{
	json_decref(answer->value);
	cleanup_fd(&answer->fd);
}

#define AUTO_ANSWER AUTO_CLEANUP(answer_clear) struct answer

/* In the child: only the socket (as stdin) and stderr are handed on. */
static void proxy_exec(const struct proxy_config *config, int socket, pid_t parent)
{
	const char *argv[6] = {config->skopeo};
	size_t n = 1;

	/* A machine without a policy has not asked for signatures; one with a policy gets it applied. */
	if (access(PROXY_POLICY, F_OK) < 0)
		argv[n++] = "--insecure-policy";
	if (config->registries_conf) {
		argv[n++] = "--registries-conf";
		argv[n++] = config->registries_conf;
	}
	argv[n] = "experimental-image-proxy";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(126);
	if (dup2(socket, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
		_exit(126);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

/* The socket broke: the reason is how the child ended. */
static int proxy_lost(struct proxy *proxy, struct err *err)
{
	pid_t pid = proxy->pid;
	int status;

	if (pid <= 0)
		return err_refuse(err, EIO, "'%s' is gone", proxy->config.skopeo);
	kill(pid, SIGKILL);
	proxy->pid = 0;
	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status)) {
		if (WEXITSTATUS(status) == 127)
			return err_refuse(err, ENOENT, "cannot run '%s': is it installed?",
				proxy->config.skopeo);
		return err_refuse(err, EIO, "'%s' ended with code %d", proxy->config.skopeo,
			WEXITSTATUS(status));
	}
	return err_refuse(err, EIO, "'%s' was killed", proxy->config.skopeo);
}

/* Takes the descriptor out of the control messages; skopeo sends one at most. */
static int packet_take_fd(struct msghdr *packet)
{
	int fd = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(packet); c; c = CMSG_NXTHDR(packet, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && fd < 0 &&
			c->cmsg_len == CMSG_LEN(sizeof(int)))
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int proxy_receive(
	struct proxy *proxy, char *data, size_t size, size_t *ret_len, int *ret_fd, struct err *err)
{
	char control[CMSG_SPACE(sizeof(int))] __attribute__((aligned(sizeof(size_t))));
	struct iovec iov = {.iov_base = data, .iov_len = size};
	struct msghdr packet = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct pollfd poll_fd = {.fd = proxy->socket, .events = POLLIN};
	uint64_t stall = proxy->config.stall_usec;
	ssize_t n;

	do {
		n = poll(&poll_fd, 1, stall ? (int)(stall / USEC_PER_MSEC) : -1);
	} while (n < 0 && errno == EINTR);
	if (n == 0)
		return err_refuse(
			err, ETIMEDOUT, "no answer for %" PRIu64 " s", stall / USEC_PER_SEC);
	if (n > 0)
		n = recvmsg(proxy->socket, &packet, MSG_CMSG_CLOEXEC);
	if (n <= 0)
		return proxy_lost(proxy, err);
	*ret_fd = packet_take_fd(&packet);
	if (packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return err_refuse(
			err, EPROTO, "'%s' sent an answer that is too long", proxy->config.skopeo);
	*ret_len = (size_t)n;
	return 0;
}

static int proxy_answer(struct proxy *proxy, struct answer *ret, struct err *err)
{
	AUTO_FREE char *data = malloc(PROXY_PACKET_MAX);
	AUTO_JSON reply = NULL;
	size_t len = 0;
	int r;

	if (!data)
		return err_set(err, ENOMEM, "read skopeo's answer");
	r = proxy_receive(proxy, data, PROXY_PACKET_MAX, &len, &ret->fd, err);
	if (r < 0)
		return r;
	r = json_parse(data, len, "skopeo's answer", &reply, err);
	if (r < 0)
		return r;
	if (!json_is_true(json_object_get(reply, "success"))) {
		snprintf(proxy->complaint, sizeof(proxy->complaint), "%s",
			json_string_at(reply, "error", "skopeo refused without a reason"));
		return err_refuse(err, EREMOTEIO, "%s", proxy->complaint);
	}
	ret->pipe = json_integer_at(reply, "pipeid", 0);
	ret->value = json_incref(json_object_get(reply, "value"));
	return 0;
}

/* Sends a request; takes @args over. */
static int proxy_request(struct proxy *proxy, const char *method, json_t *args, struct err *err)
{
	AUTO_JSON request = json_pack("{s:s, s:o}", "method", method, "args", args);
	AUTO_FREE char *text = request ? json_text(request) : NULL;
	ssize_t n;

	if (!text)
		return err_set(err, ENOMEM, "ask skopeo to %s", method);
	do {
		n = send(proxy->socket, text, strlen(text), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? proxy_lost(proxy, err) : 0;
}

static int proxy_call(
	struct proxy *proxy, const char *method, json_t *args, struct answer *ret, struct err *err)
{
	int r = proxy_request(proxy, method, args, err);

	return r < 0 ? r : proxy_answer(proxy, ret, err);
}

static int proxy_hello(struct proxy *proxy, struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};
	const char *version;
	int r, patch = 0;

	r = proxy_call(proxy, "Initialize", json_array(), &answer, err);
	if (r < 0)
		return r;
	version = json_string_value(answer.value);
	if (!version)
		version = "none";
	/* GetFullConfig came with 0.2.3. */
	if (sscanf(version, "0.2.%d", &patch) != 1 || patch < 3)
		return err_refuse(err, EPROTONOSUPPORT,
			"skopeo's image proxy speaks version %.40s, 0.2.3 or a later 0.2 is needed",
			version);
	return 0;
}

int proxy_start(const struct proxy_config *config, struct proxy **ret, struct err *err)
{
	struct proxy *proxy = calloc(1, sizeof(*proxy));
	pid_t self = getpid();
	int pair[2], r;

	if (!proxy)
		return err_set(err, ENOMEM, "start skopeo");
	proxy->config = *config;
	proxy->socket = -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		r = err_set(err, errno, "start skopeo");
		proxy_free(proxy);
		return r;
	}
	proxy->socket = pair[0];
	proxy->pid = fork();
	if (proxy->pid == 0)
		proxy_exec(config, pair[1], self);
	r = proxy->pid < 0 ? err_set(err, errno, "start skopeo") : 0;
	close(pair[1]);
	if (r == 0)
		r = proxy_hello(proxy, err);
	if (r < 0) {
		proxy_free(proxy);
		return r;
	}
	*ret = proxy;
	return 0;
}

struct proxy *proxy_free(struct proxy *proxy)
{
	if (!proxy)
		return NULL;
	if (proxy->pid > 0) {
		kill(proxy->pid, SIGKILL);
		waitpid(proxy->pid, NULL, 0);
	}
	cleanup_fd(&proxy->socket);
	free(proxy);
	return NULL;
}

const char *proxy_complaint(const struct proxy *proxy)
{
	return proxy->complaint;
}

int proxy_open(struct proxy *proxy, const char *source, struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};
	int r = proxy_call(proxy, "OpenImage",
		json_pack("[o]", json_sprintf("docker://%s", source)), &answer, err);

	if (r < 0)
		return r;
	if (!json_is_integer(answer.value))
		return err_refuse(err, EPROTO, "skopeo opened no image");
	proxy->image = json_integer_value(answer.value);
	return 0;
}

/* Reads a pipe to its end into a NUL-terminated text that the caller frees. */
static int pipe_read(int fd, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_FREE char *text = malloc(max + 1);
	size_t len = 0;

	if (!text)
		return err_set(err, ENOMEM, "read from skopeo");
	for (;;) {
		ssize_t n = read(fd, text + len, max + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, errno, "read from skopeo");
		if (n == 0)
			break;
		len += (size_t)n;
		if (len > max)
			return err_refuse(err, EFBIG, "a document is larger than %zu bytes", max);
	}
	text[len] = '\0';
	*ret_len = len;
	*ret = take_ptr(text);
	return 0;
}

/*
 * Starts a transfer.  skopeo closes its end only when it is told to finish, so that is asked for at
 * once: the reader then sees the end even when the data stops early.
 */
static int proxy_transfer(struct proxy *proxy, const char *method, json_t *args,
	struct answer *answer, struct err *err)
{
	int r = proxy_call(proxy, method, args, answer, err);

	if (r < 0)
		return r;
	if (answer->fd < 0)
		return err_refuse(err, EPROTO, "skopeo sent no pipe for %s", method);
	return proxy_request(proxy, "FinishPipe", json_pack("[I]", (json_int_t)answer->pipe), err);
}

static int proxy_document(struct proxy *proxy, const char *method, struct answer *answer,
	size_t max, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_FREE char *text = NULL;
	size_t len = 0;
	int r;

	r = proxy_transfer(proxy, method, json_pack("[I]", proxy->image), answer, err);
	if (r == 0)
		r = pipe_read(answer->fd, max, &text, &len, err);
	if (r == 0)
		r = proxy_blob_finish(proxy, err);
	if (r < 0)
		return r;
	*ret_len = len;
	*ret = take_ptr(text);
	return 0;
}

int proxy_manifest(struct proxy *proxy, size_t max, char **ret, size_t *ret_len,
	char ret_digest[DIGEST_SIZE], struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};
	AUTO_FREE char *text = NULL;
	const char *digest;
	size_t len = 0;
	int r;

	r = proxy_document(proxy, "GetManifest", &answer, max, &text, &len, err);
	if (r < 0)
		return r;
	digest = json_string_value(answer.value);
	if (!digest || !digest_is_valid(digest))
		return err_refuse(err, EPROTO, "the manifest has no sha256 digest");
	memcpy(ret_digest, digest, DIGEST_SIZE);
	*ret_len = len;
	*ret = take_ptr(text);
	return 0;
}

int proxy_config(struct proxy *proxy, size_t max, char **ret, size_t *ret_len, struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};

	return proxy_document(proxy, "GetFullConfig", &answer, max, ret, ret_len, err);
}

int proxy_blob(struct proxy *proxy, const char *digest, uint64_t size, int *ret_fd, struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};
	int r = proxy_transfer(proxy, "GetBlob",
		json_pack("[I, s, I]", proxy->image, digest, (json_int_t)size), &answer, err);

	if (r < 0)
		return r;
	*ret_fd = take_fd(&answer.fd);
	return 0;
}

int proxy_blob_finish(struct proxy *proxy, struct err *err)
{
	AUTO_ANSWER answer = {.fd = -1};

	return proxy_answer(proxy, &answer, err);
}
