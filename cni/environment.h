/* SPDX-License-Identifier: Apache-2.0 */
/* What the runtime says through CNI_* variables. */
#pragma once

#include <stdbool.h>

#include "cni/fault.h"

enum cni_command { CNI_ADD, CNI_DEL, CNI_VERSION };

/* All strings are borrowed; those that a command does not need may be "". */
struct environment {
	enum cni_command command;
	const char *container_id, *netns, *ifname;
};

typedef char *(*environment_get_fn)(const char *name);

/* Reads and checks them through @get (getenv, but for tests); names all that are missing. */
int environment_read(environment_get_fn get, struct environment *ret, struct fault *fault);

/* True when no CNI_* variable that we read is set: a person calls, no runtime. */
bool environment_is_empty(environment_get_fn get);
