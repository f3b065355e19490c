/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Maglev's consistent hashing (Eisenbud et al., NSDI 2016, section 3.4).  Names are hashed, not
 * ids, so every node and every restart build the same row from the same backends.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The length of the row for @count backends: a prime, 61 to 16381. */
uint32_t maglev_length(size_t count);

/*
 * Fills @row (@length elements, a result of maglev_length) with indices into @names, which are
 * distinct; their order does not matter.  @count is at least 1.  Returns 0 or -ENOMEM.
 */
int maglev_build(const char *const *names, size_t count, uint32_t *row, uint32_t length);
