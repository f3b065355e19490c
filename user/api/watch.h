/* SPDX-License-Identifier: Apache-2.0 */
/* GET with watch=true: a stream of changes. */
#pragma once

struct api_request;
struct failure;

#define WATCHERS_MOST 20000 /* one more is answered with 429 */

/* Begins the stream, or gives -1 and why not. */
int watch_begin(const struct api_request *request, struct failure *failure);
