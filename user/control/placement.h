/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a Pod may run on a node, by what both say of themselves.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

/* The first taint of @node with one of the NULL-terminated @effects that no toleration of @pod matches; NULL: none. */
const json_t *taint_untolerated(const json_t *node, const json_t *pod, const char *const *effects);

/* Whether one toleration matches @taint. */
bool toleration_matches(const json_t *toleration, const json_t *taint);
/* Whether a toleration of @pod matches @taint. */
bool taint_is_tolerated(const json_t *taint, const json_t *pod);

/* It says anything of nodes. */
bool placement_any(const json_t *pod);
/* nodeSelector and the required node affinity. */
bool placement_selects(const json_t *pod, const json_t *node);

/* The sum of weights of the preferred node affinity that @node meets. */
double placement_preference(const json_t *pod, const json_t *node);

/* The names (as keys) of the only nodes that its required node affinity can select; NULL: it names none.  The caller owns it. */
json_t *placement_names(const json_t *pod);
