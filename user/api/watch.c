// SPDX-License-Identifier: Apache-2.0
/*
 * A watcher is a cursor in the store's log and a filter.  Nothing is queued for it but what its connection
 * takes: who reads too slowly finds the log gone on, is told so (410) and lists anew.
 */
#include "user/api/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/filter.h"
#include "user/api/page.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/watchform.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/http/buffer.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define BOOKMARK_EVERY	(60 * USEC_PER_SEC)
#define TIMEOUT_DEFAULT (1800 * USEC_PER_SEC)
#define TURN_BYTES	(256u << 10) /* of a watcher; then others have their turn */
#define TURN_WATCHERS	32	     /* then requests have theirs */
/* Changes that follow so soon upon others are told together. */
#define TELL_EVERY (5 * USEC_PER_MSEC)

/* What was read is kept for those who may ask again so soon. */
#define FORGET_AFTER USEC_PER_SEC

struct watcher {
	struct api *api;
	struct watcher *next, **link;
	struct http_exchange *exchange; /* NULL: gone */
	struct filter *filter;
	struct watchform form;
	struct store_watch *watch;
	struct index initial; /* what there was at the start, and is still to be sent */
	size_t initial_at;
	uint64_t initial_revision;
	bool tell_initial_end, bookmarks;
	bool full; /* the connection has enough: it wakes us, not the store */
	struct watcher *ready_next, **ready_link; /* NULL: not in the queue */
	struct timer *timer;			  /* for the next bookmark, or the end */
	uint64_t until, next_bookmark;
};

static void watcher_leave_queue(struct watcher *watcher)
{
	if (!watcher->ready_link)
		return;
	*watcher->ready_link = watcher->ready_next;
	if (watcher->ready_next)
		watcher->ready_next->ready_link = watcher->ready_link;
	else
		watcher->api->ready.end = watcher->ready_link;
	watcher->ready_link = NULL;
}

static void watcher_free(struct watcher *watcher)
{
	watcher_leave_queue(watcher);
	*watcher->link = watcher->next;
	if (watcher->next)
		watcher->next->link = watcher->link;
	watcher->api->watcher_count--;
	store_watch_free(watcher->watch);
	filter_free(watcher->filter);
	index_clear(&watcher->initial);
	timer_free(watcher->timer);
	free(watcher);
}

void watchers_free(struct api *api)
{
	while (api->watchers)
		watcher_free(api->watchers);
	api->ready.timer = timer_free(api->ready.timer);
	api->ready.memo = memo_free(api->ready.memo);
}

static void watcher_gone(void *userdata)
{
	watcher_free(userdata);
}

/* The last thing that is done with a watcher. */
static void watcher_end(struct watcher *watcher)
{
	http_stream_end(watcher->exchange);
	watcher_free(watcher);
}

static void watcher_wake(void *userdata)
{
	struct watcher *watcher = userdata;
	struct watch_queue *ready = &watcher->api->ready;

	if (watcher->full || watcher->ready_link)
		return;
	if (!ready->first)
		timer_arm(ready->timer, ready->due);
	watcher->ready_next = NULL;
	watcher->ready_link = ready->end;
	*ready->end = watcher;
	ready->end = &watcher->ready_next;
}

/* --- events --- */

/* What others have read is looked at as it is; else the bytes may tell that nobody has to. */
static int blob_matches(struct watcher *watcher, struct blob *blob, uint64_t revision, bool *ret)
{
	const struct watchform *form = &watcher->form;
	const struct memo_key key = {blob, revision, form->kind, form->version};
	AUTO_JSON object = NULL;
	int r = 0;

	*ret = blob != NULL;
	if (!blob || filter_is_empty(watcher->filter))
		return 0;
	object = memo_find(form->memo, &key);
	if (!object) {
		*ret = filter_may_match(watcher->filter, blob);
		if (!*ret)
			return 0;
		r = memo_read(form->memo, &key, &object);
	}
	if (r == 0)
		*ret = filter_matches(watcher->filter, object);
	return r;
}

/* Entering a selector is ADDED, leaving it DELETED with the last state that was in it. */
static int event_write(struct watcher *watcher, const struct store_event *event, struct buffer *out)
{
	bool before, after = false;
	int r = blob_matches(watcher, event->previous, event->previous_modified, &before);

	if (r == 0)
		r = blob_matches(watcher, event->value, event->revision, &after);
	if (r < 0 || (!before && !after))
		return r;
	return watchform_change(&watcher->form,
		!after	  ? "DELETED"
		: !before ? "ADDED"
			  : "MODIFIED",
		after ? event->value : event->previous, event->revision, out);
}

static int initial_write(struct watcher *watcher, struct buffer *out)
{
	const struct store_entry *entry = watcher->initial.entries[watcher->initial_at++];
	bool matches;
	int r = blob_matches(watcher, entry->value, entry->modified, &matches);

	if (r == 0 && matches)
		r = watchform_change(&watcher->form, "ADDED", entry->value, entry->modified, out);
	if (watcher->initial_at == watcher->initial.count) {
		index_clear(&watcher->initial);
		watcher->initial_at = 0;
	}
	return r;
}

