// SPDX-License-Identifier: Apache-2.0
/* Commands in containers, for the control socket and the node's API. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/streams.h"

#define EXEC_ARGS_MAX 256
#define CHUNK	      (64u << 10)
#define INPUT_MOST    (4u << 20) /* what waits for a command; who sends on nevertheless is cut off */

struct exec_stream {
	struct exec_stream *next;
	struct agent *agent;
	struct node_pod *pod; /* NULL: it is gone */
	size_t container;
	char **argv; /* NULL: the container's own streams are attached to */
	struct streams_wish wish;
	struct winsize size; /* of the client's terminal; all zero: it has not said */
	struct streams *streams;
	uint32_t exec;
	bool running; /* there is something to kill */
	bool started; /* its descriptors are there */
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

static void exec_args_free(char ***argv)
{
	for (char **arg = *argv; arg && *arg; arg++)
		free(*arg);
	free(*argv);
}

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
	if (stream->running && stream->pod)
		node_pod_exec_kill(stream->pod, stream->exec);
	exec_output_close(&stream->outputs[0]);
	exec_output_close(&stream->outputs[1]);
	exec_input_close(&stream->input);
	json_decref(stream->status);
	exec_args_free(&stream->argv);
	streams_free(stream->streams);
	free(stream);
}

/* The status is the last thing said, behind all output. */
static void exec_finish(struct exec_stream *stream)
{
	if (stream->ended && stream->outputs[0].fd < 0 && stream->outputs[1].fd < 0)
		streams_finish(stream->streams, stream->status);
}

/* A terminal whose other end is closed says EIO. */
static int exec_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	static char chunk[CHUNK]; /* one loop, one thread */
	struct exec_output *output = userdata;
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		exec_output_close(output);
		exec_finish(output->stream);
		return 0;
	}
	if (streams_send(output->stream->streams, output->channel, chunk, (size_t)n) == 1)
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

