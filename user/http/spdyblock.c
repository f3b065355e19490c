// SPDX-License-Identifier: Apache-2.0
#include "user/http/spdyblock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "user/base/cleanup.h"
#include "user/http/buffer.h"

#define DICTIONARY_MOST 2048
#define CONTROL		0x8000
#define LOW31		0x7fffffff
#define LOW24		0xffffff
#define WINDOW_BITS	11 /* of what we send: it holds the dictionary */

/* --- frames --- */

uint32_t spdy_number_read(const uint8_t bytes[4])
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

void spdy_number_write(uint32_t number, uint8_t ret[4])
{
	for (int i = 0; i < 4; i++)
		ret[i] = (uint8_t)(number >> (24 - 8 * i));
}

struct spdy_head spdy_head_read(const uint8_t bytes[SPDY_HEAD])
{
	uint32_t first = spdy_number_read(bytes), second = spdy_number_read(bytes + 4);
	struct spdy_head head = {.flags = (uint8_t)(second >> 24), .len = second & LOW24};

	if (first >> 16 & CONTROL) {
		head.version = first >> 16 & (CONTROL - 1);
		head.type = (uint16_t)first;
	} else {
		head.stream = first;
	}
	return head;
}

void spdy_head_write(const struct spdy_head *head, uint8_t ret[SPDY_HEAD])
{
	uint32_t first = head->stream & LOW31;

	if (head->type != SPDY_DATA)
		first = (uint32_t)(CONTROL | head->version) << 16 | head->type;
	spdy_number_write(first, ret);
	spdy_number_write((uint32_t)head->flags << 24 | (head->len & LOW24), ret + 4);
}

/* --- the dictionary --- */

/* Words, each behind its length; then text as it is. */
static const char *const words[] = {"options", "head", "post", "put", "delete", "trace", "accept",
	"accept-charset", "accept-encoding", "accept-language", "accept-ranges", "age", "allow",
	"authorization", "cache-control", "connection", "content-base", "content-encoding",
	"content-language", "content-length", "content-location", "content-md5", "content-range",
	"content-type", "date", "etag", "expect", "expires", "from", "host", "if-match",
	"if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified",
	"location", "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization", "range",
	"referer", "retry-after", "server", "te", "trailer", "transfer-encoding", "upgrade",
	"user-agent", "vary", "via", "warning", "www-authenticate", "method", "get", "status",
	"200 OK", "version", "HTTP/1.1", "url", "public", "set-cookie", "keep-alive", "origin"};
static const char rest[] =
	"100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
	"203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
	"401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
	"503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00 Mon, "
	"Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
	"application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
	"gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0.";

static unsigned dictionary_make(uint8_t ret[DICTIONARY_MOST])
{
	size_t len = 0;

	for (size_t i = 0; i < COUNT(words); i++) {
		size_t size = strlen(words[i]);

		spdy_number_write((uint32_t)size, ret + len);
		memcpy(ret + len + 4, words[i], size);
		len += 4 + size;
	}
	memcpy(ret + len, rest, sizeof(rest) - 1);
	return (unsigned)(len + sizeof(rest) - 1);
}

/* --- blocks --- */

struct spdy_blocks {
	z_stream in, out;
	bool in_open, out_open;
	uint8_t dictionary[DICTIONARY_MOST];
	unsigned dictionary_len;
};

int spdy_blocks_new(struct spdy_blocks **ret)
{
	struct spdy_blocks *blocks = calloc(1, sizeof(*blocks));

	if (!blocks)
		return -ENOMEM;
	blocks->dictionary_len = dictionary_make(blocks->dictionary);
	blocks->in_open = inflateInit(&blocks->in) == Z_OK;
	blocks->out_open = deflateInit2(&blocks->out, Z_BEST_SPEED, Z_DEFLATED, WINDOW_BITS, 1,
				   Z_DEFAULT_STRATEGY) == Z_OK;
	if (!blocks->in_open || !blocks->out_open ||
		deflateSetDictionary(&blocks->out, blocks->dictionary, blocks->dictionary_len) !=
			Z_OK) {
		spdy_blocks_free(blocks);
		return -ENOMEM;
	}
	*ret = blocks;
	return 0;
}

