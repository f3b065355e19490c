/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of a node that Pods ask for.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

/* Both ask for the same port of the same protocol at the same address, or at all addresses. */
bool hostports_conflict(const json_t *pod, const json_t *other);
/* It asks for a port of its node. */
bool hostports_any(const json_t *pod);
