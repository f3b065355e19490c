/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the plugin, from its environment and input to the JSON that answers it. */
#pragma once

#include "cni/environment.h"
#include "user/base/json.h"

#define PLUGIN_INPUT_MAX (1u << 20) /* bytes of stdin */

/*
 * Runs what @get says on the configuration that @input_fd holds.  The caller owns *@ret: a result, an
 * error, or NULL when success has nothing to say.  Returns 0, or a negative errno that *@ret explains
 * (NULL then means that memory was out even for that).
 */
int plugin_run(environment_get_fn get, int input_fd, json_t **ret);
