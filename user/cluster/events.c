// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "user/base/clock.h"
#include "user/base/err.h"
#include "user/base/log.h"
#include "user/cluster/writer.h"

#define PACE (10 * USEC_PER_MSEC)

struct events {
	struct eventlog *log;
	struct writer *writer;
	bool posted;   /* of the one under way */
	uint64_t lost; /* of those that were told */
};

static bool events_plan(void *userdata, struct write *ret)
{
	struct events *events = userdata;
	const json_t *event = eventlog_take(events->log, &events->posted);
	const json_t *meta = json_object_get(event, "metadata");
	const char *namespace = json_string_at(meta, "namespace", "");

	if (!event)
		return false;
	if (!events->posted) {
		*ret = (struct write){
			.method = "POST",
			.target = writer_target("", "v1", namespace, "events", NULL, NULL),
			.body = json_deep_copy(event),
		};
		return true;
	}
	*ret = (struct write){
		.method = "PATCH",
		.target = writer_target(
			"", "v1", namespace, "events", json_string_at(meta, "name", ""), NULL),
		.content_type = CLIENT_MERGE_PATCH,
		.body = json_pack("{s:O, s:O}", "count", json_object_get(event, "count"),
			"lastTimestamp", json_object_get(event, "lastTimestamp")),
	};
	return true;
}

static enum written events_done(void *userdata, const struct client_answer *answer)
{
	struct events *events = userdata;

	if (answer->status < 300) {
		eventlog_written(events->log);
		return WRITTEN;
	}
	if (answer->status == 429 || answer->status >= 500)
		return WRITTEN_FAILED;
	/* A count of what has run out begins anew; what is refused would be refused again. */
	if (events->posted && answer->status == 404) {
		eventlog_unposted(events->log);
	} else {
		log_warning("an event is not taken: %s, ignoring", answer->message);
		eventlog_drop(events->log);
	}
	return WRITTEN;
}

static const struct writer_events writer_events = {.plan = events_plan, .done = events_done};

int events_new(struct client *client, const char *node, struct events **ret, struct err *err)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		events->log = eventlog_new(node);
	if (!events || !events->log ||
		writer_new(client, PACE, &writer_events, events, &events->writer) < 0) {
		events_free(events);
		return err_set(err, ENOMEM, "prepare events");
	}
	*ret = events;
	return 0;
}

struct events *events_free(struct events *events)
{
	if (!events)
		return NULL;
	writer_free(events->writer);
	eventlog_free(events->log);
	free(events);
	return NULL;
}

void events_add(struct events *events, const struct event *event)
{
	if (eventlog_add(events->log, event, clock_wall()) < 0)
		log_warning("%s %s/%s: %s: no memory for an event, ignoring", event->kind,
			event->namespace, event->name, event->reason);
	if (events->lost == 0 && eventlog_lost(events->log) > 0) {
		events->lost = eventlog_lost(events->log);
		log_warning(
			"more than %d events wait, the oldest are dropped", EVENTLOG_WAITING_MOST);
	}
	writer_look(events->writer);
}

void events_hurry(struct events *events)
{
	writer_hurry(events->writer);
}
