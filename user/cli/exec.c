// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <sys/epoll.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"
#include "user/http/target.h"

#define CHUNK (32u << 10)

struct exec {
	sd_event *loop;
	sd_event_source *input;
	struct websocket *socket;
	unsigned status; /* HTTP, of an answer that is no upgrade */
	struct buffer refusal;
	bool ended; /* the command's status came */
	int exit_code;
};

static void exec_exit(struct exec *exec, int code)
{
	exec->exit_code = code;
	exec->input = source_free(exec->input);
	sd_event_exit(exec->loop, 0);
}

/* --- stdin --- */

static void exec_input_end(struct exec *exec)
{
	static const unsigned char in = CHANNEL_STDIN;

	exec->input = source_free(exec->input);
	/* v4 has no way to say it: the command then waits for more, as with kubectl. */
	if (strcmp(websocket_protocol(exec->socket), CHANNEL_PROTOCOL_V5) == 0)
		websocket_send_channel(exec->socket, CHANNEL_CLOSE, &in, 1);
}

static void exec_input(struct exec *exec)
{
	char chunk[CHUNK];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		exec_input_end(exec);
	else if (websocket_send_channel(exec->socket, CHANNEL_STDIN, chunk, (size_t)n) != 0)
		sd_event_source_set_enabled(exec->input, SD_EVENT_OFF);
}

static int exec_input_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	(void)source;
	(void)fd;
	(void)events;
	exec_input(userdata);
	return 0;
}

static int exec_input_turn(sd_event_source *source, void *userdata)
{
	(void)source;
	exec_input(userdata);
	return 0;
}

/* A regular file cannot be polled: it is always ready. */
static int exec_input_begin(struct exec *exec)
{
	int r = sd_event_add_io(
		exec->loop, &exec->input, STDIN_FILENO, EPOLLIN, exec_input_ready, exec);

	if (r != -EPERM)
		return r;
	r = sd_event_add_defer(exec->loop, &exec->input, exec_input_turn, exec);
	return r < 0 ? r : sd_event_source_set_enabled(exec->input, SD_EVENT_ON);
}

static void exec_drained(void *userdata)
{
	struct exec *exec = userdata;

	if (exec->input)
		sd_event_source_set_enabled(exec->input, SD_EVENT_ON);
}

/* --- output and end --- */

static void exec_output(struct exec *exec, int fd, const unsigned char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			perror("podnetctl: write");
			exec_exit(exec, EXIT_FAILED);
			return;
		}
		data += n;
		len -= (size_t)n;
	}
}

/* The command's exit code in a Status; -1 when it holds none. */
static int status_exit_code(const json_t *status)
{
	const json_t *cause,
		*causes = json_object_get(json_object_get(status, "details"), "causes");
	size_t i;

	json_array_foreach (causes, i, cause)
		if (strcmp(json_string_at(cause, "reason", ""), "ExitCode") == 0)
			return atoi(json_string_at(cause, "message", "-1"));
	return -1;
}

static void exec_status(struct exec *exec, const char *text, size_t len)
{
	AUTO_JSON status = json_loadb(text, len, 0, NULL);
	int code = status_exit_code(status);

	exec->ended = true;
	if (strcmp(json_string_at(status, "status", ""), "Success") == 0) {
		exec->exit_code = 0;
	} else if (code >= 0) {
		fprintf(stderr, "command terminated with exit code %d\n", code);
		exec->exit_code = code;
	} else {
		fprintf(stderr, "error: %s\n",
			json_string_at(status, "message", "the command could not be run"));
		exec->exit_code = EXIT_FAILED;
	}
	exec->input = source_free(exec->input);
	websocket_close(exec->socket, WEBSOCKET_NORMAL);
}

