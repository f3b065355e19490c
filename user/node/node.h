/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Pods of this machine: each is a worker that reconciles what is observed with its spec.  Nothing here
 * knows Services or BPF; the agent hears of every change of what a Pod serves, first of all.
 */
#pragma once

#include <netinet/in.h>
#include <systemd/sd-event.h>

#include "user/base/json.h"
#include "user/model/pod.h"
#include "user/node/observed.h"
#include "user/node/shim.h"
#include "user/node/volume.h"

struct err;
struct node;
struct node_pod;
struct usage;
struct worker;

/* All strings are borrowed and must outlive the node. */
struct node_config {
	const char *state_dir, *run_dir, *log_dir;
	const char *log_links; /* directory of the flat links ("/var/log/containers"); NULL: none */
	const char *libexec_dir; /* podnet-shim, podnet-pause, podnet-pull */
	const char *runtime;	 /* path of crun or runc */
	const char *claim_dir;	 /* hybrid cure for the shims; NULL: none */
	const char *cgroup_root; /* NULL: the cgroup2 mount's root */
	const char *cni_conf_dir, *cni_bin_dir;
	const char *registries_conf; /* NULL: the system's */
	const char *node_name;
	struct in_addr host_ip;
};

/* What people want to hear of, as an Event would say it. */
struct node_event {
	const char *container; /* NULL: it is about the Pod as a whole */
	const char *list;      /* of the spec, that it is in: "containers" */
	bool warning;
	const char *reason, *message; /* "Started", "Started container web" */
};

struct node_events {
	/* What @pod serves changed.  Called before anything is written or told to anybody else. */
	void (*serving)(void *userdata, struct node_pod *pod, enum pod_serving state);
	/* Something that its status shows changed. */
	void (*changed)(void *userdata, struct node_pod *pod);
	/* Something happened to it; may be NULL.  All is borrowed. */
	void (*happened)(void *userdata, struct node_pod *pod, const struct node_event *event);
	/* Take the Pod out of every Service; call acknowledged(cookie) when no new flow can reach it. */
	void (*eject)(void *userdata, struct node_pod *pod, void (*acknowledged)(void *cookie),
		void *cookie);
	/* The Pod is gone without a trace; @pod is valid only during the call. */
	void (*gone)(void *userdata, struct node_pod *pod);
	/* Whether the data plane still takes @address for ready: what is left of a verdict whose record is lost. */
	bool (*was_ready)(void *userdata, struct in_addr address);
	/* Every Pod of the records was found again (or found lost): called once after node_adopt. */
	void (*adopted)(void *userdata);
	/* Whether a Pod with this UID is wanted though it was not added (yet): nothing of it is swept. */
	bool (*wanted)(void *userdata, const char *uid);
	/* A sweep is over: Pods that were refused with -EBUSY may be added. */
	void (*swept)(void *userdata);
	void *userdata;
};

/* A container's init. */
struct node_init {
	pid_t pid;
	int pidfd;	  /* borrowed */
	uint64_t started; /* clock_now() when it began */
};

/* The caller owns *@ret; @worker and @config are borrowed. */
int node_new(sd_event *loop, struct worker *worker, const struct node_config *config,
	const struct node_events *events, const struct object_source *source, struct node **ret,
	struct err *err);
/* Leaves shims and containers running.  Accepts NULL; returns NULL. */
struct node *node_free(struct node *node);

/* Takes over the Pods that an earlier podnetd recorded; ->adopted follows on the loop. */
int node_adopt(struct node *node, struct err *err);

/*
 * Removes what this podnetd or one before it has made for Pods that are neither here nor wanted and whose record is
 * gone: processes, cgroups, network, mounts, directories, logs.  ->swept follows.
 */
void node_sweep(struct node *node);

/* Starts working towards @object (KIND_POD with its UID).  Refuses a second Pod of that namespace and name.
 * -EBUSY: what is left of an earlier one with this UID is being swept. */
int node_pod_add(struct node *node, const struct object *object, struct err *err);

/* Deletes gracefully; @grace in seconds, negative: the spec's.  A later call may only shorten the time. */
void node_pod_delete(struct node_pod *pod, int64_t grace);

/* Borrowed until ->gone; NULL when there is none. */
struct node_pod *node_pod_find(const struct node *node, const char *namespace, const char *name);
/* The Pods in order of namespace and name: @after NULL gives the first, then the next; NULL at the end. */
struct node_pod *node_pod_next(const struct node *node, const struct node_pod *after);

/*
 * Takes over labels, annotations, images and new ephemeral containers of @json (a Pod), the only parts that change
 * without a new Pod.  A container whose image is another one is stopped, and started with it.
 */
void node_pod_update(struct node_pod *pod, const json_t *json);

/* What a Pod is.  All borrowed. */
const struct pod *node_pod_spec(const struct node_pod *pod);
const struct pod_observed *node_pod_observed(const struct node_pod *pod);
/* Its network namespace; -1 while it has none.  Borrowed until the Pod's next action. */
int node_pod_netns(const struct node_pod *pod);
enum pod_serving node_pod_serving(const struct node_pod *pod);
/* What of it still runs is not known: its shim has not answered since podnetd started. */
bool node_pod_is_unsure(const struct node_pod *pod);
/* The process that main container @index, from 0 on, lives by; false while it does not run. */
bool node_pod_init(const struct node_pod *pod, size_t index, struct node_init *ret);
/* clock_now() right after the data plane was told of the last change of what it serves. */
uint64_t node_pod_serving_since(const struct node_pod *pod);
/* clock_now() of the last time it was told to be down; 0: never. */
uint64_t node_pod_down_since(const struct node_pod *pod);
/* A short reason for what it serves: "", "container web exited", "readiness probe failed: ...".  Borrowed. */
const char *node_pod_serving_reason(const struct node_pod *pod);
/* The whole object with its status.  The caller owns it; NULL when memory is out. */
json_t *node_pod_json(const struct node_pod *pod);
/* Index of a container by name, NULL meaning the only one: -ENOENT with the choice in @err. */
int node_pod_container(const struct node_pod *pod, const char *name, size_t *ret, struct err *err);
/* The directory that holds the container's logs, ATTEMPT.log.  The caller frees; NULL: no memory. */
char *node_pod_log_dir(const struct node_pod *pod, size_t container);
/* A command for a container.  Borrowed during the call. */
struct node_exec {
	const char *const *argv; /* NULL: none, its own output and stdin are attached to */
	bool with_stdin, tty;
};
/* Runs it in a running container: see shim_exec. */
int node_pod_exec(struct node_pod *pod, size_t container, const struct node_exec *exec,
	const struct shim_exec_events *events, uint32_t *ret_exec, struct err *err);
void node_pod_exec_kill(struct node_pod *pod, uint32_t exec);

/* What container @container uses, or the whole Pod. */
#define NODE_POD_WHOLE SIZE_MAX
void node_pod_usage(const struct node_pod *pod, size_t container, struct usage *ret);

/* ConfigMaps or Secrets changed: volumes are brought up to date, waiting Pods try again now. */
void node_sources_changed(struct node *node);
