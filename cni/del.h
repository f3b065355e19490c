/* SPDX-License-Identifier: Apache-2.0 */
/* DEL: removes whatever an ADD of the same attachment left, finished or not. */
#pragma once

#include "cni/config.h"
#include "cni/environment.h"
#include "cni/fault.h"

/*
 * Idempotent; needs neither the namespace nor a result.  Only what carries this attachment's tag is
 * touched, so a late DEL cannot hurt a newer Pod that has the same address or name.
 */
int del_run(
	const struct config *config, const struct environment *environment, struct fault *fault);
