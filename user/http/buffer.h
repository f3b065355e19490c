/* SPDX-License-Identifier: Apache-2.0 */
/* A growing queue of bytes: appended at the end, consumed from the front. */
#pragma once

#include <stddef.h>

struct buffer {
	char *data; /* what is still there starts at data + start */
	size_t start, len, size;
};

/* 0 or -ENOMEM, which leaves the buffer as it was. */
int buffer_append(struct buffer *buffer, const void *data, size_t len);
/* Appends formatted text, without its NUL. */
int buffer_printf(struct buffer *buffer, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The bytes that wait.  Borrowed, until the next append. */
static inline const char *buffer_head(const struct buffer *buffer)
{
	return buffer->data + buffer->start;
}
/* Drops @len bytes from the front. */
void buffer_consume(struct buffer *buffer, size_t len);
/* Releases the memory; the buffer is empty again. */
void buffer_clear(struct buffer *buffer);

#define AUTO_BUFFER __attribute__((cleanup(buffer_clear))) struct buffer
