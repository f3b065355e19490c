/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reconcile as a pure function: (spec, observed, now) -> what to do next and when to look again.  Every
 * action is idempotent, so a crash at any point is healed by planning again.
 */
#pragma once

#include "user/node/observed.h"

enum pod_action {
	POD_NOTHING,
	POD_PREPARE, /* record, cgroup, volumes */
	POD_SANDBOX, /* shim and pause */
	POD_NETWORK, /* CNI ADD */
	POD_RESET,   /* after a lost sandbox: kill what is left, CNI DEL, forget it */
	POD_EJECT,   /* out of every Service; done when the data plane acknowledged */
	POD_DRAIN,   /* wait for open connections */
	POD_RELEASE, /* CNI DEL, then the shim's shutdown */
	POD_ERASE,   /* volumes, cgroup, records */
};

enum container_action {
	CONTAINER_NOTHING,
	CONTAINER_PULL,
	CONTAINER_START, /* bundle, create, start */
	CONTAINER_STOP,	 /* preStop, then TERM */
	CONTAINER_KILL,
	CONTAINER_CLEAN, /* runtime delete, bundle */
};

/* What a Pod's plan says beyond its containers. */
struct pod_plan {
	enum pod_action action;
	uint64_t deadline; /* plan again at this time at the latest; USEC_NEVER: only on an event */
};

/*
 * Plans for @pod.  @ret_containers has room for observed->count actions.  At most one action is given
 * for the Pod and one for each container; none while that one is busy.
 */
void pod_plan(const struct pod *pod, const struct pod_observed *observed, uint64_t now,
	struct pod_plan *ret, enum container_action *ret_containers);

/* True when the restart policy asks for another attempt after this exit of container @index. */
bool restart_wanted(const struct pod *pod, size_t index, const struct shim_exit *exit);

/* When an exited container starts again: its exit plus the back-off. */
uint64_t restart_due(const struct container_observed *container);
