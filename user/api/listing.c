// SPDX-License-Identifier: Apache-2.0
#include "user/api/listing.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/api/stored.h"
#include "user/api/table.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_protobuf.h"
#include "user/model/schema.h"
#include "user/model/yaml_write.h"
#include "user/store/store.h"

void listing_clear(struct listing *listing)
{
	buffer_clear(&listing->items);
}

/* --- items --- */

/* The object, or what is shown of it. */
static json_t *item_make(const struct listing *listing, const json_t *object)
{
	switch (listing->form.as) {
	case FORM_TABLE: return table_row(listing->request->kind, object, &listing->form);
	case FORM_METADATA: return form_metadata(object, listing->form.version);
	default: return json_incref((json_t *)object);
	}
}

static int item_write(struct listing *listing, const json_t *item)
{
	const struct schema_message *message = form_message(&listing->form, listing->request->kind);
	AUTO_FREE char *text = NULL;
	AUTO_FREE void *data = NULL;
	size_t len;
	int r;

	if (listing->form.type == FORM_PROTOBUF) {
		r = codec_protobuf_item(item, message, &data, &len, NULL);
		return r < 0 ? r : buffer_append(&listing->items, data, len);
	}
	text = json_text(item);
	return text ? buffer_append(&listing->items, text, strlen(text)) : -ENOMEM;
}

/* What nobody has to read is spliced. */
static bool is_spliced(const struct listing *listing)
{
	return listing->form.as == FORM_OBJECT && listing->form.type != FORM_PROTOBUF;
}

int listing_add(struct listing *listing, const struct store_entry *entry, const json_t *object)
{
	const struct api_request *request = listing->request;
	AUTO_JSON read = NULL;
	AUTO_JSON item = NULL;
	int r = 0;

	if (listing->count && listing->form.type != FORM_PROTOBUF)
		r = buffer_append(&listing->items, ",", 1);
	if (r < 0)
		return r;
	listing->count++;
	if (is_spliced(listing))
		return stored_write(
			entry->value, entry->modified, request->kind, NULL, &listing->items);
	if (!object) {
		r = stored_decode(
			entry->value, entry->modified, request->kind, request->version, &read);
		if (r < 0)
			return r;
		object = read;
	}
	item = item_make(listing, object);
	return item ? item_write(listing, item) : -ENOMEM;
}

/* --- the answer --- */

static const char *list_kind(const struct listing *listing)
{
	switch (listing->form.as) {
	case FORM_TABLE: return "Table";
	case FORM_METADATA: return "PartialObjectMetadataList";
	default: return listing->request->kind->list_kind;
	}
}

static json_t *list_meta(const struct listing_head *head)
{
	char revision[24];
	json_t *meta;

	snprintf(revision, sizeof(revision), "%" PRIu64, head->revision);
	meta = json_pack("{s:s, s:s*}", "resourceVersion", revision, "continue", head->token);
	if (meta && head->remaining)
		json_object_set_new(
			meta, "remainingItemCount", json_integer((json_int_t)head->remaining));
	return meta;
}

/* All but the items. */
static json_t *list_head(const struct listing *listing, const struct listing_head *head)
{
	const struct kind *kind = listing->request->kind;
	const char *version = listing->form.version;
	char api_version[API_VERSION_LEN];

	kind_api_version(version ? "meta.k8s.io" : kind->group,
		version ? version : listing->request->version, api_version);
	return json_pack("{s:s, s:s, s:o, s:o*}", "kind", list_kind(listing), "apiVersion",
		api_version, "metadata", list_meta(head), "columnDefinitions",
		listing->form.as == FORM_TABLE ? table_columns(kind) : NULL);
}

/* The head is an object that is still open. */
static int json_write(const struct listing *listing, const json_t *head, struct buffer *out)
{
	const char *items = listing->form.as == FORM_TABLE ? "rows" : "items";
	AUTO_FREE char *text = json_text(head);
	int r;

	if (!text)
		return -ENOMEM;
	r = buffer_printf(out, "%.*s,\"%s\":[", (int)strlen(text) - 1, text, items);
	if (r == 0)
		r = buffer_append(out, buffer_head(&listing->items), listing->items.len);
	return r == 0 ? buffer_append(out, "]}", 2) : r;
}

static int answer_json(const struct listing *listing, const json_t *head)
{
	AUTO_BUFFER out = {0};
	AUTO_JSON json = NULL;
	AUTO_FREE char *yaml = NULL;
	int r = json_write(listing, head, &out);

	if (r < 0)
		return r;
	if (listing->form.type == FORM_YAML) {
		r = json_parse(buffer_head(&out), out.len, "a list", &json, NULL);
		if (r == 0)
			r = yaml_write(json, &yaml);
	}
	if (r == 0)
		http_answer_bytes(listing->request->exchange, 200,
			form_content_type(listing->form.type), yaml ? yaml : buffer_head(&out),
			yaml ? strlen(yaml) : out.len);
	return r;
}

static int answer_protobuf(const struct listing *listing, const json_t *head)
{
	AUTO_FREE void *data = NULL;
	size_t len;
	int r = codec_protobuf_list(head, listing->items.len ? buffer_head(&listing->items) : NULL,
		listing->items.len, &data, &len, NULL);

	if (r == 0)
		http_answer_bytes(listing->request->exchange, 200,
			form_content_type(listing->form.type), data, len);
	return r;
}

int listing_answer(
	struct listing *listing, const struct listing_head *head, struct failure *failure)
{
	AUTO_JSON json = list_head(listing, head);
	int r = !json				      ? -ENOMEM
		: listing->form.type == FORM_PROTOBUF ? answer_protobuf(listing, json)
						      : answer_json(listing, json);

	return r < 0 ? failure_internal(failure, "write a list: %s", strerror(-r)) : 0;
}
