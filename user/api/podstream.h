/* SPDX-License-Identifier: Apache-2.0 */
/* What a Pod says and hears: log, exec, attach and portforward, which its node serves. */
#pragma once

#include <stdbool.h>

struct api_request;
struct failure;

/* Whether @request is about one of them. */
bool podstream_is_asked(const struct api_request *request);

/* Sends the request on to the Pod's node and answers with what that answers, or gives -1 and why not. */
int podstream_handle(const struct api_request *request, struct failure *failure);
