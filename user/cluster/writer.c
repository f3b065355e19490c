// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/base/loop.h"

struct writer {
	struct client *client;
	const struct writer_events *events;
	void *userdata;
	uint64_t pace;
	uint64_t wanted;     /* when to plan next; USEC_NEVER: not */
	uint64_t paced;	     /* no request before, whatever happens */
	uint64_t not_before; /* the same, or the wait after a failure */
	uint64_t deadline;   /* of the request under way */
	uint64_t retry;	     /* the next wait */
	bool told;	     /* the failure that lasts was logged */
	struct timer *timer;
	struct client_call *call;
	struct write write; /* under way */
};

char *writer_target(const char *group, const char *version, const char *namespace,
	const char *plural, const char *name, const char *sub)
{
	return fs_format("%s%s/%s%s%s/%s%s%s%s%s", group[0] ? "/apis/" : "/api", group, version,
		namespace ? "/namespaces/" : "", namespace ? namespace : "", plural,
		name ? "/" : "", name ? name : "", sub ? "/" : "", sub ? sub : "");
}

static void write_clear(struct write *write)
{
	free(write->target);
	json_decref(write->body);
	*write = (struct write){0};
}

static void writer_arm(struct writer *writer)
{
	uint64_t at = writer->wanted;

	if (writer->call)
		at = writer->deadline;
	else if (at < writer->not_before)
		at = writer->not_before;
	timer_arm(writer->timer, at);
}

void writer_look_at(struct writer *writer, uint64_t at)
{
	if (at < writer->wanted)
		writer->wanted = at;
	writer_arm(writer);
}

void writer_look(struct writer *writer)
{
	writer_look_at(writer, clock_now());
}

void writer_hurry(struct writer *writer)
{
	writer->retry = WRITER_RETRY_FIRST;
	writer->not_before = writer->paced;
	writer_arm(writer);
}

/* --- how a request ended --- */

static void writer_succeeded(struct writer *writer)
{
	writer->retry = WRITER_RETRY_FIRST;
	writer->told = false;
	writer->not_before = writer->paced = clock_now() + writer->pace;
	write_clear(&writer->write);
	writer_look(writer);
}

static void writer_failed(struct writer *writer, const char *reason)
{
	if (reason && !writer->told) {
		log_warning("%s %s: %s, trying again",
			writer->write.method ? writer->write.method : "write",
			writer->write.target ? writer->write.target : "", reason);
		writer->told = true;
	}
	writer->paced = clock_now() + writer->pace;
	writer->not_before = clock_now() + writer->retry;
	writer->retry =
		writer->retry * 2 < WRITER_RETRY_MOST ? writer->retry * 2 : WRITER_RETRY_MOST;
	write_clear(&writer->write);
	writer_look(writer);
}

static void writer_done(void *userdata, const struct client_answer *answer)
{
	struct writer *writer = userdata;
	enum written written;

	writer->call = NULL;
	if (answer->status == 0) {
		/* Whoever follows the server tells that it is away. */
		writer_failed(writer, NULL);
		return;
	}
	written = writer->events->done(writer->userdata, answer);
	if (written == WRITTEN)
		writer_succeeded(writer);
	else if (written == WRITTEN_LATER)
		writer_failed(writer, NULL);
	else
		writer_failed(writer, answer->message[0] ? answer->message : "no reason given");
}

/* --- turns --- */

static void writer_send(struct writer *writer)
{
	const struct client_request request = {
		.method = writer->write.method,
		.target = writer->write.target,
		.content_type = writer->write.content_type,
		.body = writer->write.body,
	};

	if (!request.target || !request.body ||
		client_send(writer->client, &request, writer_done, writer, &writer->call) < 0) {
		writer_failed(writer, "no memory");
		return;
	}
	writer->deadline = clock_now() + WRITER_DEADLINE;
	writer_arm(writer);
}

static void writer_turn(void *userdata)
{
	struct writer *writer = userdata;

	if (writer->call) {
		writer->call = client_cancel(writer->call);
		writer_failed(writer, "no answer in time");
		return;
	}
	writer->wanted = USEC_NEVER;
	if (writer->events->plan(writer->userdata, &writer->write))
		writer_send(writer);
	else
		writer_arm(writer);
}

int writer_new(struct client *client, uint64_t pace, const struct writer_events *events,
	void *userdata, struct writer **ret)
{
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	*writer = (struct writer){
		.client = client,
		.events = events,
		.userdata = userdata,
		.pace = pace,
		.wanted = USEC_NEVER,
		.retry = WRITER_RETRY_FIRST,
	};
	if (timer_new(client_loop(client), writer_turn, writer, &writer->timer, NULL) < 0) {
		free(writer);
		return -ENOMEM;
	}
	*ret = writer;
	return 0;
}

struct writer *writer_free(struct writer *writer)
{
	if (!writer)
		return NULL;
	client_cancel(writer->call);
	timer_free(writer->timer);
	write_clear(&writer->write);
	free(writer);
	return NULL;
}
