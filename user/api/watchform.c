// SPDX-License-Identifier: Apache-2.0
#include "user/api/watchform.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/stored.h"
#include "user/api/table.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/buffer.h"
#include "user/model/codec_protobuf.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"

#define INITIAL_END "k8s.io/initial-events-end"

const char *watchform_type(const struct watchform *watchform)
{
	return watchform->form.type == FORM_PROTOBUF
		       ? "application/vnd.kubernetes.protobuf;stream=watch"
		       : form_content_type(watchform->form.type);
}

static int frame_write(const char *type, const void *body, size_t len, struct buffer *out)
{
	AUTO_FREE void *frame = NULL;
	size_t frame_len;
	int r = codec_protobuf_event(type, body, len, &frame, &frame_len, NULL);

	return r < 0 ? r : buffer_append(out, frame, frame_len);
}

static int event_write(const struct watchform *watchform, const char *type, const json_t *object,
	const struct schema_message *message, struct buffer *out)
{
	AUTO_FREE char *text = NULL;
	AUTO_FREE void *body = NULL;
	size_t len;
	int r;

	if (watchform->form.type == FORM_PROTOBUF) {
		r = codec_protobuf_encode(object, message, &body, &len, NULL);
		return r < 0 ? r : frame_write(type, body, len, out);
	}
	text = json_text(object);
	r = text ? buffer_printf(out, "{\"type\":\"%s\",\"object\":", type) : -ENOMEM;
	if (r == 0)
		r = buffer_append(out, text, strlen(text));
	return r == 0 ? buffer_append(out, "}\n", 2) : r;
}

/* --- changes --- */

static json_t *table_make(struct watchform *watchform, const json_t *object, uint64_t revision)
{
	AUTO_JSON columns = watchform->columns_sent ? json_null() : table_columns(watchform->kind);
	char number[24];

	watchform->columns_sent = true;
	snprintf(number, sizeof(number), "%" PRIu64, revision);
	return json_pack("{s:s, s:o, s:{s:s}, s:O, s:[o]}", "kind", "Table", "apiVersion",
		json_sprintf("meta.k8s.io/%s", watchform->form.version), "metadata",
		"resourceVersion", number, "columnDefinitions", columns, "rows",
		table_row(watchform->kind, object, &watchform->form));
}

/* A Table, or metadata. */
static int part_write(struct watchform *watchform, const char *type, const struct memo_key *key,
	struct buffer *out)
{
	AUTO_JSON object = NULL;
	AUTO_JSON part = NULL;
	int r = memo_read(watchform->memo, key, &object);

	if (r < 0)
		return r;
	part = watchform->form.as == FORM_TABLE ? table_make(watchform, object, key->revision)
						: form_metadata(object, watchform->form.version);
	return part ? event_write(watchform, type, part, &schema_partial_metadata, out) : -ENOMEM;
}

/* Nothing is read: the bytes are spliced. */
static int whole_write(const struct watchform *watchform, const char *type,
	const struct memo_key *key, struct buffer *out)
{
	int r = buffer_printf(out, "{\"type\":\"%s\",\"object\":", type);

	if (r == 0)
		r = stored_write(
			key->blob, key->revision, watchform->kind, watchform->version, out);
	return r == 0 ? buffer_append(out, "}\n", 2) : r;
}

int watchform_change(struct watchform *watchform, const char *type, struct blob *blob,
	uint64_t revision, struct buffer *out)
{
	const struct memo_key key = {blob, revision, watchform->kind, watchform->version};
	const void *body;
	size_t len;
	int r;

	if (watchform->form.as != FORM_OBJECT)
		return part_write(watchform, type, &key, out);
	if (watchform->form.type != FORM_PROTOBUF)
		return whole_write(watchform, type, &key, out);
	r = memo_body(watchform->memo, &key, &body, &len);
	return r < 0 ? r : frame_write(type, body, len, out);
}

/* --- what is no change --- */

int watchform_bookmark(
	const struct watchform *watchform, uint64_t revision, bool initial_end, struct buffer *out)
{
	const struct form *form = &watchform->form;
	bool parts = form->as == FORM_METADATA;
	char api_version[API_VERSION_LEN], number[24];
	AUTO_JSON object = NULL;

	kind_api_version(parts ? "meta.k8s.io" : watchform->kind->group,
		parts ? form->version : watchform->version, api_version);
	snprintf(number, sizeof(number), "%" PRIu64, revision);
	object = json_pack("{s:s, s:s, s:{s:s, s:o*}}", "kind",
		parts ? "PartialObjectMetadata" : watchform->kind->kind, "apiVersion", api_version,
		"metadata", "resourceVersion", number, "annotations",
		initial_end ? json_pack("{s:s}", INITIAL_END, "true") : NULL);
	if (!object)
		return -ENOMEM;
	return event_write(watchform, "BOOKMARK", object, form_message(form, watchform->kind), out);
}

int watchform_failure(
	const struct watchform *watchform, const struct failure *failure, struct buffer *out)
{
	AUTO_JSON status = failure_json(failure);

	return status ? event_write(watchform, "ERROR", status, &schema_status, out) : -ENOMEM;
}