static void exec_message(void *userdata, const unsigned char *data, size_t len)
{
	struct exec *exec = userdata;

	if (len < 1)
		return;
	switch (data[0]) {
	case CHANNEL_STDOUT: exec_output(exec, STDOUT_FILENO, data + 1, len - 1); break;
	case CHANNEL_STDERR: exec_output(exec, STDERR_FILENO, data + 1, len - 1); break;
	case CHANNEL_ERROR: exec_status(exec, (const char *)data + 1, len - 1); break;
	default: break; /* later protocols may have more */
	}
}

static void exec_closed(void *userdata, unsigned code)
{
	struct exec *exec = userdata;

	(void)code;
	exec_exit(exec, exec->ended ? exec->exit_code
				    : api_broken("the connection ended before the command did"));
}

static void exec_upgraded(void *userdata, struct websocket *socket)
{
	struct exec *exec = userdata;
	int r;

	exec->socket = socket;
	r = exec_input_begin(exec);
	if (r < 0) {
		fprintf(stderr, "podnetctl: watch stdin: %s\n", strerror(-r));
		exec_exit(exec, EXIT_FAILED);
	}
}

static void exec_head(void *userdata, unsigned status)
{
	struct exec *exec = userdata;

	exec->status = status;
}

static void exec_body(void *userdata, const char *data, size_t len)
{
	struct exec *exec = userdata;

	if (exec->refusal.len + len > API_MAX_ANSWER ||
		buffer_append(&exec->refusal, data, len) < 0)
		exec_exit(exec, api_broken("out of memory"));
}

static void exec_ended(void *userdata, int result, const char *reason)
{
	struct exec *exec = userdata;

	exec_exit(
		exec, result < 0 ? api_broken(reason) : api_refused(exec->status, &exec->refusal));
}

static int exec_target(const struct cli_options *options, struct buffer *ret)
{
	AUTO_FREE char *namespace = http_escape(options->namespace);
	AUTO_FREE char *pod = http_escape(options->name);
	AUTO_FREE char *container = http_escape(options->container ? options->container : "-");
	int r;

	if (!namespace || !pod || !container)
		return -ENOMEM;
	r = buffer_printf(
		ret, "/exec/%s/%s/%s?input=1&output=1&error=1", namespace, pod, container);
	for (const char *const *arg = options->argv; r >= 0 && *arg; arg++) {
		AUTO_FREE char *escaped = http_escape(*arg);

		r = escaped ? buffer_printf(ret, "&command=%s", escaped) : -ENOMEM;
	}
	return r < 0 ? r : buffer_append(ret, "", 1);
}

static void exec_run(
	struct exec *exec, const struct cli_options *options, const struct http_call_spec *spec)
{
	static const struct http_call_events events = {.head = exec_head,
		.body = exec_body,
		.upgraded = exec_upgraded,
		.ended = exec_ended};
	struct http_call *call = NULL;
	struct err err;

	if (http_call_start(exec->loop, spec, &events, exec, &call, &err) < 0)
		exec->exit_code = api_unreachable(options->socket, &err);
	else if (sd_event_loop(exec->loop) < 0)
		exec->exit_code = api_broken("the event loop failed");
	source_free(exec->input);
	http_call_free(call);
	websocket_free(exec->socket);
}

int command_exec(const struct cli_options *options)
{
	static const char *const protocols[] = {CHANNEL_PROTOCOL_V5, CHANNEL_PROTOCOL_V4, NULL};
	static const struct websocket_events socket_events = {
		.message = exec_message, .drained = exec_drained, .closed = exec_closed};
	AUTO_BUFFER target = {0};
	struct exec exec = {0};
	struct http_call_spec spec = {
		.socket_path = options->socket,
		.method = "GET",
		.protocols = protocols,
		.websocket_events = &socket_events,
		.websocket_userdata = &exec,
	};

	if (exec_target(options, &target) < 0 || sd_event_new(&exec.loop) < 0)
		return api_broken("out of memory");
	spec.target = buffer_head(&target);
	exec_run(&exec, options, &spec);
	sd_event_unref(exec.loop);
	buffer_clear(&exec.refusal);
	return exec.exit_code;
}