static int stale_write(struct watcher *watcher, uint64_t revision, struct buffer *out)
{
	struct failure failure;

	page_too_old(revision, store_compacted(watcher->api->store), &failure);
	return watchform_failure(&watcher->form, &failure, out);
}

/* --- the stream --- */

/* Puts what is next into @out.  1: there may be more; 0: there is none; -ESTALE: the end; -ENOMEM. */
static int watcher_next(struct watcher *watcher, struct buffer *out)
{
	const struct store_event *event;
	bool stale;
	int r;

	if (watcher->initial_at < watcher->initial.count) {
		r = initial_write(watcher, out);
		return r < 0 ? r : 1;
	}
	if (watcher->tell_initial_end) {
		watcher->tell_initial_end = false;
		r = watchform_bookmark(&watcher->form, watcher->initial_revision, true, out);
		return r < 0 ? r : 1;
	}
	event = store_watch_next(watcher->watch, &stale);
	if (stale) {
		r = stale_write(watcher, store_watch_revision(watcher->watch), out);
		return r < 0 ? r : -ESTALE;
	}
	if (!event)
		return 0;
	r = event_write(watcher, event, out);
	return r < 0 ? r : 1;
}

/* Sends what there is, until the connection or the turn is full. */
static void watcher_turn(struct watcher *watcher)
{
	AUTO_BUFFER out = {0};
	int r, full = 0;

	do
		r = watcher_next(watcher, &out);
	while (r > 0 && out.len < TURN_BYTES);
	if (out.len)
		full = http_stream_send(watcher->exchange, buffer_head(&out), out.len);
	watcher->full = full > 0;
	if (full < 0 || (r < 0 && r != -ESTALE)) {
		struct http_exchange *exchange = watcher->exchange;

		watcher_free(watcher);
		http_stream_abort(exchange);
	} else if (r == -ESTALE) {
		watcher_end(watcher);
	} else if (r > 0 && !full) {
		watcher_wake(watcher);
	} /* else the store or the connection wakes us */
}

static void watchers_turn(void *userdata)
{
	struct watch_queue *ready = userdata;

	if (!ready->first) { /* for a while now */
		memo_clear(ready->memo);
		return;
	}
	for (int i = 0; i < TURN_WATCHERS && ready->first; i++) {
		struct watcher *watcher = ready->first;

		watcher_leave_queue(watcher);
		watcher_turn(watcher);
	}
	ready->due = clock_now();
	timer_arm(ready->timer, ready->first ? ready->due : ready->due + FORGET_AFTER);
	if (!ready->first)
		ready->due += TELL_EVERY;
}

static void watcher_tick(void *userdata)
{
	struct watcher *watcher = userdata;
	uint64_t now = clock_now();
	AUTO_BUFFER out = {0};

	if (watcher->bookmarks && !watcher->initial.count && !watcher->full &&
		watchform_bookmark(
			&watcher->form, store_watch_revision(watcher->watch), false, &out) == 0)
		http_stream_write(watcher->exchange, buffer_head(&out), out.len);
	if (now >= watcher->until) {
		watcher_end(watcher);
		return;
	}
	/* Also where it had to be left out: a time that is over would come again at once. */
	watcher->next_bookmark = now + BOOKMARK_EVERY;
	timer_arm(watcher->timer, watcher->bookmarks && watcher->next_bookmark < watcher->until
					  ? watcher->next_bookmark
					  : watcher->until);
}

/* --- the beginning --- */

static int watch_timeout(
	const struct api_request *request, struct watcher *watcher, struct failure *failure)
{
	const char *text = http_exchange_query(request->exchange, "timeoutSeconds", 0);
	uint64_t seconds = 0;

	if (text && text[0] && (!page_revision(text, &seconds) || seconds > UINT32_MAX))
		return failure_set(failure, 400, "BadRequest",
			"timeoutSeconds: Invalid value: \"%.64s\": must be a number of seconds",
			text);
	watcher->until = clock_now() + (seconds ? seconds * USEC_PER_SEC : TIMEOUT_DEFAULT);
	return 0;
}

/* Whether what there is comes first: as asked for, or when no revision to begin at is given. */
static int watch_wants_initial(
	const struct api_request *request, uint64_t after, bool *ret, struct failure *failure)
{
	const char *send = http_exchange_query(request->exchange, "sendInitialEvents", 0);
	const char *match = http_exchange_query(request->exchange, "resourceVersionMatch", 0);

	*ret = send && send[0] ? request_flag(request->exchange, "sendInitialEvents") : after == 0;
	if (send && send[0] && (!match || strcmp(match, "NotOlderThan") != 0))
		return failure_set(failure, 422, "Invalid",
			"resourceVersionMatch: Forbidden: sendInitialEvents requires setting "
			"resourceVersionMatch to NotOlderThan");
	if (match && match[0] && !(send && send[0]))
		return failure_set(failure, 422, "Invalid",
			"resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden for "
			"watch "
			"unless sendInitialEvents is provided");
	return 0;
}

