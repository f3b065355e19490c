/* SPDX-License-Identifier: Apache-2.0 */
/* Ages as kubectl prints them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes @seconds as "45s", "5m30s", "3h12m", "12d" ...; more than a second in the future is "<invalid>". */
void age_text(int64_t seconds, char *ret, size_t size);

/* Seconds since 1970 of "2026-11-22T13:05:16Z"; 0 when it is none. */
int64_t age_parse(const char *rfc3339);
