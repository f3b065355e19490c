// SPDX-License-Identifier: Apache-2.0
/* Commands in containers over the control socket: a WebSocket with Kubernetes' channels. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"

#define EXEC_ARGS_MAX 256

struct exec_stream {
	struct exec_stream *next;
	struct agent *agent;
	struct node_pod *pod; /* NULL: it is gone */
	struct websocket *socket;
	uint32_t exec;
	bool ended;
	struct exec_input {
		int fd;
		sd_event_source *source;
		struct buffer
			waiting; /* what the command has not taken yet; reading pauses meanwhile */
		bool last;	 /* the client has closed it */
	} input;
	struct exec_output {
		struct exec_stream *stream;
		enum channel channel;
		int fd;
		sd_event_source *source;
	} outputs[2];
	json_t *status; /* how it ended; sent when the outputs are at their end */
};

static void exec_output_close(struct exec_output *output)
{
	output->source = source_free(output->source);
	close_fd(&output->fd);
}

static void exec_input_close(struct exec_input *input)
{
	input->source = source_free(input->source);
	close_fd(&input->fd);
	buffer_clear(&input->waiting);
}

static void exec_stream_free(struct exec_stream *stream)
{
	struct exec_stream **at = &stream->agent->exec_streams;

	while (*at && *at != stream)
		at = &(*at)->next;
	if (*at)
		*at = stream->next;
	if (!stream->ended && stream->pod)
		node_pod_exec_kill(stream->pod, stream->exec);
	exec_output_close(&stream->outputs[0]);
	exec_output_close(&stream->outputs[1]);
	exec_input_close(&stream->input);
	json_decref(stream->status);
	websocket_free(stream->socket);
	free(stream);
}

/* The status is the last thing said, behind all output. */
static void exec_finish(struct exec_stream *stream)
{
	AUTO_FREE char *text = NULL;

	if (!stream->ended || stream->outputs[0].fd >= 0 || stream->outputs[1].fd >= 0)
		return;
	text = stream->status ? json_text(stream->status) : NULL;
	if (text)
		websocket_send_channel(stream->socket, CHANNEL_ERROR, text, strlen(text));
	websocket_close(stream->socket, WEBSOCKET_NORMAL);
}

static int exec_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct exec_output *output = userdata;
	char chunk[16384];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		exec_output_close(output);
		exec_finish(output->stream);
		return 0;
	}
	if (websocket_send_channel(output->stream->socket, output->channel, chunk, (size_t)n) == 1)
		sd_event_source_set_enabled(source, SD_EVENT_OFF);
	return 0;
}

static void exec_drained(void *userdata)
{
	struct exec_stream *stream = userdata;

	for (int i = 0; i < 2; i++)
		if (stream->outputs[i].source)
			sd_event_source_set_enabled(stream->outputs[i].source, SD_EVENT_ON);
}

/* Gives the command what it takes; the client waits while something is left. */
static void exec_input_push(struct exec_stream *stream)
{
	struct exec_input *input = &stream->input;

	while (input->waiting.len) {
		ssize_t n = write(input->fd, buffer_head(&input->waiting), input->waiting.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			exec_input_close(input); /* it does not read: what comes is dropped */
			break;
		}
		if (n < 0)
			break;
		buffer_consume(&input->waiting, (size_t)n);
	}
	websocket_pause(stream->socket, input->waiting.len > 0);
	if (input->source)
		sd_event_source_set_enabled(
			input->source, input->waiting.len ? SD_EVENT_ON : SD_EVENT_OFF);
	if (input->last && !input->waiting.len)
		exec_input_close(input);
}

static int exec_input_writable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	(void)source;
	(void)fd;
	(void)revents;
	exec_input_push(userdata);
	return 0;
}

static void exec_message(void *userdata, const unsigned char *data, size_t len)
{
	struct exec_stream *stream = userdata;
	struct exec_input *input = &stream->input;

	if (len >= 2 && data[0] == CHANNEL_CLOSE && data[1] == CHANNEL_STDIN)
		input->last = true;
	else if (len < 2 || data[0] != CHANNEL_STDIN || input->last)
		return;
	else if (buffer_append(&input->waiting, data + 1, len - 1) < 0)
		input->last = true;
	if (input->fd >= 0)
		exec_input_push(stream);
}

static void exec_closed(void *userdata, unsigned code)
{
	(void)code;
	exec_stream_free(userdata);
}

static void exec_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	struct exec_stream *stream = userdata;
	int fds[2] = {out_fd, err_fd};

	stream->input.fd = in_fd;
	if (in_fd >= 0 && sd_event_add_io(stream->agent->loop, &stream->input.source, in_fd,
				  EPOLLOUT, exec_input_writable, stream) < 0)
		exec_input_close(&stream->input);
	if (stream->input.fd >= 0)
		exec_input_push(stream);
	for (int i = 0; i < 2; i++) {
		struct exec_output *output = &stream->outputs[i];

		output->fd = fds[i];
		if (output->fd >= 0 && sd_event_add_io(stream->agent->loop, &output->source,
					       output->fd, EPOLLIN, exec_readable, output) < 0)
			exec_output_close(output);
	}
}