struct spdy_blocks *spdy_blocks_free(struct spdy_blocks *blocks)
{
	if (!blocks)
		return NULL;
	if (blocks->in_open)
		inflateEnd(&blocks->in);
	if (blocks->out_open)
		deflateEnd(&blocks->out);
	free(blocks);
	return NULL;
}

/* *@ret_len bytes of @ret are filled. */
static int block_inflate(struct spdy_blocks *blocks, const void *data, size_t len, char *ret,
	size_t size, size_t *ret_len)
{
	z_stream *in = &blocks->in;
	int r;

	in->next_in = (Bytef *)data;
	in->avail_in = (uInt)len;
	in->next_out = (Bytef *)ret;
	in->avail_out = (uInt)size;
	r = inflate(in, Z_SYNC_FLUSH);
	if (r == Z_NEED_DICT &&
		inflateSetDictionary(in, blocks->dictionary, blocks->dictionary_len) == Z_OK)
		r = inflate(in, Z_SYNC_FLUSH);
	if (r == Z_MEM_ERROR)
		return -ENOMEM;
	if (r != Z_OK && r != Z_BUF_ERROR)
		return -EBADMSG;
	if (in->avail_in || !in->avail_out)
		return -EMSGSIZE;
	*ret_len = size - in->avail_out;
	return 0;
}

/* A text behind its length, moved down by the length's four bytes so that it ends with NUL. */
static int take_text(char **at, size_t *left, const char **ret)
{
	uint32_t len;

	if (*left < 4)
		return -EBADMSG;
	len = spdy_number_read((const uint8_t *)*at);
	if (len > *left - 4)
		return -EBADMSG;
	memmove(*at, *at + 4, len);
	(*at)[len] = '\0';
	*ret = *at;
	*at += 4 + len;
	*left -= 4 + len;
	return 0;
}

int spdy_block_read(
	struct spdy_blocks *blocks, const void *data, size_t len, struct spdy_fields *ret)
{
	char *at = ret->text + 4;
	size_t left;
	uint32_t count;
	int r = block_inflate(blocks, data, len, ret->text, SPDY_BLOCK_MOST, &left);

	ret->count = 0;
	if (r < 0)
		return r;
	if (left < 4)
		return -EBADMSG;
	count = spdy_number_read((const uint8_t *)ret->text);
	left -= 4;
	if (count > SPDY_FIELDS_MOST)
		return -EMSGSIZE;
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		r = take_text(&at, &left, &ret->items[i].name);
		if (r == 0)
			r = take_text(&at, &left, &ret->items[i].value);
	}
	if (r < 0)
		return r;
	ret->count = count;
	return left ? -EBADMSG : 0;
}

static int put_text(struct buffer *block, const char *text)
{
	uint8_t len[4];

	spdy_number_write((uint32_t)strlen(text), len);
	return buffer_append(block, len, sizeof(len)) < 0
		       ? -ENOMEM
		       : buffer_append(block, text, strlen(text));
}

int spdy_block_write_plain(
	struct spdy_blocks *blocks, const void *plain, size_t len, struct buffer *out)
{
	uint8_t packed[SPDY_BLOCK_MOST];
	z_stream *z = &blocks->out;

	z->next_in = (Bytef *)plain;
	z->avail_in = (uInt)len;
	z->next_out = packed;
	z->avail_out = sizeof(packed);
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_in || !z->avail_out)
		return -EMSGSIZE;
	return buffer_append(out, packed, sizeof(packed) - z->avail_out);
}

int spdy_block_write(struct spdy_blocks *blocks, const struct spdy_field *fields, size_t count,
	struct buffer *out)
{
	AUTO_BUFFER plain = {0};
	uint8_t number[4];
	int r;

	spdy_number_write((uint32_t)count, number);
	r = buffer_append(&plain, number, sizeof(number));
	for (size_t i = 0; r == 0 && i < count; i++) {
		r = put_text(&plain, fields[i].name);
		if (r == 0)
			r = put_text(&plain, fields[i].value);
	}
	return r < 0 ? r : spdy_block_write_plain(blocks, buffer_head(&plain), plain.len, out);
}

const char *spdy_field(const struct spdy_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strcasecmp(fields->items[i].name, name) == 0)
			return fields->items[i].value;
	return NULL;
}
