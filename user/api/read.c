// SPDX-License-Identifier: Apache-2.0
#include "user/api/read.h"

#include <errno.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/filter.h"
#include "user/api/form.h"
#include "user/api/listing.h"
#include "user/api/page.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define JSON_TYPE "application/json"

static int out_of_memory(struct failure *failure)
{
	return failure_internal(failure, "out of memory");
}

/* A list under way: entries go in. */
struct list {
	struct listing out;
	struct filter *filter;
	struct page page;
	uint64_t revision;
	const char *last; /* key of the last one in it */
	size_t remaining; /* behind it; 0 also when that is not known */
	bool more;
};

static void cleanup_list(struct list *list)
{
	filter_free(list->filter);
	listing_clear(&list->out);
}

static int list_append(struct list *list, const struct store_entry *entry)
{
	const struct api_request *request = list->out.request;
	AUTO_JSON object = NULL;
	int r;

	if (!filter_may_match(list->filter, entry->value))
		return 0;
	if (!filter_is_empty(list->filter)) {
		r = stored_decode(
			entry->value, entry->modified, request->kind, request->version, &object);
		if (r < 0 || !filter_matches(list->filter, object))
			return r;
	}
	return listing_add(&list->out, entry, object);
}

static int list_fill(struct list *list, const struct store_entry *const *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r;

		if (list->page.limit && list->out.count == list->page.limit) {
			list->more = true;
			list->remaining = filter_is_empty(list->filter) ? count - i : 0;
			return 0;
		}
		r = list_append(list, entries[i]);
		if (r < 0)
			return r;
		list->last = entries[i]->key;
	}
	return 0;
}

static int list_answer(struct list *list, struct failure *failure)
{
	struct listing_head head = {.revision = list->revision, .remaining = list->remaining};
	char token[PAGE_TOKEN_MAX];

	if (list->more) {
		if (page_token(list->revision, list->last, token, failure) < 0)
			return -1;
		head.token = token;
	}
	return listing_answer(&list->out, &head, failure);
}

/* As it was: the log takes the present back. */
static int list_past(struct list *list, const char *prefix, struct failure *failure)
{
	AUTO_CLEANUP(index_clear) struct index past = {0};
	struct store *store = api_store(list->out.request->api);
	size_t at = 0;
	int r = store_range_at(store, prefix, list->page.revision, &past);

	if (r < 0)
		return out_of_memory(failure);
	list->revision = list->page.revision;
	if (list->page.after[0]) {
		at = index_seek(&past, list->page.after);
		if (at < past.count && strcmp(past.entries[at]->key, list->page.after) == 0)
			at++;
	}
	r = list_fill(list, (const struct store_entry *const *)past.entries + at, past.count - at);
	return r < 0 ? out_of_memory(failure) : list_answer(list, failure);
}

static int list_present(struct list *list, const char *prefix, struct failure *failure)
{
	struct store *store = api_store(list->out.request->api);
	const struct store_entry *const *entries;
	size_t count;

	list->revision = store_revision(store);
	entries = store_range(store, prefix, list->page.after[0] ? list->page.after : NULL, &count);
	if (list_fill(list, entries, count) < 0)
		return out_of_memory(failure);
	return list_answer(list, failure);
}

int read_list(const struct api_request *request, struct failure *failure)
{
	AUTO_CLEANUP(cleanup_list)
	struct list list = {
		.out.request = request,
	};
	char prefix[STORED_KEY_MAX];

	if (form_asked(request, &list.out.form, failure) < 0 ||
		page_read(request, &list.page, failure) < 0 ||
		filter_new(request, &list.filter, failure) < 0)
		return -1;
	stored_prefix(request->kind, request_namespace(request), prefix);
	if (list.page.exact)
		return list_past(&list, prefix, failure);
	return list_present(&list, prefix, failure);
}

/* --- one object --- */

static int read_table(const struct api_request *request, const struct form *form,
	const struct store_entry *entry, struct failure *failure)
{
	AUTO_CLEANUP(cleanup_list)
	struct list list = {
		.out = {.request = request, .form = *form},
		.revision = entry->modified,
	};

	if (filter_new(request, &list.filter, failure) < 0)
		return -1;
	if (list_fill(&list, &entry, 1) < 0)
		return out_of_memory(failure);
	return list_answer(&list, failure);
}

/* In a form that cannot be spliced from what is stored. */
static int read_other(
	const struct api_request *request, const struct store_entry *entry, struct failure *failure)
{
	AUTO_JSON object = NULL;
	int r = stored_decode(
		entry->value, entry->modified, request->kind, request->version, &object);

	if (r < 0)
		return failure_internal(failure, "read '%s': %s", entry->key, strerror(-r));
	form_answer(request, 200, object);
	return 0;
}

int read_object(const struct api_request *request, struct failure *failure)
{
	const struct store_entry *entry;
	AUTO_BUFFER out = {0};
	char key[STORED_KEY_MAX];
	struct form form;

	if (form_asked(request, &form, failure) < 0)
		return -1;
	stored_key(request->kind, request_namespace(request), request->name, key);
	entry = store_get(api_store(request->api), key);
	if (!entry)
		return failure_not_found(failure, request);
	if (form.as == FORM_TABLE)
		return read_table(request, &form, entry, failure);
	if (form.as == FORM_METADATA || form.type != FORM_JSON)
		return read_other(request, entry, failure);
	if (stored_write(entry->value, entry->modified, request->kind, request->version, &out) < 0)
		return out_of_memory(failure);
	http_answer_bytes(request->exchange, 200, JSON_TYPE, buffer_head(&out), out.len);
	return 0;
}
