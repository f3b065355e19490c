/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to what Pods, Services and nodes themselves serve: pods/proxy, services/proxy, nodes/proxy. */
#pragma once

struct api_request;
struct failure;

/* Sends the request on, with the path, query and body it has, and answers with what is answered; or gives -1 and why
 * not. */
int proxy_handle(const struct api_request *request, struct failure *failure);
