// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/cli/api.h"
#include "user/cli/commands.h"
#include "user/cli/options.h"
#include "user/http/target.h"

struct logs {
	sd_event *loop;
	unsigned status;
	struct buffer refusal;
	int exit_code;
};

static void logs_head(void *userdata, unsigned status)
{
	struct logs *logs = userdata;

	logs->status = status;
}

static void logs_text(struct logs *logs, const char *data, size_t len)
{
	/* Who follows wants to see each line now. */
	if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0)
		return;
	perror("podnetctl: write");
	logs->exit_code = EXIT_FAILED;
	sd_event_exit(logs->loop, 0);
}

static void logs_body(void *userdata, const char *data, size_t len)
{
	struct logs *logs = userdata;

	if (logs->status == 200)
		logs_text(logs, data, len);
	else if (logs->refusal.len + len > API_MAX_ANSWER ||
		 buffer_append(&logs->refusal, data, len) < 0)
		sd_event_exit(logs->loop, 0); /* the status alone must do */
}

static void logs_ended(void *userdata, int result, const char *reason)
{
	struct logs *logs = userdata;

	if (result < 0)
		logs->exit_code = api_broken(reason);
	else if (logs->status != 200)
		logs->exit_code = api_refused(logs->status, &logs->refusal);
	sd_event_exit(logs->loop, 0);
}

static int logs_target(const struct cli_options *options, struct buffer *ret)
{
	AUTO_FREE char *namespace = http_escape(options->namespace);
	AUTO_FREE char *pod = http_escape(options->name);
	AUTO_FREE char *container = http_escape(options->container ? options->container : "-");
	int r;

	if (!namespace || !pod || !container)
		return -ENOMEM;
	r = buffer_printf(ret, "/containerLogs/%s/%s/%s?follow=%s&previous=%s", namespace, pod,
		container, options->follow ? "true" : "false",
		options->previous ? "true" : "false");
	if (r >= 0 && options->tail >= 0)
		r = buffer_printf(ret, "&tailLines=%lld", (long long)options->tail);
	return r < 0 ? r : buffer_append(ret, "", 1);
}

int command_logs(const struct cli_options *options)
{
	static const struct http_call_events events = {
		.head = logs_head, .body = logs_body, .ended = logs_ended};
	AUTO_BUFFER target = {0};
	struct http_call_spec spec = {.socket_path = options->socket, .method = "GET"};
	struct http_call *call = NULL;
	struct logs logs = {0};
	struct err err;

	if (logs_target(options, &target) < 0 || sd_event_new(&logs.loop) < 0)
		return api_broken("out of memory");
	spec.target = buffer_head(&target);
	if (http_call_start(logs.loop, &spec, &events, &logs, &call, &err) < 0)
		logs.exit_code = api_unreachable(options->socket, &err);
	else if (sd_event_loop(logs.loop) < 0)
		logs.exit_code = api_broken("the event loop failed");
	http_call_free(call);
	sd_event_unref(logs.loop);
	buffer_clear(&logs.refusal);
	return logs.exit_code;
}
