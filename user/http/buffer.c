// SPDX-License-Identifier: Apache-2.0
#include "user/http/buffer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_MIN 512

static int buffer_reserve(struct buffer *buffer, size_t len)
{
	size_t size = buffer->size ? buffer->size : BUFFER_MIN;
	char *grown;

	if (buffer->start && buffer->start + buffer->len + len > buffer->size) {
		memmove(buffer->data, buffer->data + buffer->start, buffer->len);
		buffer->start = 0;
	}
	if (buffer->data && buffer->start + buffer->len + len <= buffer->size)
		return 0;
	while (size < buffer->len + len)
		size *= 2;
	grown = realloc(buffer->data, size);
	if (!grown)
		return -ENOMEM;
	buffer->data = grown;
	buffer->size = size;
	return 0;
}

int buffer_append(struct buffer *buffer, const void *data, size_t len)
{
	int r = buffer_reserve(buffer, len);

	if (r < 0 || len == 0)
		return r;
	memcpy(buffer->data + buffer->start + buffer->len, data, len);
	buffer->len += len;
	return 0;
}

int buffer_printf(struct buffer *buffer, const char *fmt, ...)
{
	size_t room = 1; /* for the NUL, which is not kept */
	va_list ap;
	int len, r;

	for (;;) {
		r = buffer_reserve(buffer, room);
		if (r < 0)
			return r;
		room = buffer->size - buffer->start - buffer->len;
		va_start(ap, fmt);
		len = vsnprintf(buffer->data + buffer->start + buffer->len, room, fmt, ap);
		va_end(ap);
		if (len < 0)
			return -ENOMEM;
		if ((size_t)len < room)
			break;
		room = (size_t)len + 1;
	}
	buffer->len += (size_t)len;
	return 0;
}

void buffer_consume(struct buffer *buffer, size_t len)
{
	buffer->start += len;
	buffer->len -= len;
	if (buffer->len == 0)
		buffer->start = 0;
}

void buffer_clear(struct buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct buffer){0};
}