static int watch_start(const struct api_request *request, struct watcher *watcher, uint64_t after,
	bool initial, struct failure *failure)
{
	struct store *store = watcher->api->store;
	char prefix[STORED_KEY_MAX];
	int r = 0;

	stored_prefix(request->kind, request_namespace(request), prefix);
	if (initial) {
		after = watcher->initial_revision = store_revision(store);
		r = store_range_at(store, prefix, after, &watcher->initial);
		watcher->tell_initial_end =
			watcher->bookmarks && request_flag(request->exchange, "sendInitialEvents");
	}
	if (r == 0)
		r = store_watch_new(store, prefix, after, watcher_wake, watcher, &watcher->watch);
	if (r == -ESTALE)
		return page_too_old(after, store_compacted(store), failure);
	return r < 0 ? failure_internal(failure, "out of memory") : 0;
}

/* A revision that is forgotten is no failure of the request: the stream begins, and says so. */
static void watch_begin_stale(const struct api_request *request, const struct watchform *form,
	const struct failure *failure)
{
	AUTO_BUFFER out = {0};

	http_stream_begin(request->exchange, 200, watchform_type(form), NULL);
	if (watchform_failure(form, failure, &out) == 0)
		http_stream_write(request->exchange, buffer_head(&out), out.len);
	http_stream_end(request->exchange);
}

static int queue_begin(struct api *api)
{
	if (api->ready.timer)
		return 0;
	api->ready.end = &api->ready.first;
	if (!api->ready.memo)
		api->ready.memo = memo_new();
	if (!api->ready.memo)
		return -ENOMEM;
	return timer_new(api->loop, watchers_turn, &api->ready, &api->ready.timer, NULL);
}

static struct watcher *watcher_new(const struct api_request *request)
{
	struct api *api = request->api;
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher)
		return NULL;
	*watcher = (struct watcher){
		.api = api,
		.next = api->watchers,
		.link = &api->watchers,
		.exchange = request->exchange,
		.form = {.kind = request->kind, .version = request->version},
		.bookmarks = request_flag(request->exchange, "allowWatchBookmarks"),
		.next_bookmark = clock_now() + BOOKMARK_EVERY,
	};
	if (watcher->next)
		watcher->next->link = &watcher->next;
	api->watchers = watcher;
	api->watcher_count++;
	if (timer_new(api->loop, watcher_tick, watcher, &watcher->timer, NULL) < 0 ||
		queue_begin(api) < 0) {
		watcher_free(watcher);
		return NULL;
	}
	watcher->form.memo = api->ready.memo;
	return watcher;
}

static int watch_prepare(
	const struct api_request *request, struct watcher *watcher, struct failure *failure)
{
	const char *text = http_exchange_query(request->exchange, "resourceVersion", 0);
	uint64_t after = 0;
	bool initial;

	if (text && text[0] && !page_revision(text, &after))
		return failure_set(failure, 400, "BadRequest",
			"resourceVersion: Invalid value: \"%.64s\": must be a number", text);
	if (form_asked(request, &watcher->form.form, failure) < 0 ||
		watch_timeout(request, watcher, failure) < 0 ||
		watch_wants_initial(request, after, &initial, failure) < 0 ||
		filter_new(request, &watcher->filter, failure) < 0)
		return -1;
	return watch_start(request, watcher, after, initial, failure);
}

static void watcher_drained(void *userdata)
{
	struct watcher *watcher = userdata;

	watcher->full = false;
	watcher_wake(watcher);
}

int watch_begin(const struct api_request *request, struct failure *failure)
{
	struct watcher *watcher;

	if (request->api->watcher_count >= WATCHERS_MOST) {
		failure_set(failure, 429, "TooManyRequests",
			"there are %d watches already, please try again later", WATCHERS_MOST);
		failure_retry(failure, RETRY_BUSY);
		return -1;
	}
	watcher = watcher_new(request);
	if (!watcher)
		return failure_internal(failure, "out of memory");
	if (watch_prepare(request, watcher, failure) < 0) {
		struct watchform form = watcher->form;

		watcher_free(watcher);
		if (failure->status != 410)
			return -1;
		watch_begin_stale(request, &form, failure);
		return 0;
	}
	http_exchange_on_gone(request->exchange, watcher_gone, watcher);
	http_stream_begin(request->exchange, 200, watchform_type(&watcher->form), watcher_drained);
	timer_arm(watcher->timer, watcher->bookmarks && watcher->next_bookmark < watcher->until
					  ? watcher->next_bookmark
					  : watcher->until);
	watcher_wake(watcher);
	return 0;
}
