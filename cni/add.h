/* SPDX-License-Identifier: Apache-2.0 */
/* ADD: connects a container's netns to the host.  Works with no daemon. */
#pragma once

#include "cni/config.h"
#include "cni/environment.h"
#include "cni/fault.h"

/*
 * Makes all or nothing: a step that fails has the finished ones undone, backwards.  A kill in
 * between leaves what the DEL of the same attachment removes.  The last step prints the result to
 * @output_fd: an attachment that nobody hears of is undone, too.
 */
int add_run(const struct config *config, const struct environment *environment, int output_fd,
	struct fault *fault);
