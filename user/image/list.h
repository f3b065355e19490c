/* SPDX-License-Identifier: Apache-2.0 */
/* The images of a store, as a node tells of them.  Without opening the store: it only reads records. */
#pragma once

#include <stddef.h>

#include "user/base/json.h"

struct err;

/*
 * The largest @most images of the store at @dir, the largest first, as status.images of a Node has them: an object each with
 * names (repository@digest and tags) and sizeBytes, what was pulled.  A store that is not there has none; records that
 * cannot be read are left out.  The caller owns *@ret.
 */
int imagestore_list(const char *dir, size_t most, json_t **ret, struct err *err);
