/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of node: one Pod's worker and the files that share it (nodepod, podaction, containeraction, ...). */
#pragma once

#include <systemd/sd-event.h>

#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/node/bundle.h"
#include "user/node/cgroup.h"
#include "user/node/cni.h"
#include "user/node/image.h"
#include "user/node/node.h"
#include "user/node/plan.h"
#include "user/node/reap.h"
#include "user/probe/probe.h"
#include "user/probe/turns.h"

#define POD_CONTAINERS_MAX 64 /* of all sorts */

struct sockets;
struct hook;
struct sweep;

struct node {
	sd_event *loop;
	struct worker *worker;
	struct worker *eraser; /* a large tree must not keep records and grace periods waiting */
	const struct node_config *config;
	struct node_events events;
	struct object_source source;
	struct cgroups *cgroups;
	struct images *images;
	struct cni *cni;
	struct node_pod *first; /* ordered by namespace and name */
	size_t adopting;	/* Pods whose shim has not answered yet */
	bool adopt_called;
	struct timer *adopt_timer;
	struct timer *rotate_timer, *collect_timer;
	struct turns *turns; /* of the probes */
	struct sweep *sweep; /* NULL: none is under way */
};

/* What belongs to one container beyond what is observed of it. */
struct container_work {
	struct node_pod *pod;
	size_t index;
	struct image *image; /* for the coming start; NULL: unknown */
	struct image_wait *pull;
	bool erasing;	   /* what is left of the attempt to start goes first */
	unsigned starting; /* number of the attempt that is being started */
	int pidfd;
	sd_event_source *pidfd_source;
	struct prober *probers[2]; /* by enum probe_kind */
	struct hook *hook;	   /* postStart or preStop under way */
	int64_t stop_grace;	   /* seconds; -1: the Pod's */
};

struct node_pod {
	struct node *node;
	struct node_pod *next;
	struct pod *spec;
	struct pod_observed observed;
	struct container_work **work;
	enum container_action *actions; /* room for a plan */
	char *run_dir, *state_dir, *log_dir, *volume_dir;
	char *id; /* "namespace/name" for messages */
	struct shim *shim;
	struct cni_call *cni_call;
	struct reap *reap;
	int netns_fd;
	struct timer *timer;	   /* reconcile */
	struct timer *drain_timer; /* looks at open connections */
	struct sockets *drain;
	enum pod_serving serving;
	uint64_t serving_since, down_since;
	char serving_reason[160];
	char *saved;	     /* text of the last written record */
	bool adopting;	     /* nothing is planned before the shim has answered */
	bool admitted;	     /* its durable record was read: it need not be written */
	bool run_made;	     /* run_dir is there: what is observed can be recorded */
	bool unsaved;	     /* the last record could not be written */
	bool result_saved;   /* how it finished is kept beyond this boot */
	bool record_lost;    /* it was damaged: verdicts come from the data plane */
	json_t *refused;     /* ephemeral containers that cannot be, by name; NULL: none */
	bool network_unsure; /* an ADD of an earlier podnetd may have happened */
};

/* nodepod.c */
int nodepod_new(struct node *node, struct pod *spec, uint64_t created_wall, struct node_pod **ret,
	struct err *err);
void nodepod_free(struct node_pod *pod);
/* The work of one more container; NULL: no memory. */
struct container_work *container_work_new(struct node_pod *pod, size_t index);
/* Plans again on the next turn of the loop. */
void nodepod_kick(struct node_pod *pod);
/* Something observed changed: tells the data plane, writes the record, tells the agent, plans again. */
void nodepod_touch(struct node_pod *pod);
/* Its shim has not answered in time: what the record says is served goes on to be. */
void nodepod_adopt_late(struct node_pod *pod);
/* An action on the whole Pod ended: 0, or a failure that is retried after a back-off. */
void nodepod_done(struct node_pod *pod, int result, const char *reason, const char *message);

/* node.c: the Pod is erased; tells the agent and frees it. */
void node_pod_gone(struct node_pod *pod);

/* podaction.c: what pod_plan() asks for the Pod as a whole */
void podaction_run(struct node_pod *pod, enum pod_action action);

/* podprepare.c: POD_PREPARE, and volumes whose ConfigMaps or Secrets changed */
void podprepare_run(struct node_pod *pod);
void podprepare_refresh(struct node_pod *pod);

