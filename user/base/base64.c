// SPDX-License-Identifier: Apache-2.0
#include "user/base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/types.h>

#include "user/base/cleanup.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes to @out, or only checks when it is NULL.  Returns the length or -EINVAL. */
static ssize_t decode(const char *text, uint8_t *out)
{
	uint32_t bits = 0;
	unsigned have = 0, padding = 0;
	size_t len = 0;

	for (const char *p = text; *p; p++) {
		int value = sextet(*p);

		if (*p == '\n' || *p == '\r')
			continue;
		if (*p == '=')
			padding++;
		else if (value < 0 || padding)
			return -EINVAL;
		bits = bits << 6 | (value < 0 ? 0 : (uint32_t)value);
		if (++have < 4)
			continue;
		if (padding > 2)
			return -EINVAL;
		for (unsigned i = 0; i < 3 - padding; i++, len++)
			if (out)
				out[len] = (uint8_t)(bits >> (16 - 8 * i));
		have = 0;
		bits = 0;
	}
	return have == 0 ? (ssize_t)len : -EINVAL;
}

bool base64_is_valid(const char *text)
{
	return decode(text, NULL) >= 0;
}

int base64_decode(const char *text, void **ret, size_t *ret_len)
{
	ssize_t len = decode(text, NULL);
	AUTO_FREE uint8_t *data = NULL;

	if (len < 0)
		return -EINVAL;
	data = malloc((size_t)len + 1);
	if (!data)
		return -ENOMEM;
	decode(text, data);
	data[len] = '\0';
	*ret = take_ptr(data);
	*ret_len = (size_t)len;
	return 0;
}

char *base64_encode(const void *data, size_t len)
{
	const uint8_t *in = data;
	char *text = malloc((len + 2) / 3 * 4 + 1), *out = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		uint32_t bits = (uint32_t)in[i] << 16 | (left > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
				(left > 2 ? in[i + 2] : 0);

		*out++ = alphabet[bits >> 18];
		*out++ = alphabet[bits >> 12 & 63];
		*out++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*out++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	*out = '\0';
	return text;
}
