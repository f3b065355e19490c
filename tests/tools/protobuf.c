// SPDX-License-Identifier: Apache-2.0
/*
 * protobuf list|watch: reads from its standard input what an API server answers to who takes nothing but protobuf, and
 * prints as JSON each item of the list, or each event of the watch, on a line of its own.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/base/json.h"
#include "user/model/codec_protobuf.h"
#include "user/model/kinds.h"
#include "user/model/schema.h"
#include "user/model/wire.h"

static void die(const char *what)
{
	fprintf(stderr, "protobuf: %s\n", what);
	exit(1);
}

static size_t input_read(uint8_t **ret)
{
	size_t len = 0, size = 1u << 16;
	uint8_t *data = malloc(size);
	size_t got;

	while (data && (got = fread(data + len, 1, size - len, stdin)) > 0) {
		len += got;
		if (len == size)
			data = realloc(data, size *= 2);
	}
	if (!data)
		die("out of memory");
	*ret = data;
	return len;
}

/* The field @number of @wire, bytes. */
static struct wire field_of(struct wire wire, uint32_t number)
{
	struct wire_field field;

	while (wire_next(&wire, &field) > 0)
		if (field.number == number && field.type == WIRE_BYTES)
			return field.bytes;
	die("a field is missing");
	return wire;
}

static void object_print(const void *data, size_t len, const char *item_of, const char *type)
{
	char api_version[PROTOBUF_TYPE_LEN], kind_name[PROTOBUF_TYPE_LEN];
	const struct schema_message *message = &schema_status;
	const struct kind *kind;
	AUTO_JSON object = NULL;
	struct err err;

	if (codec_protobuf_type(data, len, api_version, kind_name, &err) < 0)
		die(err.text);
	kind = kind_by_type(api_version, item_of ? item_of : kind_name);
	if (kind)
		message = kind->message;
	else if (strncmp(kind_name, "PartialObjectMetadata", strlen("PartialObjectMetadata")) == 0)
		message = &schema_partial_metadata;
	if (codec_protobuf_decode(data, len, message, &object, &err) < 0)
		die(err.text);
	if (item_of) {
		json_object_del(object, "kind");
		json_object_del(object, "apiVersion");
	}
	if (type)
		json_object_set_new(object, "type", json_string(type));
	if (json_dumpf(object, stdout, JSON_COMPACT) < 0 || printf("\n") < 0)
		die("write");
}

/* An item has no envelope: it gets that of its list. */
static void item_print(const char *api_version, const char *kind, const struct wire *item)
{
	struct wire_out out = {0}, type = {0};

	wire_put_raw(&out, "k8s", 4);
	wire_put_bytes(&type, 1, api_version, strlen(api_version));
	wire_put_bytes(&type, 2, kind, strlen(kind));
	wire_put_message(&out, 1, &type);
	wire_put_bytes(&out, 2, item->at, (size_t)(item->end - item->at));
	object_print(out.data, out.len, kind, NULL);
	free(out.data);
}

static void list_print(const uint8_t *data, size_t len)
{
	char api_version[PROTOBUF_TYPE_LEN], kind[PROTOBUF_TYPE_LEN];
	struct wire_field field;
	struct wire raw;
	struct err err;
	size_t name;

	if (codec_protobuf_type(data, len, api_version, kind, &err) < 0)
		die(err.text);
	name = strlen(kind);
	if (name < 4 || strcmp(kind + name - 4, "List") != 0)
		die("it is no list");
	kind[name - 4] = '\0';
	raw = field_of((struct wire){data + 4, data + len}, 2);
	while (wire_next(&raw, &field) > 0)
		if (field.number == 2)
			item_print(api_version, kind, &field.bytes);
}

static void watch_print(const uint8_t *data, size_t len)
{
	while (len) {
		uint32_t size;
		struct wire event, type, body;
		AUTO_FREE char *text = NULL;

		if (len < sizeof(size))
			die("a frame is cut off");
		memcpy(&size, data, sizeof(size));
		size = be32toh(size);
		if (size > len - sizeof(size))
			die("a frame is cut off");
		event = (struct wire){data + sizeof(size), data + sizeof(size) + size};
		type = field_of(event, 1);
		body = field_of(field_of(event, 2), 1);
		text = strndup((const char *)type.at, (size_t)(type.end - type.at));
		object_print(body.at, (size_t)(body.end - body.at), NULL, text);
		data += sizeof(size) + size;
		len -= sizeof(size) + size;
	}
}

int main(int argc, char **argv)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t len = input_read(&data);

	if (argc == 2 && strcmp(argv[1], "list") == 0)
		list_print(data, len);
	else if (argc == 2 && strcmp(argv[1], "watch") == 0)
		watch_print(data, len);
	else
		die("list or watch?");
	return 0;
}