/* How a command ended, as the kubelet says it on channel 3. */
static json_t *exec_status(int code, const char *reason)
{
	if (code == 0)
		return json_pack("{s:{}, s:s}", "metadata", "status", "Success");
	if (code < 0)
		return json_pack("{s:{}, s:s, s:s, s:o, s:i}", "metadata", "status", "Failure",
			"reason", "InternalError", "message", json_any_text(reason ? reason : ""),
			"code", 500);
	return json_pack("{s:{}, s:s, s:s, s:o, s:{s:[{s:s, s:o}]}}", "metadata", "status",
		"Failure", "reason", "NonZeroExitCode", "message",
		json_sprintf("command terminated with exit code %d", code), "details", "causes",
		"reason", "ExitCode", "message", json_sprintf("%d", code));
}

static void exec_ended(void *userdata, int code, const char *reason)
{
	struct exec_stream *stream = userdata;

	stream->ended = true;
	stream->status = exec_status(code, reason);
	exec_finish(stream);
}

static struct exec_stream *exec_stream_new(struct agent *agent, struct node_pod *pod)
{
	struct exec_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->agent = agent;
	stream->pod = pod;
	stream->input.fd = -1;
	for (int i = 0; i < 2; i++) {
		stream->outputs[i].stream = stream;
		stream->outputs[i].fd = -1;
		stream->outputs[i].channel = i ? CHANNEL_STDERR : CHANNEL_STDOUT;
	}
	return stream;
}

static void exec_begin(
	struct exec_stream *stream, size_t container, const char *const *argv, bool with_stdin)
{
	const struct shim_exec_events events = {
		.started = exec_started,
		.ended = exec_ended,
		.userdata = stream,
	};
	struct err err;
	int r = node_pod_exec(
		stream->pod, container, argv, with_stdin, &events, &stream->exec, &err);

	if (r < 0)
		exec_ended(stream, r, err.text);
}

/* Copies the command: the request is gone once it became a WebSocket. */
static char **exec_args(const struct http_exchange *exchange, size_t *ret_count)
{
	char **argv = calloc(EXEC_ARGS_MAX + 1, sizeof(*argv));
	const char *arg;
	size_t count = 0;

	while (argv && count < EXEC_ARGS_MAX &&
		(arg = http_exchange_query(exchange, "command", count)) &&
		(argv[count] = strdup(arg)))
		count++;
	*ret_count = count;
	return argv;
}

static void exec_args_free(char ***argv)
{
	for (char **arg = *argv; arg && *arg; arg++)
		free(*arg);
	free(*argv);
}

void control_exec(struct agent *agent, struct http_exchange *exchange)
{
	static const char *const protocols[] = {CHANNEL_PROTOCOL_V5, CHANNEL_PROTOCOL_V4, NULL};
	static const struct websocket_events events = {
		.message = exec_message, .drained = exec_drained, .closed = exec_closed};
	struct node_pod *pod = control_pod(agent, exchange);
	AUTO_CLEANUP(exec_args_free) char **argv = NULL;
	struct exec_stream *stream;
	size_t container, count;
	bool with_stdin;

	if (!pod || !control_container(pod, exchange, &container))
		return;
	with_stdin = control_query_is_true(exchange, "input");
	argv = exec_args(exchange, &count);
	if (count == 0 || count == EXEC_ARGS_MAX) {
		http_answer_failure(exchange, 400, "BadRequest", "command: want 1 to %d arguments",
			EXEC_ARGS_MAX - 1);
		return;
	}
	stream = exec_stream_new(agent, pod);
	if (!stream) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		return;
	}
	stream->ended = true; /* until there is something to kill */
	if (http_upgrade_websocket(exchange, protocols, &events, stream, &stream->socket) < 0) {
		exec_stream_free(stream);
		return;
	}
	stream->ended = false;
	stream->next = agent->exec_streams;
	agent->exec_streams = stream;
	exec_begin(stream, container, (const char *const *)argv, with_stdin);
}

void control_exec_gone(struct agent *agent, struct node_pod *pod)
{
	struct exec_stream *s, *next;

	for (s = agent->exec_streams; s; s = next) {
		next = s->next;
		if (s->pod != pod)
			continue;
		s->pod = NULL;
		if (s->ended)
			continue;
		/* Its shim is gone too: nobody else will say how the command ended. */
		exec_output_close(&s->outputs[0]);
		exec_output_close(&s->outputs[1]);
		exec_ended(s, -ENOENT, "the Pod is gone");
	}
}

void control_exec_end(struct agent *agent)
{
	while (agent->exec_streams)
		exec_stream_free(agent->exec_streams);
}
