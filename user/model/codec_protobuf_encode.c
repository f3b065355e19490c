// SPDX-License-Identifier: Apache-2.0
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/codec_protobuf.h"
#include "user/model/schema.h"
#include "user/model/wire.h"
#include "user/model/wiretime.h"

static void put_text(struct wire_out *out, uint32_t number, const json_t *value)
{
	wire_put_bytes(out, number, json_string_value(value), json_string_length(value));
}

static void put_base64(struct wire_out *out, uint32_t number, const json_t *value)
{
	AUTO_FREE void *data = NULL;
	size_t len = 0;
	int r = base64_decode(json_string_value(value), &data, &len);

	if (r < 0)
		out->failed = r;
	else
		wire_put_bytes(out, number, data, len);
}

static void put_time(struct wire_out *out, uint32_t number, const json_t *value)
{
	struct wire_out inner = {0};
	int64_t seconds;
	int32_t nanos;

	if (json_is_string(value)) {
		wiretime_parse(json_string_value(value), &seconds, &nanos);
		wire_put_varint(&inner, 1, (uint64_t)seconds);
		wire_put_varint(&inner, 2, (uint64_t)nanos);
	}
	wire_put_message(out, number, &inner);
}

static void put_int_or_string(struct wire_out *out, uint32_t number, const json_t *value)
{
	struct wire_out inner = {0};
	bool text = json_is_string(value);

	wire_put_varint(&inner, 1, text);
	wire_put_varint(&inner, 2, text ? 0 : (uint64_t)json_integer_value(value));
	wire_put_bytes(&inner, 3, text ? json_string_value(value) : "",
		text ? json_string_length(value) : 0);
	wire_put_message(out, number, &inner);
}

static void put_quantity(struct wire_out *out, uint32_t number, const json_t *value)
{
	struct wire_out inner = {0};

	put_text(&inner, 1, value);
	wire_put_message(out, number, &inner);
}

static void put_json(struct wire_out *out, uint32_t number, const json_t *value)
{
	struct wire_out inner = {0};
	AUTO_FREE char *text = json_text(value);

	if (text)
		wire_put_bytes(&inner, 1, text, strlen(text));
	else
		inner.failed = -ENOMEM;
	wire_put_message(out, number, &inner);
}

static void put_strings(struct wire_out *out, uint32_t number, const json_t *list)
{
	struct wire_out inner = {0};
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		put_text(&inner, 1, item);
	wire_put_message(out, number, &inner);
}

static void put_fields(
	struct wire_out *out, const json_t *object, const struct schema_message *message);

static void put_value(struct wire_out *out, uint32_t number, const struct schema_field *field,
	const json_t *value)
{
	struct wire_out inner = {0};

	switch (field->type) {
	case SCHEMA_STRING: put_text(out, number, value); break;
	case SCHEMA_BOOL: wire_put_varint(out, number, json_is_true(value)); break;
	case SCHEMA_INT32:
	case SCHEMA_INT64: wire_put_varint(out, number, (uint64_t)json_integer_value(value)); break;
	case SCHEMA_BYTES: put_base64(out, number, value); break;
	case SCHEMA_TIME:
	case SCHEMA_MICRO_TIME: put_time(out, number, value); break;
	case SCHEMA_INT_OR_STRING: put_int_or_string(out, number, value); break;
	case SCHEMA_QUANTITY: put_quantity(out, number, value); break;
	case SCHEMA_RAW:
	case SCHEMA_FIELDS_V1: put_json(out, number, value); break;
	case SCHEMA_STRING_LIST: put_strings(out, number, value); break;
	case SCHEMA_MESSAGE:
		put_fields(&inner, value, field->message);
		wire_put_message(out, number, &inner);
		break;
	case SCHEMA_ANY: break;
	}
}

static void put_map(struct wire_out *out, const struct schema_field *field, json_t *map)
{
	const char *key;
	json_t *item;

	json_object_foreach (map, key, item) {
		struct wire_out entry = {0};

		wire_put_bytes(&entry, 1, key, strlen(key));
		put_value(&entry, 2, field, item);
		wire_put_message(out, field->number, &entry);
	}
}

