// SPDX-License-Identifier: Apache-2.0
/* Logs of containers over the control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/agent/state.h"
#include "user/base/cleanup.h"
#include "user/base/log.h"
#include "user/model/value.h"
#include "user/model/wiretime.h"
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

/* A number from @least on; *@ret stays as it is when it is not given.  False: it was answered why not. */
static bool query_number(
	struct http_exchange *exchange, const char *name, int64_t least, int64_t *ret)
{
	const char *value = http_exchange_query(exchange, name, 0);
	char *end;
	int64_t number;

	if (!value)
		return true;
	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end || errno || number < least) {
		http_answer_failure(exchange, 400, "BadRequest", "%s: '%s' is no number from %d on",
			name, value, (int)least);
		return false;
	}
	*ret = number;
	return true;
}

/* Microseconds since 1970; 0: from the beginning on. */
static bool query_since(struct http_exchange *exchange, int64_t *ret)
{
	const char *when = http_exchange_query(exchange, "sinceTime", 0);
	int64_t age = 0, seconds;
	int32_t nanoseconds;

	if (!query_number(exchange, "sinceSeconds", 1, &age))
		return false;
	if (when && !value_is_time(when)) {
		http_answer_failure(exchange, 400, "BadRequest",
			"sinceTime: '%s' is no time as in RFC 3339", when);
		return false;
	}
	if (when) {
		wiretime_parse(when, &seconds, &nanoseconds);
		*ret = seconds * (int64_t)USEC_PER_SEC + nanoseconds / 1000;
	} else if (age && age < INT32_MAX) {
		*ret = (int64_t)clock_wall() - age * (int64_t)USEC_PER_SEC;
	}
	return true;
}

static bool log_spec(struct http_exchange *exchange, const char *dir, struct logread_spec *ret)
{
	*ret = (struct logread_spec){
		.dir = dir,
		.previous = control_query_is_true(exchange, "previous"),
		.follow = control_query_is_true(exchange, "follow"),
		.times = control_query_is_true(exchange, "timestamps"),
		.tail = LOGREAD_ALL,
	};
	return query_number(exchange, "tailLines", 0, &ret->tail) &&
	       query_number(exchange, "limitBytes", 1, &ret->most) &&
	       query_since(exchange, &ret->since);
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
	if (!dir || !stream) {
		http_answer_failure(exchange, 500, "InternalError", "out of memory");
		free(stream);
		return;
	}
	if (!log_spec(exchange, dir, &spec)) {
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
