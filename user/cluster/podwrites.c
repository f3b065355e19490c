// SPDX-License-Identifier: Apache-2.0
#include "user/cluster/podwrites.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/log.h"

#define GATHER (20 * USEC_PER_MSEC) /* what changes together is told together */

struct podwrite {
	struct podwrites *writes;
	struct podwrite *next;
	char *key;
	struct writer *writer;
	enum podplan plan; /* under way */
	json_t *sending, *sent;
	char sent_revision[24];
	bool over; /* neither here nor there */
};

struct podwrites {
	struct client *client;
	const struct podwrites_events *events;
	void *userdata;
	struct podwrite *first;
};

static void podwrite_free(struct podwrite *write)
{
	writer_free(write->writer);
	json_decref(write->sending);
	json_decref(write->sent);
	free(write->key);
	free(write);
}

static bool podwrite_plan(void *userdata, struct write *ret)
{
	struct podwrite *write = userdata;
	struct podwrites *writes = write->writes;
	struct podplan_input input = {.sent = write->sent, .sent_revision = write->sent_revision};
	char now[CLOCK_RFC3339_LEN];
	AUTO_JSON local = NULL;

	writes->events->look(writes->userdata, write->key, &input, &local);
	clock_rfc3339(clock_wall(), now);
	input.now = now;
	write->over = !input.object && !input.mirrored;
	write->plan = podplan(&input, ret);
	json_decref(write->sending);
	write->sending = write->plan == PODPLAN_STATUS
				 ? json_incref(json_object_get(ret->body, "status"))
				 : NULL;
	return write->plan != PODPLAN_NOTHING;
}

static void status_taken(struct podwrite *write, const json_t *answer)
{
	json_decref(write->sent);
	write->sent = take_ptr(write->sending);
	snprintf(write->sent_revision, sizeof(write->sent_revision), "%s",
		json_string_at(json_object_get(answer, "metadata"), "resourceVersion", ""));
}

/* What was written is seen before the next plan, or looked at again later. */
static enum written podwrite_done(void *userdata, const struct client_answer *answer)
{
	struct podwrite *write = userdata;

	if (answer->status < 300 && write->plan == PODPLAN_STATUS)
		status_taken(write, answer->body);
	/* 409: somebody else was faster; 404: it has gone. */
	if (answer->status < 300 || answer->status == 409 ||
		(answer->status == 404 && write->plan != PODPLAN_MIRROR))
		return WRITTEN_LATER;
	return WRITTEN_FAILED;
}

static const struct writer_events writer_events = {.plan = podwrite_plan, .done = podwrite_done};

static void podwrites_sweep(struct podwrites *writes)
{
	struct podwrite **at = &writes->first;

	while (*at) {
		struct podwrite *write = *at;

		if (!write->over) {
			at = &write->next;
			continue;
		}
		*at = write->next;
		podwrite_free(write);
	}
}

static struct podwrite *podwrites_get(struct podwrites *writes, const char *key)
{
	struct podwrite *write = writes->first;

	while (write && strcmp(write->key, key) != 0)
		write = write->next;
	if (write)
		return write;
	write = calloc(1, sizeof(*write));
	if (!write)
		return NULL;
	write->writes = writes;
	write->key = strdup(key);
	if (!write->key ||
		writer_new(writes->client, GATHER, &writer_events, write, &write->writer) < 0) {
		podwrite_free(write);
		return NULL;
	}
	write->next = writes->first;
	writes->first = write;
	return write;
}

void podwrites_look(struct podwrites *writes, const char *key)
{
	struct podwrite *write = podwrites_get(writes, key);

	if (!write) {
		log_warning("pod %s: no memory to tell the API server, it waits for its next "
			    "change",
			key);
		return;
	}
	write->over = false;
	podwrites_sweep(writes);
	writer_look_at(write->writer, clock_now() + GATHER);
}

void podwrites_hurry(struct podwrites *writes, const char *key)
{
	struct podwrite *write = podwrites_get(writes, key);

	if (write)
		writer_hurry(write->writer);
	podwrites_look(writes, key);
}

void podwrites_hurry_all(struct podwrites *writes)
{
	for (struct podwrite *write = writes->first; write; write = write->next) {
		writer_hurry(write->writer);
		writer_look(write->writer);
	}
}

int podwrites_new(struct client *client, const struct podwrites_events *events, void *userdata,
	struct podwrites **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	(*ret)->client = client;
	(*ret)->events = events;
	(*ret)->userdata = userdata;
	return 0;
}

struct podwrites *podwrites_free(struct podwrites *writes)
{
	if (!writes)
		return NULL;
	while (writes->first) {
		struct podwrite *write = writes->first;

		writes->first = write->next;
		podwrite_free(write);
	}
	free(writes);
	return NULL;
}
