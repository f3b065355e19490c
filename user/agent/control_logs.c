// SPDX-License-Identifier: Apache-2.0
/* Logs of containers over the control socket. */
#include <stdlib.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/node/logread.h"

bool control_query_is_true(const struct http_exchange *exchange, const char *name)
{
	const char *value = http_exchange_query(exchange, name, 0);

	return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

bool control_container(struct node_pod *pod, struct http_exchange *exchange, size_t *ret)
{
	const char *name =
		http_exchange_segment(exchange, http_exchange_segment_count(exchange) - 1);
	struct err err;

	if (node_pod_container(pod, strcmp(name, "-") == 0 ? NULL : name, ret, &err) == 0)
		return true;
	http_answer_failure(exchange, 400, "BadRequest", "%s", err.text);
	return false;
}

/* --- logs --- */

struct log_stream {
	struct log_stream *next;
	struct agent *agent;
	struct node_pod *pod; /* NULL: it is gone */
	size_t container;
	struct http_exchange *exchange;
	struct logread *reader;
};

static void log_stream_free(struct log_stream *stream)
{
	struct log_stream **at = &stream->agent->log_streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	logread_free(stream->reader);
	free(stream);
}

static int log_text(void *userdata, const char *text, size_t len)
{
	struct log_stream *stream = userdata;

	return http_stream_write(stream->exchange, text, len) == 0 ? 0 : 1;
}

static void log_ended(void *userdata, int result, const char *reason)
{
	struct log_stream *stream = userdata;

	if (result < 0) {
		log_warning("a log stream broke: %s", reason);
		http_stream_abort(stream->exchange);
	} else {
		http_stream_end(stream->exchange);
	}
	log_stream_free(stream);
}

static void log_drained(void *userdata)
{
	struct log_stream *stream = userdata;

	logread_resume(stream->reader);
}

static void log_gone(void *userdata)
{
	log_stream_free(userdata);
}

/* A follower ends with its container, unless that is going to be started again. */
static bool log_is_over(const struct log_stream *stream)
{
	if (!stream->pod)
		return true;
	return node_pod_observed(stream->pod)->containers[stream->container].phase !=
	       CONTAINER_RUNNING;
}

void control_follow(struct agent *agent, struct node_pod *pod)
{
	for (struct log_stream *s = agent->log_streams; s; s = s->next)
		if (s->pod == pod && log_is_over(s))
			logread_finish(s->reader);
}

static bool log_spec(
	const struct http_exchange *exchange, const char *dir, struct logread_spec *ret)
{
	const char *tail = http_exchange_query(exchange, "tailLines", 0);
	char *end;

	*ret = (struct logread_spec){
		.dir = dir,
		.previous = control_query_is_true(exchange, "previous"),
		.follow = control_query_is_true(exchange, "follow"),
		.tail = LOGREAD_ALL,
	};
	if (!tail)
		return true;
	ret->tail = strtoll(tail, &end, 10);
	return end != tail && *end == '\0' && ret->tail >= 0;
}

void control_logs(struct agent *agent, struct http_exchange *exchange)
{
	static const struct logread_events events = {.text = log_text, .ended = log_ended};
	struct node_pod *pod = control_pod(agent, exchange);
	AUTO_FREE char *dir = NULL;
	struct log_stream *stream;
	struct logread_spec spec;
	size_t container;
	struct err err;

	if (!pod || !control_container(pod, exchange, &container))
		return;
	dir = node_pod_log_dir(pod, container);
	stream = calloc(1, sizeof(*stream));
	if (!dir || !stream || !log_spec(exchange, dir, &spec)) {
		http_answer_failure(
			exchange, 400, "BadRequest", "tailLines: not a number of lines");
		free(stream);
		return;
	}
	*stream = (struct log_stream){.agent = agent,
		.pod = pod,
		.container = container,
		.exchange = exchange,
		.next = agent->log_streams};
	if (logread_open(agent->loop, &spec, &events, stream, &stream->reader, &err) < 0) {
		http_answer_failure(exchange, 400, "BadRequest",
			"%s container \"%s\" in pod \"%s\" %s",
			spec.previous ? "previous terminated" : "the",
			observed_container(node_pod_spec(pod), container)->name,
			node_pod_spec(pod)->meta.name,
			spec.previous ? "not found" : "has not started yet");
		free(stream);
		return;
	}
	agent->log_streams = stream;
	http_exchange_on_gone(exchange, log_gone, stream);
	http_stream_begin(exchange, 200, "text/plain", log_drained);
	if (spec.follow && log_is_over(stream))
		logread_finish(stream->reader);
}

void control_logs_gone(struct agent *agent, struct node_pod *pod)
{
	for (struct log_stream *s = agent->log_streams; s; s = s->next)
		if (s->pod == pod) {
			s->pod = NULL;
			logread_finish(s->reader);
		}
}
