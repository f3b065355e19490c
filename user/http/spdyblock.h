/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and header blocks of SPDY/3.1.  Blocks are compressed with one context for each direction of a connection
 * and a dictionary that the protocol defines: each must be read, in order, even when nobody wants it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct spdy_blocks;

#define SPDY_HEAD	 8 /* bytes before each frame's payload */
#define SPDY_VERSION	 3
#define SPDY_FIN	 1 /* flag: nothing follows upon this stream */
#define SPDY_FIELDS_MOST 16
#define SPDY_BLOCK_MOST	 4096 /* bytes, when it is not compressed any more */

enum spdy_type {
	SPDY_DATA = 0, /* of no control frame */
	SPDY_SYN_STREAM = 1,
	SPDY_SYN_REPLY = 2,
	SPDY_RST_STREAM = 3,
	SPDY_SETTINGS = 4,
	SPDY_PING = 6,
	SPDY_GOAWAY = 7,
	SPDY_HEADERS = 8,
	SPDY_WINDOW_UPDATE = 9,
};

struct spdy_head {
	uint16_t type;	  /* SPDY_DATA, or as the frame says */
	uint16_t version; /* of a control frame */
	uint32_t stream;  /* of a data frame */
	uint32_t len;	  /* of the payload */
	uint8_t flags;
};

/* What the first bytes of a frame say. */
struct spdy_head spdy_head_read(const uint8_t bytes[SPDY_HEAD]);
/* The other way. */
void spdy_head_write(const struct spdy_head *head, uint8_t ret[SPDY_HEAD]);

/* Numbers of four bytes, the highest one first. */
uint32_t spdy_number_read(const uint8_t bytes[4]);
void spdy_number_write(uint32_t number, uint8_t ret[4]);

struct spdy_field {
	const char *name, *value;
};

struct spdy_fields {
	struct spdy_field items[SPDY_FIELDS_MOST]; /* into text */
	size_t count;
	char text[SPDY_BLOCK_MOST + 1];
};

/* The contexts of one connection.  -ENOMEM.  The caller owns *@ret. */
int spdy_blocks_new(struct spdy_blocks **ret);

/* Accepts NULL; returns NULL. */
struct spdy_blocks *spdy_blocks_free(struct spdy_blocks *blocks);

/* Reads the next block that came.  -EBADMSG: it is none; -EMSGSIZE: it is larger than we take; -ENOMEM. */
int spdy_block_read(
	struct spdy_blocks *blocks, const void *data, size_t len, struct spdy_fields *ret);

/* Appends the next block that goes out.  -ENOMEM; -EMSGSIZE. */
int spdy_block_write(struct spdy_blocks *blocks, const struct spdy_field *fields, size_t count,
	struct buffer *out);

/* Appends a block of these bytes, whatever they mean. */
int spdy_block_write_plain(
	struct spdy_blocks *blocks, const void *plain, size_t len, struct buffer *out);

/* The value of the field called @name (any case), or NULL. */
const char *spdy_field(const struct spdy_fields *fields, const char *name);
