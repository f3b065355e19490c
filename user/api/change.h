/* SPDX-License-Identifier: Apache-2.0 */
/* POST, PUT, PATCH and DELETE of objects. */
#pragma once

struct api_request;
struct failure;

/* Each takes the request on and answers it, now or later, or gives -1 and why not. */
int change_create(struct api_request *request, struct failure *failure);
int change_update(const struct api_request *request, struct failure *failure);
int change_patch(const struct api_request *request, struct failure *failure);
int change_delete(const struct api_request *request, struct failure *failure);
int change_delete_collection(const struct api_request *request, struct failure *failure);
