/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets the host forward what Pods send and receive: the sysctl, and an accept rule at the head of
 * each nf_tables forward chain whose policy is DROP (Docker, ufw), where an accept of our own chain
 * would not count.  The rules carry the comment "podnet-INSTANCE: PREFIX".
 */
#pragma once

#include <stddef.h>

#include "user/net/prefix.h"

struct err;

/* Sets net.ipv4.ip_forward unless it is set: writing it resets every interface's own setting. */
int forwarding_enable(struct err *err);

/* Adds what is missing to the DROP chains of this moment.  Any number may run at once. */
int forwarding_accept(
	const char *instance, const struct prefix *pods, size_t pod_count, struct err *err);

/* Removes the instance's rules from all chains.  None is success. */
int forwarding_remove(const char *instance, struct err *err);