static void put_field(struct wire_out *out, const struct schema_field *field, json_t *value)
{
	json_t *item;
	size_t i;

	if (field->shape == SCHEMA_MAP)
		put_map(out, field, value);
	else if (field->shape == SCHEMA_ONE)
		put_value(out, field->number, field, value);
	else
		json_array_foreach (value, i, item)
			put_value(out, field->number, field, item);
}

static void put_fields(
	struct wire_out *out, const json_t *object, const struct schema_message *message)
{
	struct wire_out inner = {0};

	for (const struct schema_field *field = message->fields; field->name; field++) {
		json_t *value = json_object_get(object, field->name);

		if (field->number && value && !json_is_null(value))
			put_field(out, field, value);
	}
	if (!message->embedded)
		return;
	put_fields(&inner, object, message->embedded);
	wire_put_message(out, message->embedded_number, &inner);
}

static int wire_finish(struct wire_out *out, void **ret, size_t *ret_len, struct err *err)
{
	if (out->failed) {
		free(out->data);
		return err_set(err, -out->failed, "write a body");
	}
	*ret = out->data;
	*ret_len = out->len;
	return 0;
}

/* "k8s\0" and a runtime.Unknown around @raw, which is freed. */
static int unknown_finish(const char *api_version, const char *kind, struct wire_out *raw,
	void **ret, size_t *ret_len, struct err *err)
{
	struct wire_out out = {0}, type = {0};

	wire_put_raw(&out, "k8s", 4);
	wire_put_bytes(&type, 1, api_version, strlen(api_version));
	wire_put_bytes(&type, 2, kind, strlen(kind));
	wire_put_message(&out, 1, &type);
	wire_put_message(&out, 2, raw);
	wire_put_bytes(&out, 3, "", 0);
	wire_put_bytes(&out, 4, "", 0);
	return wire_finish(&out, ret, ret_len, err);
}

int codec_protobuf_encode(const json_t *object, const struct schema_message *message, void **ret,
	size_t *ret_len, struct err *err)
{
	struct wire_out raw = {0};

	put_fields(&raw, object, message);
	return unknown_finish(json_string_at(object, "apiVersion", ""),
		json_string_at(object, "kind", ""), &raw, ret, ret_len, err);
}

/* --- many --- */

enum { LIST_META = 1, LIST_ITEMS = 2 };
enum { EVENT_TYPE = 1, EVENT_OBJECT = 2, EXTENSION_RAW = 1 };

int codec_protobuf_item(const json_t *object, const struct schema_message *message, void **ret,
	size_t *ret_len, struct err *err)
{
	struct wire_out out = {0}, item = {0};

	put_fields(&item, object, message);
	wire_put_message(&out, LIST_ITEMS, &item);
	return wire_finish(&out, ret, ret_len, err);
}

int codec_protobuf_list(const json_t *head, const void *items, size_t len, void **ret,
	size_t *ret_len, struct err *err)
{
	struct wire_out raw = {0}, meta = {0};

	put_fields(&meta, json_object_get(head, "metadata"), &schema_list_meta);
	wire_put_message(&raw, LIST_META, &meta);
	wire_put_raw(&raw, items, len);
	return unknown_finish(json_string_at(head, "apiVersion", ""),
		json_string_at(head, "kind", ""), &raw, ret, ret_len, err);
}

int codec_protobuf_event(const char *type, const void *body, size_t len, void **ret,
	size_t *ret_len, struct err *err)
{
	struct wire_out out = {0}, event = {0}, object = {0};
	uint32_t size;

	wire_put_bytes(&event, EVENT_TYPE, type, strlen(type));
	wire_put_bytes(&object, EXTENSION_RAW, body, len);
	wire_put_message(&event, EVENT_OBJECT, &object);
	size = htobe32((uint32_t)event.len);
	wire_put_raw(&out, &size, sizeof(size));
	wire_put_raw(&out, event.data, event.len);
	if (event.failed)
		out.failed = event.failed;
	free(event.data);
	return wire_finish(&out, ret, ret_len, err);
}
