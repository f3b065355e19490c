/* SPDX-License-Identifier: Apache-2.0 */
/* Server-side apply: a patch that is what its manager wants, and makes the object if there is none. */
#pragma once

#include <stdbool.h>

#include "user/base/clock.h"
#include "user/model/kinds.h"
#include "user/model/managed.h"

struct api_request;
struct failure;

/* By the type of its body. */
bool apply_is_asked(const struct api_request *request);

/* Answers 200 or 201, or says with whom it is in conflict.  -1: refused. */
int apply_begin(const struct api_request *request, struct failure *failure);

/* Who sends @request: as it says itself, else its program's name.  At most MANAGED_MANAGER_MAX bytes. */
void manager_name(const struct api_request *request, char ret[MANAGED_MANAGER_MAX + 1]);

/* Room for what else is known of a manager. */
struct manager {
	char api_version[API_VERSION_LEN], now[CLOCK_RFC3339_LEN];
};

/* The manager @name as the one who writes now.  Borrowed from all three. */
struct managed_by manager_of(
	const struct api_request *request, const char *name, struct manager *room);
