/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The agent: the only layer that sees both Pods and packets.  It admits what the manifests describe, turns
 * readiness into endpoint states and rows, and answers on the control socket.
 */
#pragma once

#include <systemd/sd-event.h>

#include "user/agent/options.h"

struct err;
struct agent;

/* Adopts what runs, then follows the manifests; with options->remove it ends all Pods, and then the loop.  @options is borrowed.  The caller owns *@ret. */
int agent_new(sd_event *loop, const struct options *options, struct agent **ret, struct err *err);

/* Stops deciding; Pods, connections and Services go on as they are.  Accepts NULL; returns NULL. */
struct agent *agent_free(struct agent *agent);

/* Takes out of the kernel what no Pod needs any more: programs, maps, the nftables table, the route. */
int agent_remove(const struct options *options, struct err *err);
