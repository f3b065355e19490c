/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the built-in roles and bindings (auth/builtin.h) into the store. */
#pragma once

struct err;
struct store;

/*
 * Writes those that are missing, and what they should allow by now, in one step.  An object whose annotation
 * rbac.authorization.kubernetes.io/autoupdate is "false" stays as it is.
 */
int builtin_write(struct store *store, struct err *err);
