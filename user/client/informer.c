// SPDX-License-Identifier: Apache-2.0
#include "user/client/informer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/fs.h"
#include "user/base/loop.h"
#include "user/client/client.h"

#define RETRY_FIRST   (100 * USEC_PER_MSEC)
#define RETRY_MOST    (10 * USEC_PER_SEC)
#define WATCH_SECONDS 290 /* the server ends it then; the next one goes on where it was */
#define WATCH_MOST    ((WATCH_SECONDS + 30) * USEC_PER_SEC) /* a server that has not is gone */
#define LIST_MOST     (60 * USEC_PER_SEC)

struct informer {
	struct client *client;
	char *path, *query;
	const struct informer_events *events;
	void *userdata;
	json_t *objects;
	char revision[24]; /* "": list first */
	bool synced, lost;
	uint64_t retry; /* the next wait */
	struct timer *timer;
	struct client_call *call;
};

static void informer_list(struct informer *informer);
static void informer_watch(struct informer *informer);

void informer_key(const json_t *object, char ret[INFORMER_KEY_MAX])
{
	const json_t *meta = json_object_get(object, "metadata");

	snprintf(ret, INFORMER_KEY_MAX, "%s/%s", json_string_at(meta, "namespace", ""),
		json_string_at(meta, "name", ""));
}

static void informer_note(struct informer *informer, const json_t *object)
{
	const char *revision =
		json_string_at(json_object_get(object, "metadata"), "resourceVersion", "");

	if (revision[0])
		snprintf(informer->revision, sizeof(informer->revision), "%s", revision);
}

static bool object_same(const json_t *a, const json_t *b)
{
	const json_t *meta_a = json_object_get(a, "metadata"),
		     *meta_b = json_object_get(b, "metadata");

	return strcmp(json_string_at(meta_a, "resourceVersion", ""),
		       json_string_at(meta_b, "resourceVersion", "-")) == 0;
}

static void informer_put(struct informer *informer, json_t *object)
{
	char key[INFORMER_KEY_MAX];
	AUTO_JSON old = NULL;

	informer_key(object, key);
	old = json_incref(json_object_get(informer->objects, key));
	if (old && object_same(old, object))
		return;
	if (informer->events->trim)
		informer->events->trim(informer->userdata, object);
	json_object_set(informer->objects, key, object);
	informer->events->changed(informer->userdata, object, old);
}

static void informer_remove(struct informer *informer, const char *key)
{
	AUTO_JSON old = json_incref(json_object_get(informer->objects, key));

	if (!old)
		return;
	json_object_del(informer->objects, key);
	informer->events->changed(informer->userdata, NULL, old);
}

/* --- ends and beginnings --- */

static void informer_again(void *userdata)
{
	struct informer *informer = userdata;

	informer->call = client_cancel(informer->call);
	if (informer->revision[0])
		informer_watch(informer);
	else
		informer_list(informer);
}

static void informer_wait(struct informer *informer, const char *message)
{
	if (!informer->lost && informer->events->lost)
		informer->events->lost(informer->userdata, message);
	informer->lost = true;
	timer_arm(informer->timer, clock_now() + informer->retry);
	informer->retry = informer->retry * 2 < RETRY_MOST ? informer->retry * 2 : RETRY_MOST;
}

/* Lists anew, once the call under way is back on the loop. */
static void informer_restart(struct informer *informer)
{
	informer->revision[0] = '\0';
	timer_arm(informer->timer, 0);
}

static void informer_found(struct informer *informer)
{
	if (informer->lost && informer->events->lost)
		informer->events->lost(informer->userdata, "");
	informer->lost = false;
	informer->retry = RETRY_FIRST;
}

