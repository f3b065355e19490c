/* SPDX-License-Identifier: Apache-2.0 */
/* Times between RFC 3339 text and the seconds and nanoseconds of protobuf. */
#pragma once

#include <stdint.h>

/* @text is a time (value_is_time). */
void wiretime_parse(const char *text, int64_t *ret_seconds, int32_t *ret_nanos);

#define WIRETIME_LEN 40

/* In UTC; @micro: with six digits of the second.  -ERANGE when the year is not from 0 to 9999. */
int wiretime_text(int64_t seconds, int32_t nanos, int micro, char ret[WIRETIME_LEN]);
