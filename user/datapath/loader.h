/* SPDX-License-Identifier: Apache-2.0 */
/* Brings programs and maps into the kernel and pins them, or adopts what is pinned. */
#pragma once

#include <stdbool.h>

struct datapath_config;
struct err;

/*
 * Loads and pins what is missing.  Maps that are pinned are adopted as they are; so are programs of
 * this build.  Programs of another build are replaced, also where they are attached to Pods.
 * The pin directory must be locked with PINDIR_CHANGE.
 */
int loader_run(const struct datapath_config *config, struct err *err);

/* Puts the pinned programs on the interfaces of all Pods, over what is there of ours. */
int loader_attach_pods(const struct datapath_config *config, struct err *err);

/* Attaches the socket hooks to @config->cgroup_root, or moves them there; NULL detaches them. */
int loader_attach_hooks(const struct datapath_config *config, struct err *err);
