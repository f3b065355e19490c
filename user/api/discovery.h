/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself: its groups, versions and resources, its version, its health. */
#pragma once

#include <stdbool.h>

struct api;
struct http_exchange;

/* Answers a path that names no object; false: it is somebody else's. */
bool discovery_handle(struct api *api, struct http_exchange *exchange);
