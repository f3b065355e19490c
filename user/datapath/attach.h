/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the CNI plugin needs of the data plane.  No daemon is asked: the first caller loads and
 * pins the programs and maps, later ones only open the pins.  Every call is idempotent and safe
 * beside others.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "podnet/abi.h"
#include "user/datapath/datapath.h"

/* How to reach a Pod's address on this machine. */
struct pod_entry {
	struct in_addr address;
	uint32_t ifindex; /* host side of the veth, in our network namespace */
	uint8_t mac[6];	  /* of the Pod's interface */
	uint16_t flags;	  /* POD_* of abi.h */
};

/*
 * Puts our filters on both directions of the host side of a Pod's veth.  @config->cgroup_root is
 * not looked at.  Filters of others on the same interface stay.  Call pod_put first: the entry is
 * how an upgrade finds the interface, and until it is there the filters drop all that the Pod
 * sends.
 */
int pod_attach(const struct datapath_config *config, uint32_t ifindex, struct err *err);

/* Writes the entry of @pod->address, over an older one. */
int pod_put(const struct datapath_config *config, const struct pod_entry *pod, struct err *err);

/*
 * Removes the entry of @address while it still names @ifindex (0: whatever it names): a late DEL
 * must not take the address from its next owner.  A missing entry, or nothing pinned, is success.
 */
int pod_del(const struct datapath_config *config, struct in_addr address, uint32_t ifindex,
	struct err *err);

/* -ENOENT: there is no such entry. */
int pod_get(const struct datapath_config *config, struct in_addr address, struct pod_entry *ret,
	struct err *err);