static char *informer_target(const struct informer *informer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static char *informer_target(const struct informer *informer, const char *format, ...)
{
	char parameters[160];
	va_list ap;

	va_start(ap, format);
	vsnprintf(parameters, sizeof(parameters), format, ap);
	va_end(ap);
	return fs_format("%s?%s%s%s", informer->path, parameters, informer->query[0] ? "&" : "",
		informer->query);
}

/* --- list --- */

/* Items of a list have no apiVersion and kind of their own. */
static int list_complete(json_t *item, const json_t *list)
{
	const char *kind = json_string_at(list, "kind", "");
	size_t len = strlen(kind);

	if (json_object_get(item, "kind"))
		return 0;
	if (len > 4 && strcmp(kind + len - 4, "List") == 0)
		len -= 4;
	return json_object_set_new(item, "kind", json_stringn(kind, len)) |
	       json_object_set(item, "apiVersion", json_object_get(list, "apiVersion"));
}

static json_t *list_keys(const json_t *items)
{
	json_t *keys = json_object(), *item;
	char key[INFORMER_KEY_MAX];
	size_t i;

	json_array_foreach (items, i, item) {
		informer_key(item, key);
		json_object_set_new(keys, key, json_true());
	}
	return keys;
}

static void list_take(struct informer *informer, json_t *list)
{
	json_t *items = json_object_get(list, "items"), *item, *object;
	AUTO_JSON keys = list_keys(items);
	const char *key;
	void *next;
	size_t i;

	json_object_foreach_safe (informer->objects, next, key, object)
		if (!json_object_get(keys, key))
			informer_remove(informer, key);
	json_array_foreach (items, i, item) {
		list_complete(item, list);
		informer_put(informer, item);
	}
	informer_note(informer, list);
	if (informer->synced)
		return;
	informer->synced = true;
	if (informer->events->synced)
		informer->events->synced(informer->userdata);
}

static void list_done(void *userdata, const struct client_answer *answer)
{
	struct informer *informer = userdata;

	informer->call = NULL;
	if (answer->status != 200 || !json_is_array(json_object_get(answer->body, "items"))) {
		informer_wait(informer, answer->message);
		return;
	}
	informer_found(informer);
	list_take(informer, answer->body);
	informer_again(informer);
}

static void informer_list(struct informer *informer)
{
	AUTO_FREE char *target = informer_target(informer, "resourceVersion=");
	struct client_request request = {.method = "GET", .target = target};

	if (!target ||
		client_send(informer->client, &request, list_done, informer, &informer->call) < 0)
		informer_wait(informer, "out of memory");
	else
		timer_arm(informer->timer, clock_now() + LIST_MOST);
}

/* --- watch --- */

static void watch_event(struct informer *informer, json_t *event)
{
	const char *type = json_string_at(event, "type", "");
	json_t *object = json_object_get(event, "object");
	char key[INFORMER_KEY_MAX];

	if (strcmp(type, "ERROR") == 0) {
		informer_restart(informer); /* too old */
		return;
	}
	informer_note(informer, object);
	informer_key(object, key);
	if (strcmp(type, "ADDED") == 0 || strcmp(type, "MODIFIED") == 0)
		informer_put(informer, object);
	else if (strcmp(type, "DELETED") == 0)
		informer_remove(informer, key);
}

static void watch_line(void *userdata, const char *text, size_t len)
{
	struct informer *informer = userdata;
	AUTO_JSON event = NULL;

	informer_found(informer);
	/* What cannot be read would be missed: the next list makes up for it. */
	if (json_parse(text, len, "event", &event, NULL) < 0)
		informer_restart(informer);
	else if (informer->revision[0])
		watch_event(informer, event);
}

static void watch_done(void *userdata, const struct client_answer *answer)
{
	struct informer *informer = userdata;

	informer->call = NULL;
	/* 410: too old; 504: of a store that was replaced; a list is right after any other, too. */
	if (answer->status >= 400)
		informer->revision[0] = '\0';
	/* Not at once: a server that ends every watch would keep us busy. */
	if (answer->status == 200 || answer->status == 410)
		timer_arm(informer->timer, clock_now() + RETRY_FIRST);
	else
		informer_wait(informer, answer->message);
}

static void informer_watch(struct informer *informer)
{
	AUTO_FREE char *target = informer_target(informer,
		"watch=true&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s",
		WATCH_SECONDS, informer->revision);

	if (!target || client_follow(informer->client, target, watch_line, watch_done, informer,
			       &informer->call) < 0)
		informer_wait(informer, "out of memory");
	else
		timer_arm(informer->timer, clock_now() + WATCH_MOST);
}

/* --- life --- */

int informer_new(struct client *client, const char *path, const char *query,
	const struct informer_events *events, void *userdata, struct informer **ret)
{
	struct informer *informer = calloc(1, sizeof(*informer));

	if (!informer)
		return -ENOMEM;
	*informer = (struct informer){
		.client = client,
		.path = strdup(path),
		.query = strdup(query),
		.events = events,
		.userdata = userdata,
		.objects = json_object(),
		.retry = RETRY_FIRST,
	};
	if (!informer->path || !informer->query || !informer->objects ||
		timer_new(client_loop(client), informer_again, informer, &informer->timer, NULL) <
			0) {
		informer_free(informer);
		return -ENOMEM;
	}
	timer_arm(informer->timer, 0);
	*ret = informer;
	return 0;
}

struct informer *informer_free(struct informer *informer)
{
	if (!informer)
		return NULL;
	client_cancel(informer->call);
	timer_free(informer->timer);
	json_decref(informer->objects);
	free(informer->path);
	free(informer->query);
	free(informer);
	return NULL;
}

bool informer_is_synced(const struct informer *informer)
{
	return informer->synced;
}

uint64_t informer_revision(const struct informer *informer)
{
	return strtoull(informer->revision, NULL, 10);
}

const json_t *informer_get(const struct informer *informer, const char *namespace, const char *name)
{
	char key[INFORMER_KEY_MAX];

	snprintf(key, sizeof(key), "%s/%s", namespace, name);
	return json_object_get(informer->objects, key);
}

const json_t *informer_objects(const struct informer *informer)
{
	return informer->objects;
}
