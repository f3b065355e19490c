/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads one HTTP/1.1 message out of a stream of bytes (parsing by http-parser), within limits.
 * Server, client and probes share it.
 */
#pragma once

#include <http_parser.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct err;

#define HTTP_MAX_FIELDS 100 /* headers in one message */

struct http_field {
	char *name, *value;
};

struct http_reader {
	http_parser parser;
	size_t max_header, max_body;
	size_t header_bytes;
	/* When set, the body is handed out instead of kept, and max_body does not count.  A non-zero
	 * answer ends the message there. */
	int (*body_chunk)(void *userdata, const char *data, size_t len);
	void (*head)(
		void *userdata); /* when all headers are there, before the body; NULL: nobody asks */
	void *userdata;
	char *target; /* requests */
	struct http_field fields[HTTP_MAX_FIELDS];
	size_t field_count;
	bool in_value; /* a header's value began: the next name starts a new field */
	char *body;    /* NUL-terminated; NULL: empty */
	size_t body_len;
	bool head_done, done;
	int failure; /* why a callback stopped the parser, negative errno */
};

/* @type: HTTP_REQUEST or HTTP_RESPONSE.  Sets all fields; body_chunk and userdata may be set then. */
void http_reader_init(
	struct http_reader *reader, enum http_parser_type type, size_t max_header, size_t max_body);

/*
 * Feeds bytes; @len 0 means the end of the stream.  Returns how many were used: fewer than @len when the message
 * is complete (or upgraded).  -EBADMSG: not HTTP, or cut off; -EMSGSIZE: header too large; -EFBIG:
 * body too large; -ENOMEM.
 */
ssize_t http_reader_feed(struct http_reader *reader, const void *data, size_t len, struct err *err);

/* The value of the first field of that name (any case), or NULL. */
const char *http_reader_field(const struct http_reader *reader, const char *name);

/* The @nth (from 0) of several. */
const char *http_reader_field_at(const struct http_reader *reader, const char *name, size_t nth);

/* The @nth (from 0) value of those whose names begin so (any case), and the rest of its name. */
const char *http_reader_field_prefixed(
	const struct http_reader *reader, const char *prefix, size_t nth, const char **ret_rest);

/* True when the comma-separated list in @value holds @token (any case). */
bool http_list_has(const char *value, const char *token);

/* Frees what it holds; it can be initialised anew. */
void http_reader_clear(struct http_reader *reader);
