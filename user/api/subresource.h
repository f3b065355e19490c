/* SPDX-License-Identifier: Apache-2.0 */
/* What stands below an object and is not its status: binding, scale, eviction, finalize. */
#pragma once

struct api_request;
struct failure;

/* Takes the request on and answers it, now or later, or gives -1 and why not. */
int subresource_handle(const struct api_request *request, struct failure *failure);
