/* SPDX-License-Identifier: Apache-2.0 */
/* GET: one object, or a list. */
#pragma once

struct api_request;
struct failure;

/* Each answers the request, or gives -1 and why not. */
int read_object(const struct api_request *request, struct failure *failure);
int read_list(const struct api_request *request, struct failure *failure);
