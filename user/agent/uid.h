/* SPDX-License-Identifier: Apache-2.0 */
/* The UID of a manifest's Pod: what it is follows from where it comes from, so a restart changes nothing. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/model/object.h"

#define UID_LEN 37 /* 36 characters and NUL */

/* Whether a Pod with this UID came from a manifest: an API server gives none of our version. */
bool uid_is_derived(const char *uid);

/*
 * A UUID (version 8: our own scheme) out of source file, namespace, name, spec and incarnation.
 * Labels and annotations do not count.  Returns 0 or -ENOMEM.
 */
int uid_derive(
	const char *file, const struct object *object, uint64_t incarnation, char ret[UID_LEN]);
