// SPDX-License-Identifier: Apache-2.0
#include "user/model/codec_protobuf.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "user/base/base64.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/codec_json.h"
#include "user/model/schema.h"
#include "user/model/wire.h"
#include "user/model/wiretime.h"

static const uint8_t magic[4] = {'k', '8', 's', 0};

/* runtime.Unknown and its TypeMeta */
enum { UNKNOWN_TYPE = 1, UNKNOWN_RAW = 2, TYPE_API_VERSION = 1, TYPE_KIND = 2 };

/* IntOrString */
enum { PORT_TYPE = 1, PORT_INT = 2, PORT_STRING = 3 };

struct reading {
	size_t values; /* left of PROTOBUF_MAX_VALUES */
	unsigned depth;
	struct err *err;
};

static int refuse(const struct reading *reading, const char *what, const char *where)
{
	return err_refuse(reading->err, EINVAL, "proto: %s in %s", what, where);
}

static int no_memory(const struct reading *reading)
{
	return err_set(reading->err, ENOMEM, "read a body");
}

static size_t wire_len(const struct wire *wire)
{
	return (size_t)(wire->end - wire->at);
}

/* The field of a small message with that number; false when it has none or is broken. */
static bool wire_find(
	struct wire wire, uint32_t number, enum wire_type type, struct wire_field *ret)
{
	struct wire_field field;
	bool found = false;

	while (wire_next(&wire, &field) > 0)
		if (field.number == number && field.type == type) {
			*ret = field;
			found = true;
		}
	return found;
}

/* A NUL, which JSON could only carry escaped, would make an object that nobody here reads again. */
static json_t *read_text(const struct wire *bytes)
{
	if (wire_len(bytes) == 0)
		return json_string("");
	if (memchr(bytes->at, '\0', wire_len(bytes)))
		return NULL;
	return json_stringn((const char *)bytes->at, wire_len(bytes));
}

static json_t *read_base64(const struct wire *bytes)
{
	AUTO_FREE char *text = base64_encode(bytes->at, wire_len(bytes));

	return text ? json_string(text) : NULL;
}

static json_t *read_time(const struct wire *bytes, bool micro)
{
	struct wire_field seconds = {0}, nanos = {0};
	char text[WIRETIME_LEN];

	wire_find(*bytes, 1, WIRE_VARINT, &seconds);
	wire_find(*bytes, 2, WIRE_VARINT, &nanos);
	if (wire_len(bytes) == 0)
		return json_null();
	if (wiretime_text((int64_t)seconds.value, (int32_t)nanos.value, micro, text) < 0)
		return NULL;
	return json_string(text);
}

static json_t *read_int_or_string(const struct wire *bytes)
{
	struct wire_field type = {0}, number = {0}, text;

	wire_find(*bytes, PORT_TYPE, WIRE_VARINT, &type);
	if (type.value == 0) {
		wire_find(*bytes, PORT_INT, WIRE_VARINT, &number);
		return json_integer((int32_t)number.value);
	}
	return wire_find(*bytes, PORT_STRING, WIRE_BYTES, &text) ? read_text(&text.bytes)
								 : json_string("");
}

/* A message around one string or one JSON text. */
static json_t *read_wrapped(const struct wire *bytes, bool json)
{
	struct wire_field inner;

	if (!wire_find(*bytes, 1, WIRE_BYTES, &inner))
		return json ? json_object() : json_string("0");
	if (!json)
		return read_text(&inner.bytes);
	return json_loadb((const char *)inner.bytes.at, wire_len(&inner.bytes), 0, NULL);
}

static json_t *read_strings(struct wire bytes)
{
	AUTO_JSON list = json_array();
	struct wire_field field;

	while (wire_next(&bytes, &field) > 0)
		if (field.number == 1 && field.type == WIRE_BYTES &&
			json_array_append_new(list, read_text(&field.bytes)) < 0)
			return NULL;
	return json_incref(list);
}

static enum wire_type type_wire(enum schema_type type)
{
	return type == SCHEMA_BOOL || type == SCHEMA_INT32 || type == SCHEMA_INT64 ? WIRE_VARINT
										   : WIRE_BYTES;
}

static int read_message(struct reading *reading, struct wire wire,
	const struct schema_message *message, json_t *object);

static json_t *read_object(
	struct reading *reading, struct wire wire, const struct schema_message *message)
{
	AUTO_JSON object = json_object();

	return object && read_message(reading, wire, message, object) == 0 ? json_incref(object)
									   : NULL;
}