/* containererase.c: removes bundle and writable layer of one attempt in the eraser thread; then @done. */
typedef void (*container_erased_fn)(struct container_work *work, int result, const char *reason);
void container_erase(struct container_work *work, unsigned attempt, container_erased_fn done);

/* containeraction.c */
void containeraction_run(struct node_pod *pod, size_t index, enum container_action action);
/* A container's init ended (the record is on disk). */
void containeraction_exited(
	struct node_pod *pod, size_t index, const struct shim_exit *exit, bool unknown);
/* The next attempt begins: the exit of the one before becomes lastState and counts for the back-off. */
void containeraction_supersede(struct container_observed *container);
/* A container runs: watch its init, start its probes.  @adopted: it ran before we did. */
void containeraction_watch(struct node_pod *pod, size_t index, bool adopted);
/* Stops probes, hooks, pulls and the pidfd of one container. */
void containeraction_unwatch(struct node_pod *pod, size_t index);
/* "NAME.ATTEMPT" */
void container_id(
	const struct node_pod *pod, size_t index, unsigned attempt, char ret[SHIM_ID_MAX]);
/* The container and attempt that an id names; false when it is none of this Pod's. */
bool container_of_id(
	const struct node_pod *pod, const char *id, size_t *ret_index, unsigned *ret_attempt);

/* ephemeral.c */
/* Takes over the ephemeral containers that @json, the Pod as its source has it, has got; true: there were some. */
bool ephemeral_update(struct node_pod *pod, const json_t *json);
/*
 * The process whose PID namespace container @index joins: 0: none, it has its own; -1: the container that it
 * targets does not run.
 */
pid_t ephemeral_target(const struct node_pod *pod, size_t index);

/* containerprobe.c */
void containerprobe_start(struct node_pod *pod, size_t index, bool adopted);
void containerprobe_stop(struct node_pod *pod, size_t index, enum probe_kind kind);

/* podevent.c: tells the agent of what people want to hear of, about the Pod as a whole or a container. */
enum podevent_type { EVENT_NORMAL, EVENT_WARNING };
void podevent(struct node_pod *pod, enum podevent_type type, const char *reason, const char *format,
	...) __attribute__((format(printf, 4, 5)));
void containerevent(struct container_work *work, enum podevent_type type, const char *reason,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* podresult.c: keeps the record @text of a finished Pod beyond this boot. */
void podresult_save(struct node_pod *pod, const char *text);
/* Takes over how the Pod ended in an earlier boot.  -ENOENT: it had not. */
int podresult_read(struct node_pod *pod, struct err *err);

/* hook.c: a command or request run once in a container: exec probes, postStart, preStop */
typedef void (*hook_fn)(void *cookie, int code, const char *output);
int hook_exec(struct node_pod *pod, size_t index, const char *const *argv, uint64_t timeout_usec,
	hook_fn done, void *cookie, struct hook **ret, struct err *err);
int hook_start(struct node_pod *pod, size_t index, const struct handler *handler,
	uint64_t timeout_usec, hook_fn done, void *cookie, struct hook **ret, struct err *err);
/* No callback follows.  Accepts NULL; returns NULL. */
struct hook *hook_cancel(struct hook *hook);

/* podlog.c: rotates the logs of a Pod's running containers where they have grown too large. */
void podlog_rotate(struct node_pod *pod);

/* stray.c: kills the shims of @run_dir that do not listen; true when there was one. */
bool stray_shims_kill(const char *run_dir);
/* Calls @fn for each running shim whose directory is PODS_DIR/UID. */
void stray_shims_each(
	const char *pods_dir, void (*fn)(const char *uid, void *userdata), void *userdata);

/* sweep.c */
struct sweep *sweep_free(struct sweep *sweep);
/* What is left of a Pod with this UID is about to be removed: a new one has to wait. */
bool sweep_holds(const struct sweep *sweep, const char *uid);

/* adopt.c */
int adopt_pod(struct node_pod *pod, struct err *err);
void adopt_events(struct node_pod *pod, struct shim_events *ret);
/* Opens the sandbox's network namespace; the pid is checked by the open itself. */
int adopt_netns(struct node_pod *pod, struct err *err);
