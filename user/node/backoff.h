/* SPDX-License-Identifier: Apache-2.0 */
/* Back-off of Kubernetes: the first restart is immediate, then 10 s doubling to 300 s; ten good minutes forgive. */
#pragma once

#include <stdint.h>

#define BACKOFF_FIRST	10  /* seconds */
#define BACKOFF_MAX	300 /* seconds */
#define BACKOFF_FORGIVE 600 /* seconds: twice the maximum */

/* Seconds to wait after an exit, counted from it, when @restarts came in a row before and it @ran that long. */
uint32_t backoff_delay(unsigned restarts, uint64_t ran);

/* The number of restarts in a row after one more: the past is forgotten after a good run. */
unsigned backoff_count(unsigned restarts, uint64_t ran);

/* Seconds to wait before trying an action again that failed @failures times (at least once). */
uint32_t backoff_retry(unsigned failures);
