/* SPDX-License-Identifier: Apache-2.0 */
/* An OpenAPI v2 document in the protobuf (openapi.v2.Document) that clients before 1.27 ask for. */
#pragma once

#include <stddef.h>

#include "user/base/json.h"

/* Of the document: swagger, info, paths.*.patch and definitions.  The caller frees *@ret.  -ENOMEM. */
int gnostic_encode(const json_t *document, void **ret, size_t *ret_len);