/* One value, or NULL: it is none of this type (or memory is out, or a message said more). */
static json_t *read_value(
	struct reading *reading, const struct schema_field *field, const struct wire_field *got)
{
	switch (field->type) {
	case SCHEMA_STRING: return read_text(&got->bytes);
	case SCHEMA_BOOL: return json_boolean(got->value != 0);
	case SCHEMA_INT32: return json_integer((int32_t)got->value);
	case SCHEMA_INT64: return json_integer((int64_t)got->value);
	case SCHEMA_BYTES: return read_base64(&got->bytes);
	case SCHEMA_TIME: return read_time(&got->bytes, false);
	case SCHEMA_MICRO_TIME: return read_time(&got->bytes, true);
	case SCHEMA_INT_OR_STRING: return read_int_or_string(&got->bytes);
	case SCHEMA_QUANTITY: return read_wrapped(&got->bytes, false);
	case SCHEMA_RAW:
	case SCHEMA_FIELDS_V1: return read_wrapped(&got->bytes, true);
	case SCHEMA_STRING_LIST: return read_strings(got->bytes);
	case SCHEMA_MESSAGE: return read_object(reading, got->bytes, field->message);
	case SCHEMA_ANY: return NULL;
	}
	return NULL;
}

static json_t *field_container(json_t *object, const struct schema_field *field)
{
	json_t *held = json_object_get(object, field->name);

	if (held)
		return held;
	held = field->shape == SCHEMA_LIST ? json_array() : json_object();
	return json_object_set_new(object, field->name, held) < 0 ? NULL : held;
}

/* A map is a list of entries: 1 is the key, 2 the value. */
static int read_entry(struct reading *reading, json_t *map, const struct schema_field *field,
	const struct wire *bytes)
{
	struct wire_field key, value = {.type = type_wire(field->type)};
	AUTO_JSON name = NULL;
	json_t *item;

	name = wire_find(*bytes, 1, WIRE_BYTES, &key) ? read_text(&key.bytes) : json_string("");
	wire_find(*bytes, 2, type_wire(field->type), &value);
	item = read_value(reading, field, &value);
	if (!name || !item) {
		json_decref(item);
		return reading->err->code ? -reading->err->code
					  : refuse(reading, "a bad entry", field->name);
	}
	return json_object_set_new(map, json_string_value(name), item) < 0 ? no_memory(reading) : 0;
}

/* Numbers may come packed: one run of bytes. */
static int read_packed(const struct reading *reading, json_t *list,
	const struct schema_field *field, struct wire bytes)
{
	while (bytes.at < bytes.end) {
		/* A key of its own in front makes each a field. */
		uint8_t one[11] = {1 << 3 | WIRE_VARINT};
		struct wire_field got;
		size_t len = 0;

		while (len < 10 && bytes.at + len < bytes.end && bytes.at[len] & 0x80)
			len++;
		len++;
		if (len > 10 || len > wire_len(&bytes))
			return refuse(reading, "a bad number", field->name);
		memcpy(one + 1, bytes.at, len);
		bytes.at += len;
		if (wire_next(&(struct wire){one, one + 1 + len}, &got) <= 0)
			return refuse(reading, "a bad number", field->name);
		if (json_array_append_new(list, read_value(NULL, field, &got)) < 0)
			return no_memory(reading);
	}
	return 0;
}

static int read_field(struct reading *reading, json_t *object, const struct schema_field *field,
	const struct wire_field *got)
{
	json_t *held = NULL, *value;

	if (reading->values-- == 0)
		return refuse(reading, "too many values", field->name);
	if (field->shape != SCHEMA_ONE) {
		held = field_container(object, field);
		if (!held)
			return no_memory(reading);
	}
	if (field->shape == SCHEMA_MAP)
		return got->type == WIRE_BYTES ? read_entry(reading, held, field, &got->bytes)
					       : refuse(reading, "a bad wire type", field->name);
	if (held && type_wire(field->type) == WIRE_VARINT && got->type == WIRE_BYTES)
		return read_packed(reading, held, field, got->bytes);
	if (got->type != type_wire(field->type))
		return refuse(reading, "a bad wire type", field->name);
	/* A message that comes twice is merged into one. */
	if (!held && field->type == SCHEMA_MESSAGE && json_object_get(object, field->name))
		return read_message(
			reading, got->bytes, field->message, json_object_get(object, field->name));
	value = read_value(reading, field, got);
	if (!value)
		return reading->err->code ? -reading->err->code
					  : refuse(reading, "a bad value", field->name);
	if ((held ? json_array_append_new(held, value)
		  : json_object_set_new(object, field->name, value)) < 0)
		return no_memory(reading);
	return 0;
}

