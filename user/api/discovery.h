/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself: its groups, versions and resources, its version, its health. */
#pragma once

#include <stdbool.h>

struct api;
struct http_exchange;

/* The path names no object. */
bool discovery_is_wanted(const struct http_exchange *exchange);

/* Health and version, which everybody may know. */
bool discovery_is_public(const struct http_exchange *exchange);

/* Answers such a path. */
void discovery_answer(const struct api *api, struct http_exchange *exchange);