static void exec_input_write(struct exec_input *input)
{
	while (input->waiting.len) {
		ssize_t n = write(input->fd, buffer_head(&input->waiting), input->waiting.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			exec_input_close(input); /* it does not read: what comes is dropped */
		if (n < 0)
			return;
		buffer_consume(&input->waiting, (size_t)n);
	}
}

/* Gives the command what it takes; the client waits while something is left. */
static void exec_input_push(struct exec_stream *stream)
{
	struct exec_input *input = &stream->input;

	if (input->fd >= 0)
		exec_input_write(input);
	streams_pause(stream->streams, input->waiting.len > 0);
	if (input->source)
		sd_event_source_set_enabled(
			input->source, input->waiting.len ? SD_EVENT_ON : SD_EVENT_OFF);
	if (input->last && input->fd >= 0 && !input->waiting.len)
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

/* A command's terminal is where its output comes from, a container's own where its input goes. */
static void exec_set_size(const struct exec_stream *stream)
{
	int fds[2] = {stream->outputs[0].fd, stream->input.fd};

	for (int i = 0; i < 2 && stream->size.ws_col; i++)
		if (fds[i] >= 0)
			ioctl(fds[i], TIOCSWINSZ, &stream->size);
}

/* {"Width":80,"Height":24} */
static void exec_resize(struct exec_stream *stream, const void *data, size_t len)
{
	AUTO_JSON json = json_loadb(data, len, JSON_DISABLE_EOF_CHECK, NULL);
	long long columns = json_integer_at(json, "Width", 0);
	long long rows = json_integer_at(json, "Height", 0);

	if (columns < 1 || columns > UINT16_MAX || rows < 1 || rows > UINT16_MAX)
		return;
	stream->size =
		(struct winsize){.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};
	exec_set_size(stream);
}

static void exec_data(void *userdata, enum channel channel, const void *data, size_t len)
{
	struct exec_stream *stream = userdata;
	struct exec_input *input = &stream->input;

	if (channel == CHANNEL_RESIZE) {
		exec_resize(stream, data, len);
		return;
	}
	if (input->last || (stream->ended && !stream->started) ||
		(stream->started && input->fd < 0))
		return;
	if (input->waiting.len + len > INPUT_MOST || buffer_append(&input->waiting, data, len) < 0)
		input->last = true;
	exec_input_push(stream);
}

static void exec_input_ended(void *userdata, enum channel channel)
{
	struct exec_stream *stream = userdata;

	(void)channel;
	stream->input.last = true;
	exec_input_push(stream);
}

static void exec_closed(void *userdata)
{
	exec_stream_free(userdata);
}

static void exec_started(void *userdata, int in_fd, int out_fd, int err_fd)
{
	struct exec_stream *stream = userdata;
	int fds[2] = {out_fd, err_fd};

	stream->started = true;
	stream->input.fd = in_fd;
	if (in_fd >= 0 && sd_event_add_io(stream->agent->loop, &stream->input.source, in_fd,
				  EPOLLOUT, exec_input_writable, stream) < 0)
		exec_input_close(&stream->input);
	for (int i = 0; i < 2; i++) {
		struct exec_output *output = &stream->outputs[i];

		output->fd = fds[i];
		if (output->fd >= 0 && sd_event_add_io(stream->agent->loop, &output->source,
					       output->fd, EPOLLIN, exec_readable, output) < 0)
			exec_output_close(output);
	}
	exec_set_size(stream);
	exec_input_push(stream);
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
		json_sprintf("command terminated with non-zero exit code: exit status %d", code),
		"details", "causes", "reason", "ExitCode", "message", json_sprintf("%d", code));
}

static void exec_ended(void *userdata, int code, const char *reason)
{
	struct exec_stream *stream = userdata;

	stream->running = false;
	stream->ended = true;
	stream->status = exec_status(code, reason);
	exec_finish(stream);
}

static void exec_ready(void *userdata)
{
	struct exec_stream *stream = userdata;
	const struct shim_exec_events events = {
		.started = exec_started,
		.ended = exec_ended,
		.userdata = stream,
	};
	const struct node_exec exec = {
		.argv = (const char *const *)stream->argv,
		.with_stdin = stream->wish.in,
		.tty = stream->wish.tty,
	};
	struct err err;
	int r = stream->pod ? node_pod_exec(stream->pod, stream->container, &exec, &events,
				      &stream->exec, &err)
			    : err_refuse(&err, ENOENT, "the Pod is gone");

	stream->running = r == 0;
	if (r < 0)
		exec_ended(stream, r, err.text);
}

/* --- the request --- */

/* Copies the command: the request is gone once it became a stream. */
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

static struct exec_stream *exec_stream_new(
	struct agent *agent, struct node_pod *pod, size_t container)
{
	struct exec_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return NULL;
	stream->agent = agent;
	stream->pod = pod;
	stream->container = container;
	stream->input.fd = -1;
	for (int i = 0; i < 2; i++) {
		stream->outputs[i].stream = stream;
		stream->outputs[i].fd = -1;
		stream->outputs[i].channel = i ? CHANNEL_STDERR : CHANNEL_STDOUT;
	}
	stream->next = agent->exec_streams;
	agent->exec_streams = stream;
	return stream;
}

struct streams_wish control_wish(const struct http_exchange *exchange)
{
	return (struct streams_wish){
		.in = control_query_is_true(exchange, "input"),
		.out = control_query_is_true(exchange, "output"),
		.err = control_query_is_true(exchange, "error"),
		.tty = control_query_is_true(exchange, "tty"),
	};
}

static const struct streams_events stream_events = {
	.ready = exec_ready,
	.data = exec_data,
	.ended = exec_input_ended,
	.drained = exec_drained,
	.closed = exec_closed,
};

/* The Pod and container that the path names; NULL: it was answered why not. */
static struct exec_stream *exec_stream_of(struct agent *agent, struct http_exchange *exchange)
{
	struct node_pod *pod = control_pod(agent, exchange);
	struct exec_stream *stream;
	size_t container;

	if (!pod || !control_container(pod, exchange, &container))
		return NULL;
	stream = exec_stream_new(agent, pod, container);
	if (stream)
		stream->wish = control_wish(exchange);
	else
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
	return stream;
}

static void exec_stream_begin(struct exec_stream *stream, struct http_exchange *exchange)
{
	if (streams_upgrade(exchange, &stream->wish, &stream_events, stream, &stream->streams) < 0)
		exec_stream_free(stream);
}

void control_exec(struct agent *agent, struct http_exchange *exchange)
{
	struct exec_stream *stream = exec_stream_of(agent, exchange);
	size_t count;

	if (!stream)
		return;
	stream->argv = exec_args(exchange, &count);
	if (count == 0 || count == EXEC_ARGS_MAX) {
		http_answer_failure(exchange, 400, "BadRequest", "command: want 1 to %d arguments",
			EXEC_ARGS_MAX - 1);
		exec_stream_free(stream);
		return;
	}
	exec_stream_begin(stream, exchange);
}

void control_attach(struct agent *agent, struct http_exchange *exchange)
{
	struct exec_stream *stream = exec_stream_of(agent, exchange);

	if (stream)
		exec_stream_begin(stream, exchange);
}

void control_exec_gone(struct agent *agent, struct node_pod *pod)
{
	struct exec_stream *s, *next;

	for (s = agent->exec_streams; s; s = next) {
		next = s->next;
		if (s->pod != pod)
			continue;
		s->pod = NULL;
		if (!s->running)
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
