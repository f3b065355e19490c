// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/eventlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"

#define COMPONENT "kubelet"

/* Both objects keep the order in which keys came in. */
struct eventlog {
	const char *node;
	json_t *known;	 /* key -> {event, last, posted} */
	json_t *waiting; /* key -> true */
	json_t *taken;	 /* key of the one that is being written; NULL: none */
	json_int_t taken_count;
	uint64_t lost;
};

struct eventlog *eventlog_new(const char *node)
{
	struct eventlog *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->node = node;
	log->known = json_object();
	log->waiting = json_object();
	return log->known && log->waiting ? log : eventlog_free(log);
}

struct eventlog *eventlog_free(struct eventlog *log)
{
	if (!log)
		return NULL;
	json_decref(log->known);
	json_decref(log->waiting);
	json_decref(log->taken);
	free(log);
	return NULL;
}

static const char *first_key(const json_t *object)
{
	return json_object_iter_key(json_object_iter((json_t *)object));
}

/* Room for one more: the oldest that nobody waits for, else the oldest of those that wait. */
static void eventlog_trim(struct eventlog *log)
{
	AUTO_FREE char *oldest = NULL;
	const char *key;
	json_t *entry;

	if (json_object_size(log->waiting) >= EVENTLOG_WAITING_MOST) {
		oldest = strdup(first_key(log->waiting));
		log->lost++;
	} else if (json_object_size(log->known) >= EVENTLOG_KNOWN_MOST) {
		json_object_foreach (log->known, key, entry)
			if (!json_object_get(log->waiting, key)) {
				oldest = strdup(key);
				break;
			}
	}
	if (!oldest)
		return;
	json_object_del(log->waiting, oldest);
	json_object_del(log->known, oldest);
}

static json_t *event_new(const struct eventlog *log, const struct event *event, uint64_t wall)
{
	const char *namespace = event->namespace[0] ? event->namespace : "default";
	char now[CLOCK_RFC3339_LEN];
	json_t *object;

	clock_rfc3339(wall, now);
	object = json_pack("{s:s, s:s, s:{s:o, s:s}, s:{s:s, s:s, s:s, s:s, s:s*, s:s*}, s:s, s:o, "
			   "s:s, s:{s:s, s:s}, s:s, s:s, s:i, s:s, s:s}",
		"kind", "Event", "apiVersion", "v1", "metadata", "name",
		json_sprintf("%.220s.%llx", event->name, (unsigned long long)wall * 1000),
		"namespace", namespace, "involvedObject", "kind", event->kind, "apiVersion", "v1",
		"name", event->name, "uid", event->uid, "namespace",
		event->namespace[0] ? event->namespace : NULL, "fieldPath", event->field, "reason",
		event->reason, "message", json_any_text(event->message), "type",
		event->warning ? "Warning" : "Normal", "source", "component", COMPONENT, "host",
		log->node, "reportingComponent", COMPONENT, "reportingInstance", log->node, "count",
		1, "firstTimestamp", now, "lastTimestamp", now);
	return object;
}

/* Takes @object. */
static int eventlog_put(struct eventlog *log, const char *key, json_t *object, uint64_t wall)
{
	json_t *entry = json_pack(
		"{s:o, s:I, s:b}", "event", object, "last", (json_int_t)wall, "posted", 0);

	/* A key that is set anew would keep its old place. */
	json_object_del(log->known, key);
	return json_object_set_new(log->known, key, entry) < 0 ? -ENOMEM : 0;
}

static int event_repeat(json_t *entry, uint64_t wall)
{
	json_t *object = json_object_get(entry, "event");
	char now[CLOCK_RFC3339_LEN];

	clock_rfc3339(wall, now);
	return json_object_set_new(entry, "last", json_integer((json_int_t)wall)) |
	       json_object_set_new(object, "lastTimestamp", json_string(now)) |
	       json_object_set_new(
		       object, "count", json_integer(json_integer_at(object, "count", 0) + 1));
}

int eventlog_add(struct eventlog *log, const struct event *event, uint64_t wall)
{
	AUTO_FREE char *text = fs_format("%s/%s/%s/%s/%d/%s/%s", event->kind, event->uid,
		event->name, event->field ? event->field : "", event->warning, event->reason,
		event->message);
	AUTO_JSON key = text ? json_any_text(text) : NULL;
	json_t *entry;
	uint64_t last;
	int r;

	if (!key)
		return -ENOMEM;
	entry = json_object_get(log->known, json_string_value(key));
	last = (uint64_t)json_integer_at(entry, "last", 0);
	if (!entry)
		eventlog_trim(log);
	if (entry && wall < last + EVENTLOG_SAME)
		r = event_repeat(entry, wall);
	else
		r = eventlog_put(log, json_string_value(key), event_new(log, event, wall), wall);
	if (r == 0 && !json_object_get(log->waiting, json_string_value(key)))
		r = json_object_set_new(log->waiting, json_string_value(key), json_true());
	return r < 0 ? -ENOMEM : 0;
}

const json_t *eventlog_take(struct eventlog *log, bool *ret_posted)
{
	const char *key = first_key(log->waiting);
	const json_t *entry = key ? json_object_get(log->known, key) : NULL;
	const json_t *object = json_object_get(entry, "event");

	json_decref(log->taken);
	log->taken = key ? json_string(key) : NULL;
	log->taken_count = json_integer_at(object, "count", 0);
	*ret_posted = json_is_true(json_object_get(entry, "posted"));
	return object;
}

/* NULL: it was dropped meanwhile. */
static json_t *taken_entry(const struct eventlog *log)
{
	return log->taken ? json_object_get(log->known, json_string_value(log->taken)) : NULL;
}

void eventlog_written(struct eventlog *log)
{
	json_t *entry = taken_entry(log);

	if (!entry)
		return;
	json_object_set_new(entry, "posted", json_true());
	if (json_integer_at(json_object_get(entry, "event"), "count", 0) == log->taken_count)
		json_object_del(log->waiting, json_string_value(log->taken));
}

void eventlog_unposted(struct eventlog *log)
{
	json_t *entry = taken_entry(log);

	if (entry)
		json_object_set_new(entry, "posted", json_false());
}

void eventlog_drop(struct eventlog *log)
{
	if (!taken_entry(log))
		return;
	json_object_del(log->waiting, json_string_value(log->taken));
	json_object_del(log->known, json_string_value(log->taken));
}

uint64_t eventlog_lost(const struct eventlog *log)
{
	return log->lost;
}
