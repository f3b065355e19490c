/* SPDX-License-Identifier: Apache-2.0 */
/* cls_bpf filters on a Pod's veth: attached by netlink, found again by priority and handle. */
#pragma once

#include <stdint.h>

struct datapath_config;
struct err;

/*
 * Puts the pinned programs on both directions of @ifindex, over older ones of ours.  -ENODEV: gone.
 */
int filter_attach(const struct datapath_config *config, uint32_t ifindex, struct err *err);
