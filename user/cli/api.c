// SPDX-License-Identifier: Apache-2.0
#include "user/cli/api.h"

#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"

struct asking {
	sd_event *loop;
	unsigned status;
	struct buffer body;
	int result;
	char reason[200];
};

static void asking_head(void *userdata, unsigned status)
{
	struct asking *asking = userdata;

	asking->status = status;
}

static void asking_body(void *userdata, const char *data, size_t len)
{
	struct asking *asking = userdata;

	if (asking->body.len + len > API_MAX_ANSWER)
		asking->result = -EFBIG;
	else if (asking->result >= 0)
		asking->result = buffer_append(&asking->body, data, len);
}

static void asking_ended(void *userdata, int result, const char *reason)
{
	struct asking *asking = userdata;

	if (result < 0)
		asking->result = result;
	snprintf(asking->reason, sizeof(asking->reason), "%s",
		result < 0 ? reason : strerror(-asking->result));
	sd_event_exit(asking->loop, 0);
}

static int asking_judge(const struct asking *asking, json_t **ret)
{
	struct err err;

	if (asking->result < 0)
		return api_broken(asking->reason);
	if (asking->status < 200 || asking->status > 299)
		return api_refused(asking->status, &asking->body);
	if (json_parse(asking->body.len ? buffer_head(&asking->body) : "", asking->body.len,
		    "answer of podnetd", ret, &err) < 0)
		return api_broken(err.text);
	return 0;
}

static int asking_run(const char *socket, const char *method, const char *target,
	struct asking *ret, struct err *err)
{
	static const struct http_call_events events = {
		.head = asking_head, .body = asking_body, .ended = asking_ended};
	struct http_call_spec spec = {.socket_path = socket, .method = method, .target = target};
	struct http_call *call = NULL;
	int r = sd_event_new(&ret->loop);

	if (r < 0)
		return err_set(err, -r, "make the event loop");
	r = http_call_start(ret->loop, &spec, &events, ret, &call, err);
	if (r == 0 && (r = sd_event_loop(ret->loop)) < 0)
		ret->result = r;
	http_call_free(call);
	sd_event_unref(ret->loop);
	return r < 0 && !call ? r : 0;
}

int api_ask(const char *socket, const char *method, const char *target, json_t **ret)
{
	struct asking asking = {0};
	struct err err;
	int r = asking_run(socket, method, target, &asking, &err);

	r = r < 0 ? api_unreachable(socket, &err) : asking_judge(&asking, ret);
	buffer_clear(&asking.body);
	return r;
}

int api_try(const char *socket, const char *target, json_t **ret)
{
	struct asking asking = {0};
	int r = asking_run(socket, "GET", target, &asking, NULL);

	if (r == 0)
		r = asking.result;
	if (r == 0 && asking.status != 200)
		r = -ENOENT;
	if (r == 0)
		r = json_parse(asking.body.len ? buffer_head(&asking.body) : "", asking.body.len,
			"answer", ret, NULL);
	buffer_clear(&asking.body);
	return r;
}

int api_unreachable(const char *socket, const struct err *err)
{
	fprintf(stderr, "podnetctl: cannot reach podnetd at %s: %s\n", socket, strerror(err->code));
	return EXIT_FAILED;
}

int api_refused(unsigned status, const struct buffer *body)
{
	const char *text = body->len ? buffer_head(body) : "";
	AUTO_JSON json = json_loadb(text, body->len, 0, NULL);
	const char *message = json_string_at(json, "message", NULL);
	const char *reason = json_string_at(json, "reason", "");

	if (!message)
		fprintf(stderr, "Error from server: HTTP status %u: %.*s\n", status, (int)body->len,
			text);
	else if (reason[0])
		fprintf(stderr, "Error from server (%s): %s\n", reason, message);
	else
		fprintf(stderr, "Error from server: %s\n", message);
	return EXIT_FAILED;
}

int api_broken(const char *reason)
{
	fprintf(stderr, "podnetctl: podnetd's answer: %s\n", reason);
	return EXIT_FAILED;
}
