// SPDX-License-Identifier: Apache-2.0
/* DELETE of a collection: each object by itself, some at a time; the answer lists what there was. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/api/change.h"
#include "user/api/delete.h"
#include "user/api/failure.h"
#include "user/api/filter.h"
#include "user/api/listing.h"
#include "user/api/request.h"
#include "user/api/state.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/server.h"
#include "user/store/store.h"

#define AT_A_TIME 64

struct part {
	char namespace[REQUEST_NAME_MAX], name[REQUEST_NAME_MAX];
};

struct collection {
	struct api_request request; /* exchange NULL once the client has gone */
	struct deletion deletion;   /* a copy for each part */
	struct part *parts;
	size_t count, next, running;
	struct listing answer;
	uint64_t revision;
	struct failure failure; /* the first */
	bool failed, starting;
};

static void collection_free(struct collection *collection)
{
	if (collection->failed)
		json_decref(collection->failure.details);
	listing_clear(&collection->answer);
	free(collection->parts);
	identity_clear(&collection->request.who);
	free(collection);
}

static void cleanup_collection(struct collection **collection)
{
	if (*collection)
		collection_free(*collection);
}

static void collection_gone(void *userdata)
{
	struct collection *collection = userdata;

	collection->request.exchange = NULL;
}

/* --- what there is --- */

static void part_add(struct collection *collection, const json_t *object)
{
	const json_t *meta = json_object_get(object, "metadata");
	struct part *part = &collection->parts[collection->count++];

	snprintf(part->namespace, sizeof(part->namespace), "%s",
		json_string_at(meta, "namespace", ""));
	snprintf(part->name, sizeof(part->name), "%s", json_string_at(meta, "name", ""));
}

static int entry_add(
	struct collection *collection, const struct store_entry *entry, const struct filter *filter)
{
	const struct api_request *request = &collection->request;
	AUTO_JSON object = NULL;
	int r;

	if (!filter_may_match(filter, entry->value))
		return 0;
	r = stored_decode(entry->value, entry->modified, request->kind, request->version, &object);

	if (r < 0 || !filter_matches(filter, object))
		return r;
	r = listing_add(&collection->answer, entry, object);
	if (r == 0)
		part_add(collection, object);
	return r;
}

static int collection_find(struct collection *collection, const struct filter *filter)
{
	struct store *store = collection->request.api->store;
	const struct store_entry *const *entries;
	char prefix[STORED_KEY_MAX];
	size_t count;
	int r = 0;

	stored_prefix(collection->request.kind, request_namespace(&collection->request), prefix);
	collection->revision = store_revision(store);
	entries = store_range(store, prefix, NULL, &count);
	collection->parts = calloc(count + 1, sizeof(collection->parts[0]));
	if (!collection->parts)
		return -ENOMEM;
	for (size_t i = 0; i < count && r == 0; i++)
		r = entry_add(collection, entries[i], filter);
	return r;
}

/* --- the answer --- */

static void collection_answer(struct collection *collection)
{
	struct listing_head head = {.revision = collection->revision};

	if (!collection->failed &&
		listing_answer(&collection->answer, &head, &collection->failure) < 0)
		collection->failed = true;
	if (collection->failed)
		failure_answer(&collection->failure, collection->request.exchange);
}

/* --- one after the other --- */

static void part_begin(struct collection *collection, const struct part *part)
{
	struct deletion *deletion = malloc(sizeof(*deletion));
	struct api_request request = collection->request;
	struct failure failure;

	collection->running++;
	if (!deletion) {
		failure_internal(&failure, "out of memory");
		collection_part_failed(collection, &failure);
		collection_part_done(collection);
		return;
	}
	*deletion = collection->deletion;
	deletion->collection = collection;
	request.exchange = NULL;
	request.has_name = true;
	memcpy(request.name, part->name, sizeof(request.name));
	memcpy(request.namespace, part->namespace, sizeof(request.namespace));
	deletion_begin(&request, deletion);
}

/* Parts may end while they begin: the loop, not the end, goes on then. */
static void collection_go_on(struct collection *collection)
{
	if (collection->starting)
		return;
	collection->starting = true;
	while (collection->running < AT_A_TIME && collection->next < collection->count &&
		!collection->failed && !collection->request.api->closing)
		part_begin(collection, &collection->parts[collection->next++]);
	collection->starting = false;
	if (collection->running)
		return;
	if (collection->request.exchange)
		collection_answer(collection);
	collection_free(collection);
}

/* What has gone meanwhile is what was wanted. */
void collection_part_failed(struct collection *collection, const struct failure *failure)
{
	if (failure->status == 404 || collection->failed)
		return;
	collection->failed = true;
	collection->failure = *failure;
	collection->failure.details = json_incref(failure->details);
}

void collection_part_done(struct collection *collection)
{
	collection->running--;
	collection_go_on(collection);
}

static void cleanup_filter(struct filter **filter)
{
	filter_free(*filter);
}

int change_delete_collection(const struct api_request *request, struct failure *failure)
{
	AUTO_CLEANUP(cleanup_collection)
	struct collection *collection = calloc(1, sizeof(*collection));
	AUTO_CLEANUP(cleanup_filter) struct filter *filter = NULL;

	if (!collection)
		return failure_internal(failure, "out of memory");
	if (request->kind->namespaced && !request->has_namespace)
		return failure_set(failure, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
	collection->request = *request;
	collection->request.who = identity_ref(&request->who);
	collection->answer.request = &collection->request;
	if (form_asked(request, &collection->answer.form, failure) < 0 ||
		deletion_read(request, &collection->deletion, failure) < 0 ||
		filter_new(request, &filter, failure) < 0)
		return -1;
	if (collection_find(collection, filter) < 0)
		return failure_internal(failure, "out of memory");
	http_exchange_on_gone(request->exchange, collection_gone, collection);
	collection_go_on(take_ptr(collection));
	return 0;
}
