/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patches as functions: an object and a patch give a new object, the object stays as it is.  The result
 * is not checked: codec_json_clean, defaults and validation come after.  The caller owns *@ret.
 * -EINVAL: the patch itself is wrong (HTTP 400); -ENOENT: it does not fit the object (HTTP 422); -ENOMEM.
 */
#pragma once

#include "user/base/json.h"

struct err;
struct schema_message;

#define PATCH_MAX_OPERATIONS 10000
#define PATCH_MAX_COPIED     (3u << 20) /* bytes that the copies of one JSON patch may add */
#define PATCH_MAX_COMPARED   (8u << 20) /* pairs of items that one strategic merge may compare */

/* RFC 7386. */
int patch_merge(const json_t *object, const json_t *patch, json_t **ret, struct err *err);

/* RFC 6902: a list of add, remove, replace, move, copy and test. */
int patch_json(const json_t *object, const json_t *patch, json_t **ret, struct err *err);

/*
 * Kubernetes' strategic merge: lists with a merge key are merged item by item; $patch, $retainKeys,
 * $setElementOrder/LIST and $deleteFromPrimitiveList/LIST are obeyed.
 */
int patch_strategic(const json_t *object, const json_t *patch, const struct schema_message *message,
	json_t **ret, struct err *err);