static const struct schema_field *field_by_number(
	const struct schema_message *message, uint32_t number)
{
	for (const struct schema_field *field = message->fields; field->name; field++)
		if (field->number == number && field->type != SCHEMA_ANY)
			return field;
	return NULL;
}

static int read_message(struct reading *reading, struct wire wire,
	const struct schema_message *message, json_t *object)
{
	struct wire_field got;
	int r;

	if (reading->depth == PROTOBUF_MAX_DEPTH)
		return refuse(reading, "too deep nesting", message->name);
	reading->depth++;
	while ((r = wire_next(&wire, &got)) > 0) {
		const struct schema_field *field = field_by_number(message, got.number);

		r = 0;
		if (field)
			r = read_field(reading, object, field, &got);
		else if (message->embedded && got.number == message->embedded_number &&
			 got.type == WIRE_BYTES)
			r = read_message(reading, got.bytes, message->embedded, object);
		if (r < 0)
			return r;
	}
	reading->depth--;
	return r < 0 ? refuse(reading, "a broken field", message->name) : 0;
}

bool codec_protobuf_is(const void *data, size_t len)
{
	return len >= sizeof(magic) && memcmp(data, magic, sizeof(magic)) == 0;
}

static int type_read(const struct wire *wire, uint32_t number, char ret[PROTOBUF_TYPE_LEN])
{
	struct wire_field field;

	ret[0] = '\0';
	if (!wire_find(*wire, number, WIRE_BYTES, &field))
		return 0;
	if (wire_len(&field.bytes) >= PROTOBUF_TYPE_LEN ||
		memchr(field.bytes.at, '\0', wire_len(&field.bytes)))
		return -EINVAL;
	memcpy(ret, field.bytes.at, wire_len(&field.bytes));
	ret[wire_len(&field.bytes)] = '\0';
	return 0;
}

/* The envelope: its type, and the bytes of the object in @ret_raw, which may be NULL. */
static int envelope_read(const void *data, size_t len, char api_version[PROTOBUF_TYPE_LEN],
	char kind[PROTOBUF_TYPE_LEN], struct wire *ret_raw, struct err *err)
{
	const uint8_t *bytes = data;
	struct wire raw = {bytes, bytes}, whole, wire;
	struct wire_field field, type = {.bytes = raw};
	int r;

	if (!codec_protobuf_is(data, len))
		return err_refuse(err, EINVAL,
			"provided data does not appear to be a protobuf message, expected prefix "
			"[107 56 115 0]");
	whole = wire = (struct wire){bytes + sizeof(magic), bytes + len};
	while ((r = wire_next(&wire, &field)) > 0)
		if (field.number == UNKNOWN_RAW && field.type == WIRE_BYTES)
			raw = field.bytes;
	wire_find(whole, UNKNOWN_TYPE, WIRE_BYTES, &type);
	if (r < 0 || type_read(&type.bytes, TYPE_API_VERSION, api_version) < 0 ||
		type_read(&type.bytes, TYPE_KIND, kind) < 0)
		return err_refuse(err, EINVAL, "proto: a broken field in Unknown");
	if (ret_raw)
		*ret_raw = raw;
	return 0;
}

int codec_protobuf_type(const void *data, size_t len, char api_version[PROTOBUF_TYPE_LEN],
	char kind[PROTOBUF_TYPE_LEN], struct err *err)
{
	return envelope_read(data, len, api_version, kind, NULL, err);
}

int codec_protobuf_decode(const void *data, size_t len, const struct schema_message *message,
	json_t **ret, struct err *err)
{
	char api_version[PROTOBUF_TYPE_LEN], kind[PROTOBUF_TYPE_LEN];
	struct err reason = {0};
	struct reading reading = {.values = PROTOBUF_MAX_VALUES, .err = &reason};
	AUTO_JSON object = json_object();
	struct wire raw;
	int r = envelope_read(data, len, api_version, kind, &raw, &reason);

	if (r == 0 && !object)
		r = no_memory(&reading);
	if (r == 0)
		r = read_message(&reading, raw, message, object);
	if (r == 0 && (json_object_set_new(object, "apiVersion", json_string(api_version)) < 0 ||
			      json_object_set_new(object, "kind", json_string(kind)) < 0))
		r = err_refuse(&reason, EINVAL, "proto: a bad type in Unknown");
	if (r == 0)
		r = codec_json_clean(object, message, NULL, &reason);
	if (r < 0) {
		if (err)
			*err = reason;
		return r;
	}
	*ret = json_incref(object);
	return 0;
}
