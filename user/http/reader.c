// SPDX-License-Identifier: Apache-2.0
#include "user/http/reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "user/base/err.h"

static int reader_stop(struct http_reader *reader, int failure)
{
	reader->failure = failure;
	return 1;
}

/* Appends to a string that is NULL while empty. */
static int text_append(char **text, size_t have, const char *data, size_t len)
{
	char *grown = realloc(*text, have + len + 1);

	if (!grown)
		return -ENOMEM;
	memcpy(grown + have, data, len);
	grown[have + len] = '\0';
	*text = grown;
	return 0;
}

static int reader_add(struct http_reader *reader, char **text, const char *data, size_t len)
{
	int r;

	reader->header_bytes += len;
	if (reader->header_bytes > reader->max_header)
		return reader_stop(reader, -EMSGSIZE);
	r = text_append(text, *text ? strlen(*text) : 0, data, len);
	return r < 0 ? reader_stop(reader, r) : 0;
}

static int on_url(http_parser *parser, const char *data, size_t len)
{
	struct http_reader *reader = parser->data;

	return reader_add(reader, &reader->target, data, len);
}

static int on_field(http_parser *parser, const char *data, size_t len)
{
	struct http_reader *reader = parser->data;

	if (reader->field_count == 0 || reader->in_value) {
		if (reader->field_count == HTTP_MAX_FIELDS)
			return reader_stop(reader, -EMSGSIZE);
		reader->fields[reader->field_count++] = (struct http_field){0};
		reader->in_value = false;
	}
	return reader_add(reader, &reader->fields[reader->field_count - 1].name, data, len);
}

static int on_value(http_parser *parser, const char *data, size_t len)
{
	struct http_reader *reader = parser->data;

	reader->in_value = true;
	return reader_add(reader, &reader->fields[reader->field_count - 1].value, data, len);
}

static int on_head(http_parser *parser)
{
	struct http_reader *reader = parser->data;

	reader->head_done = true;
	if (reader->head)
		reader->head(reader->userdata);
	return 0;
}

static int on_body(http_parser *parser, const char *data, size_t len)
{
	struct http_reader *reader = parser->data;
	int r;

	if (reader->body_chunk) {
		if (reader->body_chunk(reader->userdata, data, len) == 0)
			return 0;
		reader->done = true;
		return 1;
	}
	if (len > reader->max_body - reader->body_len)
		return reader_stop(reader, -EFBIG);
	r = text_append(&reader->body, reader->body_len, data, len);
	if (r < 0)
		return reader_stop(reader, r);
	reader->body_len += len;
	return 0;
}

static int on_complete(http_parser *parser)
{
	struct http_reader *reader = parser->data;

	reader->done = true;
	http_parser_pause(parser, 1);
	return 0;
}

void http_reader_init(
	struct http_reader *reader, enum http_parser_type type, size_t max_header, size_t max_body)
{
	*reader = (struct http_reader){.max_header = max_header, .max_body = max_body};
	http_parser_init(&reader->parser, type);
}

static int reader_failed(struct http_reader *reader, struct err *err)
{
	switch (reader->failure) {
	case 0:
		return err_refuse(err, EBADMSG, "malformed HTTP: %s",
			http_errno_description(HTTP_PARSER_ERRNO(&reader->parser)));
	case -EMSGSIZE: return err_refuse(err, EMSGSIZE, "HTTP header is too large");
	case -EFBIG: return err_refuse(err, EFBIG, "HTTP body is too large");
	default: return err_set(err, -reader->failure, "read HTTP message");
	}
}

/* http-parser forgets header bytes it skips (white space); count what was fed until the head is done. */
static bool reader_head_too_long(const struct http_reader *reader)
{
	return !reader->head_done && reader->parser.nread > reader->max_header;
}

ssize_t http_reader_feed(struct http_reader *reader, const void *data, size_t len, struct err *err)
{
	static const http_parser_settings settings = {
		.on_url = on_url,
		.on_header_field = on_field,
		.on_header_value = on_value,
		.on_headers_complete = on_head,
		.on_body = on_body,
		.on_message_complete = on_complete,
	};
	size_t used;

	if (reader->done)
		return 0;
	reader->parser.data = reader;
	used = http_parser_execute(&reader->parser, &settings, data, len);
	if (reader->done)
		return (ssize_t)used;
	if (reader->failure || HTTP_PARSER_ERRNO(&reader->parser) != HPE_OK)
		return reader_failed(reader, err);
	if (reader_head_too_long(reader)) {
		reader->failure = -EMSGSIZE;
		return reader_failed(reader, err);
	}
	if (len == 0)
		return err_refuse(err, EBADMSG, "unexpected end of the HTTP message");
	return (ssize_t)used;
}

const char *http_reader_field_at(const struct http_reader *reader, const char *name, size_t nth)
{
	for (size_t i = 0; i < reader->field_count; i++)
		if (strcasecmp(reader->fields[i].name, name) == 0 && nth-- == 0)
			return reader->fields[i].value ? reader->fields[i].value : "";
	return NULL;
}

const char *http_reader_field_prefixed(
	const struct http_reader *reader, const char *prefix, size_t nth, const char **ret_rest)
{
	size_t len = strlen(prefix);

	for (size_t i = 0; i < reader->field_count; i++) {
		const struct http_field *field = &reader->fields[i];

		if (strncasecmp(field->name, prefix, len) == 0 && nth-- == 0) {
			*ret_rest = field->name + len;
			return field->value ? field->value : "";
		}
	}
	return NULL;
}

const char *http_reader_field(const struct http_reader *reader, const char *name)
{
	return http_reader_field_at(reader, name, 0);
}

bool http_list_has(const char *value, const char *token)
{
	size_t want = strlen(token);

	while (value && *value) {
		size_t len;

		value += strspn(value, ", \t");
		len = strcspn(value, ", \t");
		if (len == want && strncasecmp(value, token, len) == 0)
			return true;
		value += len;
	}
	return false;
}

void http_reader_clear(struct http_reader *reader)
{
	for (size_t i = 0; i < reader->field_count; i++) {
		free(reader->fields[i].name);
		free(reader->fields[i].value);
	}
	free(reader->target);
	free(reader->body);
	*reader = (struct http_reader){0};
}
