/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a Pod on this node.  Reconcile (plan.h) and status (podstatus.h) are pure functions of
 * it; only the Pod's worker writes it.  Times named *_wall are microseconds since 1970 and only shown; all
 * others are clock_now() microseconds.
 */
#pragma once

#include <netinet/in.h>

#include "user/base/clock.h"
#include "user/model/pod.h"
#include "user/node/shim.h"

enum container_phase {
	CONTAINER_ABSENT, /* no attempt exists (yet, or any more) */
	CONTAINER_RUNNING,
	CONTAINER_EXITED,
};

struct container_observed {
	enum container_phase phase;
	/* Number of the present (or, when absent, the coming) attempt: names its log and bundle, and is the
	 * restartCount. */
	unsigned attempt;
	unsigned crashes; /* restarts in a row that nothing has forgiven */
	pid_t pid;	  /* of init; 0 unless running */
	bool gone;	  /* init is dead; the shim has not told the code yet */
	uint64_t started, started_wall;
	uint64_t finished;
	bool has_exit, has_last;
	struct shim_exit exit; /* of the present attempt */
	struct shim_exit last; /* of the attempt before: lastState */
	bool unknown_exit; /* the exit is our guess: the shim was lost (ContainerStatusUnknown) */
	bool last_unknown_exit;
	bool busy;	     /* an action is under way */
	bool image_present;  /* for the coming start */
	bool cleaned;	     /* runtime state and bundle of the exited attempt are gone */
	bool stop_requested; /* by a liveness probe or a failed hook */
	bool stopping;	     /* preStop has begun or TERM was sent */
	bool killed;	     /* KILL was sent */
	uint64_t kill_at;    /* when KILL follows */
	bool probe_ready;    /* verdict of the readiness probe (true without one) */
	unsigned failures;   /* failed pulls or starts in a row */
	uint64_t retry_at;
	int stop_signal; /* of its image; 0: TERM */
	char reason[64]; /* why it waits: "ErrImagePull"; "" when nothing failed */
	char message[240];
	char image_digest[80];
};

enum sandbox_phase {
	SANDBOX_ABSENT,
	SANDBOX_RUNNING,
	SANDBOX_LOST, /* the shim or pause is gone: all is killed and made anew */
};

struct pod_observed {
	bool busy;     /* an action on the Pod as a whole is under way */
	bool prepared; /* recorded, cgroup and volumes made */
	enum sandbox_phase sandbox;
	pid_t pause_pid;
	bool networked;
	struct in_addr ip; /* network byte order; valid when networked */
	unsigned failures;
	uint64_t retry_at;
	char reason[64];
	char message[240];

	bool deleting;
	uint64_t deleted_at; /* the one clock of the grace period starts here */
	uint64_t deleted_wall;
	uint32_t grace; /* seconds */
	bool ejected;	/* the data plane acknowledged */
	bool drained;	/* no connection of before is open, or the wait is over */
	bool erased;	/* nothing is left: the worker may go */

	uint64_t created_wall;
	uint64_t ready_wall; /* of the last change of Ready */
	bool was_ready;
	size_t count;	  /* init containers first, then the containers, then the ephemeral ones */
	size_t ephemeral; /* how many of the last are ephemeral */
	struct container_observed *containers;
};

/* What the data plane is told about a Pod (the agent maps it to its endpoint states). */
enum pod_serving {
	SERVING_NONE, /* no address, or none that may be used */
	SERVING_READY,
	SERVING_UNREADY,
	SERVING_TERMINATING, /* being deleted, and as good as READY until then */
	SERVING_DOWN,	     /* a container is dead: nothing will answer */
};

/* It was running, and nobody can tell how that ended. */
void observed_lose(struct container_observed *container);

/* The container of the spec that observed->containers[index] belongs to. */
const struct container *observed_container(const struct pod *pod, size_t index);

/* True for an init container. */
bool observed_is_init(const struct pod *pod, size_t index);

/* True for an ephemeral container: it does not count for what the Pod is, and is never started again. */
bool observed_is_ephemeral(const struct pod *pod, size_t index);

/* Behind the last container that makes the Pod what it is. */
size_t observed_end(const struct pod_observed *observed);

/* The container runs and its readiness verdict is good. */
bool container_is_ready(const struct container_observed *container);

/* Every container is ready and the Pod is not being deleted. */
bool pod_is_ready(const struct pod *pod, const struct pod_observed *observed);

/* Every init container has succeeded. */
bool pod_is_initialized(const struct pod *pod, const struct pod_observed *observed);

/* All containers ended and the restart policy lets them rest: phase Succeeded or Failed. */
bool pod_is_finished(const struct pod *pod, const struct pod_observed *observed, bool *ret_failed);

/* The serving state that follows from what is observed. */
enum pod_serving pod_serving(const struct pod *pod, const struct pod_observed *observed);
