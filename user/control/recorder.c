// SPDX-License-Identifier: Apache-2.0
#include "user/control/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/fs.h"
#include "user/base/log.h"
#include "user/client/client.h"
#include "user/control/owned.h"
#include "user/control/requests.h"

#define NAME_MOST 200 /* of the object, in the name of its event */

struct recorder {
	struct client *client;
	json_t *counts; /* target -> how often it was told */
	struct note *notes;
};

/* One event on its way. */
struct note {
	struct note *next, **link;
	struct recorder *recorder;
	json_t *event;
	char *collection, *target;
	struct client_call *call;
};

int recorder_new(struct client *client, struct recorder **ret)
{
	struct recorder *recorder = calloc(1, sizeof(*recorder));

	if (!recorder)
		return -ENOMEM;
	recorder->client = client;
	recorder->counts = json_object();
	if (!recorder->counts) {
		free(recorder);
		return -ENOMEM;
	}
	*ret = recorder;
	return 0;
}

static void note_free(struct note *note)
{
	*note->link = note->next;
	if (note->next)
		note->next->link = note->link;
	client_cancel(note->call);
	json_decref(note->event);
	free(note->collection);
	free(note->target);
	free(note);
}

struct recorder *recorder_free(struct recorder *recorder)
{
	if (!recorder)
		return NULL;
	while (recorder->notes)
		note_free(recorder->notes);
	json_decref(recorder->counts);
	free(recorder);
	return NULL;
}

/* --- what it says --- */

static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211); /* FNV-1a */
	return (hash ^ 0xff) * UINT64_C(1099511628211);
}

/* The same event has the same name. */
static uint64_t event_hash(
	const char *component, const char *reason, const char *message, const json_t *about)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	hash = hash_text(hash, component);
	hash = hash_text(hash, reason);
	hash = hash_text(hash, message);
	hash = hash_text(hash, json_string_at(about, "kind", ""));
	hash = hash_text(hash, json_string_at(about, "name", ""));
	return hash_text(hash, json_string_at(about, "uid", ""));
}

json_t *event_new(const char *component, const char *type, const char *reason, const char *message,
	const json_t *about, const char *now)
{
	uint64_t hash = event_hash(component, reason, message, about);

	return json_pack(
		"{s:s, s:s, s:{s:o, s:s}, s:O, s:s, s:o, s:{s:s}, s:s, s:s, s:i, s:s, s:s}", "kind",
		"Event", "apiVersion", "v1", "metadata", "name",
		json_sprintf(
			"%.*s.%016" PRIx64, NAME_MOST, json_string_at(about, "name", ""), hash),
		"namespace", json_string_at(about, "namespace", "default"), "involvedObject", about,
		"reason", reason, "message", json_any_text(message), "source", "component",
		component, "firstTimestamp", now, "lastTimestamp", now, "count", 1, "type", type,
		"reportingComponent", component);
}

/* --- writing it --- */

static void note_create(struct note *note);

static void note_end(struct note *note, const struct client_answer *answer)
{
	const char *namespace = meta_text(note->event, "namespace");

	/* An event about what goes with its namespace is missed by nobody. */
	if (answer->status >= 300 && answer->status != 403 && answer->status != 404)
		log_warning("event '%s' in %s: %s, ignoring",
			json_string_at(note->event, "reason", ""), namespace, answer->message);
	note_free(note);
}

static void note_counted(void *userdata, const struct client_answer *answer)
{
	struct note *note = userdata;

	note->call = NULL;
	if (answer->status == 404)
		note_create(note); /* it was too old and has gone */
	else
		note_end(note, answer);
}

static void note_count(struct note *note, long long count)
{
	AUTO_JSON patch = json_pack("{s:I, s:O}", "count", (json_int_t)count, "lastTimestamp",
		json_object_get(note->event, "lastTimestamp"));
	struct client_request request = {.method = "PATCH",
		.target = note->target,
		.content_type = CLIENT_MERGE_PATCH,
		.body = patch};

	if (!patch ||
		client_send(note->recorder->client, &request, note_counted, note, &note->call) < 0)
		note_free(note);
}

/* How often it was told before this process began. */
static void note_found(void *userdata, const struct client_answer *answer)
{
	struct note *note = userdata;
	long long count = json_integer_at(answer->body, "count", 0) + 1;

	note->call = NULL;
	if (answer->status != 200) {
		note_end(note, answer);
		return;
	}
	json_object_set_new(note->recorder->counts, note->target, json_integer(count));
	note_count(note, count);
}

static void note_created(void *userdata, const struct client_answer *answer)
{
	struct note *note = userdata;
	struct client_request request = {.method = "GET", .target = note->target};

	note->call = NULL;
	if (answer->status != 409) {
		note_end(note, answer);
		return;
	}
	if (client_send(note->recorder->client, &request, note_found, note, &note->call) < 0)
		note_free(note);
}

static void note_create(struct note *note)
{
	struct client_request request = {
		.method = "POST", .target = note->collection, .body = note->event};

	json_object_set_new(note->recorder->counts, note->target, json_integer(1));
	if (client_send(note->recorder->client, &request, note_created, note, &note->call) < 0)
		note_free(note);
}

static struct note *note_new(struct recorder *recorder, json_t *event)
{
	const char *namespace = meta_text(event, "namespace");
	struct note *note = calloc(1, sizeof(*note));

	if (!note)
		return NULL;
	*note = (struct note){.next = recorder->notes,
		.link = &recorder->notes,
		.recorder = recorder,
		.event = json_incref(event),
		.collection = request_target("", "v1", namespace, "events", NULL, NULL),
		.target = request_target(
			"", "v1", namespace, "events", meta_text(event, "name"), NULL)};
	if (note->next)
		note->next->link = &note->next;
	recorder->notes = note;
	if (!note->collection || !note->target) {
		note_free(note);
		return NULL;
	}
	return note;
}

static void recorder_write(struct recorder *recorder, json_t *event)
{
	struct note *note = note_new(recorder, event);
	long long count;

	if (!note)
		return;
	if (json_object_size(recorder->counts) >= RECORDER_EVENTS_MOST)
		json_object_clear(recorder->counts);
	count = json_integer_at(recorder->counts, note->target, 0) + 1;
	if (count == 1) {
		note_create(note);
		return;
	}
	json_object_set_new(recorder->counts, note->target, json_integer(count));
	note_count(note, count);
}

static void recorder_say(struct recorder *recorder, const char *component, const char *type,
	const char *reason, const char *message, const json_t *about)
{
	char now[CLOCK_RFC3339_LEN];
	AUTO_JSON event = NULL;

	clock_rfc3339(clock_wall(), now);
	event = event_new(component, type, reason, message, about, now);
	if (event)
		recorder_write(recorder, event);
	else
		log_warning("no memory for event '%s', ignoring", reason);
}

void recorder_done(struct recorder *recorder, const char *component,
	const struct request_event *event, const json_t *object)
{
	AUTO_FREE char *message = NULL;

	if (!event->reason)
		return;
	message = fs_format("%s%s", event->message, event->names ? meta_text(object, "name") : "");
	if (message)
		recorder_say(
			recorder, component, event->type, event->reason, message, event->about);
}

void recorder_failed(struct recorder *recorder, const char *component,
	const struct request_event *event, const char *why)
{
	AUTO_FREE char *message = event->failed ? fs_format("Error creating: %s", why) : NULL;

	if (message)
		recorder_say(recorder, component, "Warning", event->failed, message, event->about);
}
