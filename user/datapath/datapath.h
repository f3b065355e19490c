/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Service data plane as the agent sees it.  Everything is pinned; opening adopts what is there
 * and changes nothing that is still right.  Addresses and ports are in network byte order.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "podnet/endpoint.h"

struct err;
struct datapath;

struct datapath_config {
	const char *bpf_dir;	 /* "/sys/fs/bpf"; mounted there when it is not bpffs yet */
	const char *instance;	 /* "default" */
	const char *cgroup_root; /* where the socket hooks attach; NULL: no hooks (tc only) */
};

/* One port of one Service.  A backend is an endpoint's address at a port. */
struct dp_backend {
	struct in_addr address;
	in_port_t port;
};

struct dp_service {
	struct in_addr vip;
	in_port_t port;
	uint8_t protocol;
	uint8_t accepts; /* mask of 1 << ENDPOINT_* that new flows may go to; when no backend
			    has one of these: to those that are TERMINATING */
	const struct dp_backend *backends;
	size_t backend_count;
};

struct dp_endpoint {
	struct in_addr address;
	uint32_t state; /* ENDPOINT_READY, _UNREADY, _TERMINATING, _DOWN, _HELD */
	bool unsure; /* whether its processes still run is not known: where it is DOWN it stays so */
};

/*
 * A process whose end sets its endpoint DOWN, unless that was HELD: the kernel does it by itself.
 */
struct dp_init {
	struct in_addr address; /* of a desired endpoint; for others nothing is done */
	pid_t pid;		/* in our pid namespace */
	int pidfd; /* of the same process: without it, one that ended before would be missed */
	uint64_t started; /* tells it from an earlier one with its pid */
};

/* All that should be in the kernel.  Arrays are borrowed during the call; any order. */
struct dp_desired {
	const struct dp_service *services;
	size_t service_count;
	const struct dp_endpoint *endpoints; /* every address that backends use must be here */
	size_t endpoint_count;
	const struct dp_init *inits;
	size_t init_count;
};

/*
 * Loads programs and maps, or adopts the pinned ones; attaches the socket hooks.  Where an older ABI
 * serves, it goes on until the first datapath_apply.  @config's directory and instance are borrowed
 * until datapath_close.
 */
int datapath_open(const struct datapath_config *config, struct datapath **ret, struct err *err);
/* Unmaps and closes; everything pinned goes on working.  Accepts NULL; returns NULL. */
struct datapath *datapath_close(struct datapath *datapath);
/*
 * Detaches the hooks and removes the pins of this instance, older ABIs' too: the end of `podnetctl down` and of
 * tests.
 */
int datapath_remove(const struct datapath_config *config, struct err *err);

/*
 * One aligned store: from the next packet on new flows follow it.  Never blocks, allocates or
 * fails for a known address; -ENOENT for an unknown one.  An endpoint whose process has ended
 * since is DOWN instead, unless it is HELD.
 */
int datapath_endpoint_state(struct datapath *datapath, struct in_addr address, uint32_t state);

/*
 * Brings the kernel from what it holds to @desired by ordered edits (plan.h), any prefix of which
 * is safe.  Writes nothing when nothing differs.  An endpoint one of whose processes has ended is
 * DOWN, or HELD, until it is asked for without that process.  *@ret_retired (may be NULL) tells
 * that ids wait for a grace period: call datapath_grace, then datapath_reclaim.
 */
int datapath_apply(struct datapath *datapath, const struct dp_desired *desired, bool *ret_retired,
	struct err *err);

/* Blocks until no BPF program still runs that began before the call (about 8 ms).  Any thread. */
int datapath_grace(struct datapath *datapath, struct err *err);
/* Frees the ids retired before the last datapath_grace.  On the loop. */
void datapath_reclaim(struct datapath *datapath);

/*
 * Grows whenever an endpoint is set DOWN or a backend leaves a UDP service, and is not 0 at first: when it is another than before, it
 * is time to ask datapath_peer_is_gone.
 */
uint64_t datapath_gone(const struct datapath *datapath);

/*
 * Whether the UDP socket @cookie was connected to @address and @port as the backend of a service,
 * and that backend is gone: its endpoint is DOWN, or it has left the service.  Such a socket
 * waits for ever; its owner can only be told by ending it.  Any thread.
 */
bool datapath_peer_is_gone(
	struct datapath *datapath, uint64_t cookie, struct in_addr address, in_port_t port);

/* What the kernel holds, for `get backends`, tests and adoption.  The caller frees *@ret. */
int datapath_endpoints(
	struct datapath *datapath, struct dp_endpoint **ret, size_t *ret_count, struct err *err);
