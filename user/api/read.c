// SPDX-License-Identifier: Apache-2.0
#include "user/api/read.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/filter.h"
#include "user/api/form.h"
#include "user/api/page.h"
#include "user/api/request.h"
#include "user/api/table.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define JSON_TYPE "application/json"

static int out_of_memory(struct failure *failure)
{
	return failure_internal(failure, "out of memory");
}

/* A list under way: entries go in, text comes out. */
struct list {
	const struct api_request *request;
	struct filter *filter;
	struct form form;
	struct page page;
	uint64_t revision;
	struct buffer items;
	size_t count;
	const char *last; /* key of the last one in it */
	size_t remaining; /* behind it; 0 also when that is not known */
	bool more;
};

static void cleanup_list(struct list *list)
{
	filter_free(list->filter);
	buffer_clear(&list->items);
}

static int list_append_json(struct list *list, const json_t *json)
{
	AUTO_FREE char *text = json ? json_text(json) : NULL;

	return text ? buffer_append(&list->items, text, strlen(text)) : -ENOMEM;
}

/* 1: it is in; 0: it is not of those that are asked for. */
static int list_append(struct list *list, const struct store_entry *entry)
{
	const struct api_request *request = list->request;
	bool whole = list->form.as == FORM_OBJECT;
	AUTO_JSON object = NULL;
	AUTO_JSON part = NULL;
	int r = 0;

	if (!filter_may_match(list->filter, entry->value))
		return 0;
	if (!whole || !filter_is_empty(list->filter)) {
		r = stored_decode(
			entry->value, entry->modified, request->kind, request->version, &object);
		if (r < 0)
			return r;
		if (!filter_matches(list->filter, object))
			return 0;
	}
	if (list->count)
		r = buffer_append(&list->items, ",", 1);
	if (r == 0 && !whole) {
		part = list->form.as == FORM_TABLE ? table_row(request->kind, object, &list->form)
						   : form_metadata(object, list->form.version);
		r = list_append_json(list, part);
	} else if (r == 0) {
		r = stored_write(entry->value, entry->modified, request->kind, NULL, &list->items);
	}
	return r < 0 ? r : 1;
}

static int list_fill(struct list *list, const struct store_entry *const *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int r;

		if (list->page.limit && list->count == list->page.limit) {
			list->more = true;
			list->remaining = filter_is_empty(list->filter) ? count - i : 0;
			return 0;
		}
		r = list_append(list, entries[i]);
		if (r < 0)
			return r;
		list->count += (size_t)r;
		list->last = entries[i]->key;
	}
	return 0;
}

static const char *list_kind(const struct list *list)
{
	switch (list->form.as) {
	case FORM_TABLE: return "Table";
	case FORM_METADATA: return "PartialObjectMetadataList";
	default: return list->request->kind->list_kind;
	}
}

/* {"kind":...,"apiVersion":...,"metadata":{...},"items":[ or "rows":[ */
static int list_head(struct list *list, struct buffer *out, struct failure *failure)
{
	const struct kind *kind = list->request->kind;
	char api_version[API_VERSION_LEN], token[PAGE_TOKEN_MAX] = "";
	AUTO_JSON columns = NULL;
	AUTO_FREE char *text = NULL;
	const char *version = list->form.version;
	bool table = list->form.as == FORM_TABLE;
	int r;

	kind_api_version(version ? "meta.k8s.io" : kind->group,
		version ? version : list->request->version, api_version);
	if (list->more && page_token(list->revision, list->last, token, failure) < 0)
		return -1;
	r = buffer_printf(out,
		"{\"kind\":\"%s\",\"apiVersion\":\"%s\",\"metadata\":{"
		"\"resourceVersion\":\"%" PRIu64 "\"",
		list_kind(list), api_version, list->revision);
	if (r == 0 && list->more)
		r = buffer_printf(out, ",\"continue\":\"%s\"", token);
	if (r == 0 && list->remaining)
		r = buffer_printf(out, ",\"remainingItemCount\":%zu", list->remaining);
	if (r == 0 && table) {
		columns = table_columns(kind);
		text = columns ? json_text(columns) : NULL;
		r = text ? buffer_printf(out, "},\"columnDefinitions\":%s,\"rows\":[", text)
			 : -ENOMEM;
	} else if (r == 0) {
		r = buffer_printf(out, "},\"items\":[");
	}
	return r < 0 ? out_of_memory(failure) : 0;
}

static int list_answer(struct list *list, struct failure *failure)
{
	AUTO_BUFFER out = {0};

	if (list_head(list, &out, failure) < 0)
		return -1;
	if (buffer_append(&out, buffer_head(&list->items), list->items.len) < 0 ||
		buffer_append(&out, "]}", 2) < 0)
		return out_of_memory(failure);
	http_answer_bytes(list->request->exchange, 200, JSON_TYPE, buffer_head(&out), out.len);
	return 0;
}

/* As it was: the log takes the present back. */
static int list_past(struct list *list, const char *prefix, struct failure *failure)
{
	AUTO_CLEANUP(index_clear) struct index past = {0};
	struct store *store = api_store(list->request->api);
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
	struct store *store = api_store(list->request->api);
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
		.request = request,
	};
	char prefix[STORED_KEY_MAX];

	if (form_asked(request, &list.form, failure) < 0 ||
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
		.request = request,
		.form = *form,
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
