// SPDX-License-Identifier: Apache-2.0
/* One run of a command in a container, its output collected: exec probes, postStart, preStop. */
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/node/nodepod.h"

#define HOOK_OUTPUT_MAX 1024 /* bytes kept: they go into a message */

struct hook {
	struct node_pod *pod;
	uint32_t exec;
	bool running; /* the shim knows it */
	hook_fn done;
	void *cookie;
	struct timer *timer; /* sleep hooks */
	struct {
		int fd;
		sd_event_source *source;
	} streams[2];
	char output[HOOK_OUTPUT_MAX + 1];
	size_t len;
	int code;
};

static void hook_stream_close(struct hook *hook, int i)
{
	hook->streams[i].source = source_free(hook->streams[i].source);
	close_fd(&hook->streams[i].fd);
}

static struct hook *hook_free(struct hook *hook)
{
	hook_stream_close(hook, 0);
	hook_stream_close(hook, 1);
	timer_free(hook->timer);
	free(hook);
	return NULL;
}

static void hook_finish(struct hook *hook)
{
	hook_fn done = hook->done;
	void *cookie = hook->cookie;
	int code = hook->code;
	char output[HOOK_OUTPUT_MAX + 1];

	memcpy(output, hook->output, sizeof(output));
	hook_free(hook);
	done(cookie, code, output);
}

static void hook_take(struct hook *hook, const char *data, size_t len)
{
	if (len > HOOK_OUTPUT_MAX - hook->len)
		len = HOOK_OUTPUT_MAX - hook->len;
	memcpy(hook->output + hook->len, data, len);
	hook->len += len;
	hook->output[hook->len] = '\0';
}

static int hook_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct hook *hook = userdata;
	int i = source == hook->streams[0].source ? 0 : 1;
	char chunk[4096];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)revents;
	if (n > 0)
		hook_take(hook, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		hook_stream_close(hook, i);
	return 0;
}

static void hook_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	struct hook *hook = userdata;
	int fds[2] = {out_fd, err_fd};

	cleanup_fd(&in_fd);
	for (int i = 0; i < 2; i++) {
		hook->streams[i].fd = fds[i];
		if (fds[i] >= 0 && sd_event_add_io(hook->pod->node->loop, &hook->streams[i].source,
					   fds[i], EPOLLIN, hook_readable, hook) < 0)
			close_fd(&hook->streams[i].fd);
	}
}

/* What it wrote last may still be in the pipes when the shim tells of its end. */
static void hook_drain(struct hook *hook)
{
	char chunk[4096];

	for (int i = 0; i < 2; i++) {
		ssize_t n;

		while (hook->streams[i].fd >= 0 && hook->len < HOOK_OUTPUT_MAX &&
			(n = read(hook->streams[i].fd, chunk, sizeof(chunk))) > 0)
			hook_take(hook, chunk, (size_t)n);
	}
}

static void hook_ended(void *userdata, int code, const char *reason)
{
	struct hook *hook = userdata;

	hook->running = false;
	hook->code = code;
	hook_drain(hook);
	if (code < 0 && reason && !hook->len)
		hook_take(hook, reason, strlen(reason));
	hook_finish(hook);
}

static struct hook *hook_alloc(struct node_pod *pod, hook_fn done, void *cookie)
{
	struct hook *hook = calloc(1, sizeof(*hook));

	if (hook) {
		hook->pod = pod;
		hook->done = done;
		hook->cookie = cookie;
		hook->streams[0].fd = hook->streams[1].fd = -1;
	}
	return hook;
}

int hook_exec(struct node_pod *pod, size_t index, const char *const *argv, uint64_t timeout_usec,
	hook_fn done, void *cookie, struct hook **ret, struct err *err)
{
	struct hook *hook = hook_alloc(pod, done, cookie);
	struct shim_exec_events events = {
		.started = hook_started,
		.ended = hook_ended,
		.userdata = hook,
	};
	char id[SHIM_ID_MAX];
	struct shim_exec_spec spec = {
		.container = id,
		.argv = argv,
		.timeout_usec = timeout_usec,
	};
	int r;

	if (!hook)
		return err_set(err, ENOMEM, "run '%s'", argv[0]);
	container_id(pod, index, pod->observed.containers[index].attempt, id);
	r = pod->shim ? shim_exec(pod->shim, &spec, &events, &hook->exec, err)
		      : err_refuse(err, ENOTCONN, "run '%s': the shim is gone", argv[0]);
	if (r < 0) {
		hook_free(hook);
		return r;
	}
	hook->running = true;
	*ret = hook;
	return 0;
}

static void hook_slept(void *userdata)
{
	hook_finish(userdata);
}

static int hook_sleep(struct node_pod *pod, uint32_t seconds, hook_fn done, void *cookie,
	struct hook **ret, struct err *err)
{
	struct hook *hook = hook_alloc(pod, done, cookie);
	int r;

	if (!hook)
		return err_set(err, ENOMEM, "start a sleep hook");
	r = timer_new(pod->node->loop, hook_slept, hook, &hook->timer, err);
	if (r < 0) {
		hook_free(hook);
		return r;
	}
	timer_arm(hook->timer, clock_now() + seconds * USEC_PER_SEC);
	*ret = hook;
	return 0;
}

int hook_start(struct node_pod *pod, size_t index, const struct handler *handler,
	uint64_t timeout_usec, hook_fn done, void *cookie, struct hook **ret, struct err *err)
{
	switch (handler->kind) {
	case HANDLER_EXEC:
		return hook_exec(pod, index, (const char *const *)handler->argv, timeout_usec, done,
			cookie, ret, err);
	case HANDLER_SLEEP: return hook_sleep(pod, handler->sleep_seconds, done, cookie, ret, err);
	case HANDLER_HTTP:
	case HANDLER_TCP: break;
	}
	return err_refuse(err, ENOTSUP, "this kind of life-cycle hook is not supported");
}

struct hook *hook_cancel(struct hook *hook)
{
	if (!hook)
		return NULL;
	if (hook->running && hook->pod->shim)
		shim_exec_kill(hook->pod->shim, hook->exec);
	return hook_free(hook);
}
