/* SPDX-License-Identifier: Apache-2.0 */
/* Capability sets as bit masks, and their names.  Pure but for capability_held. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct security;
struct err;

/*
 * What a container gets: the default set, plus @security's cap_add, minus cap_drop ("ALL" is legal in
 * both).  "ALL" adds no more than @held.  -EINVAL names an unknown one.
 */
int capability_set(const struct security *security, uint64_t held, uint64_t *ret, struct err *err);
/* ["CAP_CHOWN", ...]; NULL when memory is out.  The caller owns it. */
json_t *capability_names(uint64_t set);
/* The effective set of this process; 0 when the kernel does not say. */
uint64_t capability_held(void);
