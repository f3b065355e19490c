// SPDX-License-Identifier: Apache-2.0
#include "user/probe/http.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/reader.h"

#define CHUNK	    4096
#define MAX_INTERIM 5 /* 1xx answers before the real one */

struct http_probe {
	struct attempt *attempt;
	struct sockaddr_in address;
	struct probe_url url;
	const struct handler *handler;
	enum { HTTP_CONNECTING, HTTP_SENDING, HTTP_READING } state;
	struct buffer request;
	struct http_reader reader;
	size_t body_len;
	unsigned redirects, interim;
	attempt_done_fn done;
	void *userdata;
};

static void http_probe_ready(void *userdata);

static void http_probe_end(struct http_probe *probe, enum probe_result result, const char *message)
{
	attempt_end(probe->attempt);
	probe->done(probe->userdata, result, message);
}

static void http_probe_fail(struct http_probe *probe, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void http_probe_fail(struct http_probe *probe, const char *fmt, ...)
{
	char message[PROBE_MESSAGE_MAX], url[PROBE_MESSAGE_MAX / 2];
	va_list ap;
	int n;

	probe_url_text(&probe->url, url, sizeof(url));
	n = snprintf(message, sizeof(message), "Get \"%s\": ", url);
	va_start(ap, fmt);
	vsnprintf(message + n, sizeof(message) - (size_t)n, fmt, ap);
	va_end(ap);
	http_probe_end(probe, PROBE_FAILURE, message);
}

static int http_probe_body(void *userdata, const char *data, size_t len)
{
	struct http_probe *probe = userdata;

	(void)data;
	probe->body_len += len;
	return probe->body_len >= HTTP_PROBE_MAX_BODY;
}

static void http_probe_reset_reader(struct http_probe *probe)
{
	http_reader_clear(&probe->reader);
	http_reader_init(&probe->reader, HTTP_RESPONSE, HTTP_PROBE_MAX_HEADER, 0);
	probe->reader.body_chunk = http_probe_body;
	probe->reader.userdata = probe;
	probe->body_len = 0;
}

/* Sends what it can.  Returns 0, also when nothing could be sent yet, or what is wrong with the connection. */
static int http_probe_push(struct http_probe *probe)
{
	ssize_t n = send(
		probe->attempt->fd, buffer_head(&probe->request), probe->request.len, MSG_NOSIGNAL);

	if (n >= 0) {
		buffer_consume(&probe->request, (size_t)n);
		probe->state = probe->request.len > 0 ? HTTP_SENDING : HTTP_READING;
		return 0;
	}
	/* A server may answer and close before it has read everything. */
	if (errno == EPIPE || errno == ECONNRESET)
		probe->state = HTTP_READING;
	else if (errno != EAGAIN && errno != EINTR)
		return errno;
	return 0;
}

static int http_probe_watch(struct http_probe *probe, struct err *err)
{
	return attempt_watch(probe->attempt, probe->state == HTTP_READING ? EPOLLIN : EPOLLOUT,
		http_probe_ready, probe, err);
}

/*
 * Opens the connection for the current URL, whose host is always the target's.  To a neighbour a connection is
 * there when connect(2) returns, though it does not say so: what is sent at once need not wait for the loop.
 */
static int http_probe_connect(struct http_probe *probe, struct err *err)
{
	struct attempt *attempt = probe->attempt;
	int r;

	http_probe_reset_reader(probe);
	buffer_clear(&probe->request);
	r = probe_request(&probe->url, probe->handler, &probe->request);
	if (r < 0)
		return err_set(err, -r, "compose the probe's request");
	probe->address.sin_port = htons(probe->url.port);
	probe->state = HTTP_CONNECTING;
	r = attempt_connect(attempt, &probe->address, err);
	if (r < 0)
		return r;
	if (!attempt->error)
		attempt->error = http_probe_push(probe);
	return http_probe_watch(probe, err);
}

static void http_probe_follow(struct http_probe *probe, const struct probe_url *to)
{
	struct err err;

	attempt_end(probe->attempt);
	probe->url = *to;
	if (++probe->redirects >= HTTP_PROBE_REDIRECTS)
		http_probe_fail(probe, "stopped after %d redirects", HTTP_PROBE_REDIRECTS);
	else if (http_probe_connect(probe, &err) < 0)
		http_probe_end(probe, PROBE_UNKNOWN, err.text);
}

static bool status_redirects(unsigned status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* The answer is there: follow it, or judge it. */
static void http_probe_judge(struct http_probe *probe)
{
	unsigned status = probe->reader.parser.status_code;
	const char *location = http_reader_field(&probe->reader, "Location");
	char message[PROBE_MESSAGE_MAX];
	struct probe_url to;

	if (status < 200 || status >= 400) {
		snprintf(message, sizeof(message), "HTTP probe failed with statuscode: %u", status);
		http_probe_end(probe, PROBE_FAILURE, message);
		return;
	}
	if (!status_redirects(status) || !location || !location[0]) {
		http_probe_end(probe, PROBE_SUCCESS, "");
		return;
	}
	switch (probe_url_redirect(&probe->url, location, &to)) {
	case REDIRECT_FOLLOW: http_probe_follow(probe, &to); break;
	case REDIRECT_ELSEWHERE:
		snprintf(message, sizeof(message), "Probe terminated redirects, Location: %s",
			location);
		http_probe_end(probe, PROBE_SUCCESS, message);
		break;
	case REDIRECT_BROKEN:
		http_probe_fail(probe, "failed to parse Location header \"%.200s\"", location);
		break;
	}
}

static bool http_probe_is_interim(const struct http_probe *probe)
{
	unsigned status = probe->reader.parser.status_code;

	return status >= 100 && status < 200 && status != 101;
}

/* Returns whether the answer goes on; when not, the probe may be freed already. */
static bool http_probe_feed(struct http_probe *probe, const char *data, size_t len)
{
	struct err err;

	for (;;) {
		ssize_t used = http_reader_feed(&probe->reader, data, len, &err);

		if (used < 0 && len == 0 && !probe->reader.head_done) {
			http_probe_fail(probe, "EOF");
			return false;
		}
		if (used < 0) {
			http_probe_fail(probe, "%s", err.text);
			return false;
		}
		if (!probe->reader.done)
			return true;
		if (!http_probe_is_interim(probe))
			break;
		if (++probe->interim > MAX_INTERIM) {
			http_probe_fail(probe, "too many 1xx informational responses");
			return false;
		}
		http_probe_reset_reader(probe);
		data += used;
		len -= (size_t)used;
		if (len == 0)
			return true;
	}
	http_probe_judge(probe);
	return false;
}

/* 1: there may be more to read; 0: not yet; -1: the probe has ended, and may be freed already. */
static int http_probe_read(struct http_probe *probe)
{
	char chunk[CHUNK], text[64];
	ssize_t n = recv(probe->attempt->fd, chunk, sizeof(chunk), 0);

	if (n >= 0)
		return http_probe_feed(probe, chunk, (size_t)n) ? 1 : -1;
	if (errno == EAGAIN)
		return 0;
	if (errno == EINTR)
		return 1;
	http_probe_fail(probe, "read: %s", attempt_error_text(errno, text, sizeof(text)));
	return -1;
}

static void http_probe_send(struct http_probe *probe)
{
	int error = http_probe_push(probe);
	struct err err;
	char text[64];

	if (error)
		http_probe_fail(probe, "write: %s", attempt_error_text(error, text, sizeof(text)));
	else if (http_probe_watch(probe, &err) < 0)
		http_probe_end(probe, PROBE_UNKNOWN, err.text);
}

static void http_probe_connected(struct http_probe *probe)
{
	int error = attempt_result(probe->attempt);
	char address[ADDRESS_TEXT_MAX], text[64];

	if (!error) {
		probe->state = HTTP_SENDING;
		http_probe_send(probe);
		return;
	}
	address_text(&probe->address, address);
	http_probe_fail(probe, "dial tcp %s: connect: %s", address,
		attempt_error_text(error, text, sizeof(text)));
}

static void http_probe_ready(void *userdata)
{
	struct http_probe *probe = userdata;

	switch (probe->state) {
	case HTTP_CONNECTING: http_probe_connected(probe); break;
	case HTTP_SENDING: http_probe_send(probe); break;
	case HTTP_READING:
		while (http_probe_read(probe) > 0)
			;
		break;
	}
}

int http_probe_start(struct attempt *attempt, const struct sockaddr_in *address,
	const struct probe_url *url, const struct handler *handler, attempt_done_fn done,
	void *userdata, struct http_probe **ret, struct err *err)
{
	struct http_probe *probe = calloc(1, sizeof(*probe));
	int r;

	if (!probe)
		return err_set(err, ENOMEM, "start an HTTP probe");
	probe->attempt = attempt;
	probe->address = *address;
	probe->url = *url;
	probe->handler = handler;
	probe->done = done;
	probe->userdata = userdata;
	r = http_probe_connect(probe, err);
	if (r < 0) {
		http_probe_free(probe);
		return r;
	}
	*ret = probe;
	return 0;
}

void http_probe_look(struct http_probe *probe)
{
	int r = probe->state == HTTP_READING ? 1 : 0;
	struct err err;

	while (r > 0)
		r = http_probe_read(probe);
	if (r == 0 && attempt_release(probe->attempt, &err) < 0)
		http_probe_end(probe, PROBE_UNKNOWN, err.text);
}

void http_probe_expire(struct http_probe *probe)
{
	char address[ADDRESS_TEXT_MAX];

	address_text(&probe->address, address);
	if (probe->state == HTTP_CONNECTING)
		http_probe_fail(probe, "dial tcp %s: i/o timeout", address);
	else
		http_probe_fail(probe, "context deadline exceeded (Client.Timeout %s)",
			probe->reader.head_done ? "or context cancellation while reading body"
						: "exceeded while awaiting headers");
}

struct http_probe *http_probe_free(struct http_probe *probe)
{
	if (probe) {
		attempt_end(probe->attempt);
		buffer_clear(&probe->request);
		http_reader_clear(&probe->reader);
		free(probe);
	}
	return NULL;
}
