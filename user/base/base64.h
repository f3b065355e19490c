/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 as Go's StdEncoding reads it: padded; line breaks do not count. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Whether @text decodes. */
bool base64_is_valid(const char *text);

/* The caller frees *@ret, which is NUL-terminated beyond *@ret_len.  -EINVAL, -ENOMEM. */
int base64_decode(const char *text, void **ret, size_t *ret_len);

/* NULL when memory is out; the caller frees it. */
char *base64_encode(const void *data, size_t len);
