/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pods reach the outside under the address of the interface they leave by: one nf_tables table per
 * instance, "podnet-INSTANCE" of family ip, that nobody else writes: an instance has one network.
 */
#pragma once

#include <stddef.h>

#include "user/net/prefix.h"

struct err;

struct masquerade {
	const char *instance;
	const struct prefix *pods; /* sources to translate */
	size_t pod_count;
	const struct prefix *kept; /* destinations, besides @pods, that see the Pod's address */
	size_t kept_count;
};

/* Writes the table in one transaction, unless it already says just this.  Any number may run at once. */
int masquerade_set(const struct masquerade *masquerade, struct err *err);

/* Removes the instance's table.  None is success. */
int masquerade_remove(const char *instance, struct err *err);
