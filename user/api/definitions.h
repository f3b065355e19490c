/* SPDX-License-Identifier: Apache-2.0 */
/* The table of messages (model/schema.h) as JSON schemas, for OpenAPI. */
#pragma once

#include "user/base/json.h"

/*
 * The kinds of one group version (@group NULL: all kinds) and all that is in them, by name; @reference is put
 * before a name that another schema refers to: "#/definitions/".  The caller owns it; NULL when memory is out.
 */
json_t *definitions_json(const char *group, const char *version, const char *reference);
