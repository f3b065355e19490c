/* SPDX-License-Identifier: Apache-2.0 */
/* Time.  Decisions use the monotonic clock only; the wall clock is for people and for log lines. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define USEC_PER_SEC  UINT64_C(1000000)
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_NEVER    UINT64_MAX

/* Microseconds of CLOCK_MONOTONIC. */
uint64_t clock_now(void);

/* Microseconds since 1970 of CLOCK_REALTIME. */
uint64_t clock_wall(void);

#define CLOCK_RFC3339_LEN 32 /* enough for clock_rfc3339 and its nanosecond form, NUL included */

/* Writes @wall_usec as Kubernetes prints times: "2026-11-22T13:05:16Z". */
void clock_rfc3339(uint64_t wall_usec, char ret[CLOCK_RFC3339_LEN]);

/* The kernel's boot id (36 characters and NUL); read once.  Returns "" when /proc is missing. */
const char *clock_boot_id(void);
