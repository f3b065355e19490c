/* SPDX-License-Identifier: Apache-2.0 */
/* POST, PUT, PATCH and DELETE of objects. */
#pragma once

#include "user/base/json.h"

struct api_request;
struct failure;
struct write;

/* Each takes the request on and answers it, now or later, or gives -1 and why not. */
int change_create(struct api_request *request, struct failure *failure);
int change_update(const struct api_request *request, struct failure *failure);
int change_patch(const struct api_request *request, struct failure *failure);
int change_delete(const struct api_request *request, struct failure *failure);
int change_delete_collection(const struct api_request *request, struct failure *failure);

/* --- steps of changes --- */

/*
 * What is in a namespace needs one that is not on its way out, and that stays so until it is written: when a
 * namespace is seen empty, nothing comes behind.
 */
int create_check_namespace(struct write *write, struct failure *failure);

/* Once the last finalizer has gone, an object that is being deleted goes too. */
void update_settle(struct write *write, const json_t *old);
