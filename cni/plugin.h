/* SPDX-License-Identifier: Apache-2.0 */
/* One call of the plugin, from its environment and input to the JSON that answers it. */
#pragma once

#include "cni/environment.h"

#define PLUGIN_INPUT_MAX (1u << 20) /* bytes of stdin */

/*
 * Runs what @get says on the configuration that @input_fd holds; the answer - a result, an error, or
 * nothing - goes to @output_fd.  Returns 0 or a negative errno; only when even the error could not be
 * printed, *@err (else untouched) is for the caller to tell.
 */
int plugin_run(environment_get_fn get, int input_fd, int output_fd, struct err *err);
