/* SPDX-License-Identifier: Apache-2.0 */
/* A row as it lies in the map: the list, then the Maglev table. */
#pragma once

#include "user/datapath/state.h"

/* The length of the Maglev part for @count backends, at least 1. */
uint32_t planrow_length(size_t count);

/*
 * Builds the lines for backends @members (ids whose endpoints are in @state), @count at least
 * 1.  The caller frees *@ret.  Returns 0 or -ENOMEM.
 */
int planrow_build(
	const struct state *state, const uint32_t *members, size_t count, struct row_line **ret);
