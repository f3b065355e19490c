/* SPDX-License-Identifier: Apache-2.0 */
/* Names that follow from others, so that any later call finds what an earlier one made. */
#pragma once

#include <net/if.h>
#include <stdbool.h>

#include "user/net/ipam.h"

/* An attachment is (container id, interface name); its tag names its address and its host interface. */
struct attachment_names {
	char tag[IPAM_TAG_LEN + 1];
	char host_ifname[IFNAMSIZ];
};

/* The same names for the same attachment, in every version of the plugin. */
void attachment_name(const char *container_id, const char *ifname, struct attachment_names *ret);

/* Container ids and network names: a letter or digit, then letters, digits, '_', '.' and '-'. */
bool name_is_id(const char *name);
