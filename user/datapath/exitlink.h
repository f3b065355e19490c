/* SPDX-License-Identifier: Apache-2.0 */
/* The program that sees processes end is attached to the kernel as a whole. */
#pragma once

struct datapath_config;
struct err;

/*
 * Attaches what loader_run has pinned, by a link that is pinned too; a link of another build's
 * program is replaced.  The pin directory must be locked with PINDIR_CHANGE.
 */
int exitlink_attach(const struct datapath_config *config, struct err *err);
