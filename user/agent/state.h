/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of agent: what its files share. */
#pragma once

#include "user/agent/agent.h"
#include "user/agent/cluster.h"
#include "user/agent/manifests.h"
#include "user/agent/vips.h"
#include "user/base/err.h"
#include "user/base/loop.h"
#include "user/base/worker.h"
#include "user/cluster/slices.h"
#include "user/datapath/datapath.h"
#include "user/http/server.h"
#include "user/http/streams.h"
#include "user/model/service.h"
#include "user/node/node.h"

enum store { STORE_SERVICES, STORE_INCARNATIONS, STORE_CLUSTER, STORE_SOURCES, STORE_COUNT };

/* One Service that is served. */
struct agent_service {
	struct agent_service *next;
	char *key; /* "namespace/name" */
	struct service *spec;
	struct in_addr vip;    /* not set when headless */
	uint64_t created_wall; /* 0: the API server knows */
	uint64_t revision;     /* of its manifest */
	bool foreign;	       /* it is the API server's, not a manifest's */
};

struct agent {
	sd_event *loop;
	const struct options *options;
	struct node_config node_config;
	char runtime[256];
	char *claim_dir;
	int lock_fd;
	struct worker *worker;
	struct worker *looker; /* looks for sockets: no grace period or file is waited for */
	struct eject *ejects;
	struct datapath *datapath;
	struct node *node;
	struct manifests *manifests;
	struct cluster *cluster;    /* NULL: there is no API server */
	struct http_server *server; /* of the control socket */
	struct nodeapi *nodeapi;    /* NULL: it is not served */
	struct log_stream *log_streams;
	struct exec_stream *exec_streams;
	struct forward *forwards;
	struct agent_service *services; /* ordered by key */
	struct vips *vips;
	json_t *service_times; /* "ns/name" -> created, microseconds since 1970 */
	json_t *incarnations;  /* see incarnations.h */
	struct timer *apply_timer, *store_timer;
	struct timer *pods_timer;	/* Pods that could not be added */
	bool store_failed[STORE_COUNT]; /* what memory says is not on disk */
	bool store_large[STORE_COUNT];	/* it never will be: that was told */
	bool udp_looking;		/* in the looker thread */
	uint64_t udp_gone;		/* datapath_gone of the last look */
	int udp_look_failed;		/* how it ended: a failure is logged once */
	bool scanned;			/* the first complete sync: nothing is removed before it */
	bool told_ready;
	enum { ORPHANS_UNSEEN, ORPHANS_WAIT, ORPHANS_SWEPT } orphans;
};

/* pods.c: manifests -> Pods */
int pods_load(struct agent *agent, struct err *err);
void pods_sync(struct agent *agent);
/* A Pod could not be added, @r: when that may pass, all are looked at again soon. */
void pods_retry(struct agent *agent, int r);
/* That time has come. */
void pods_again(void *userdata);
/* Deletes a Pod on request; its manifest makes it anew with another UID. */
void pods_delete(struct agent *agent, struct node_pod *pod, int64_t grace);
/* The Pod is gone: what the manifests want in its place may start. */
void pods_gone(struct agent *agent, struct node_pod *pod);

/* A document that cannot be read may describe a Pod: nothing that an unknown one needs may be given up. */
bool pods_may_be_hidden(const struct agent *agent);
/* Whether a Pod that this manifest makes now has that UID. */
bool pods_is_uid(const struct agent *agent, const struct manifests_entry *entry, const char *uid);

/* orphans.c: called after each sync; sweeps once what is left of Pods that nobody knows. */
void orphans_look(struct agent *agent);
/* node_events.wanted, node_events.swept */
bool orphans_wanted(void *userdata, const char *uid);
void orphans_swept(void *userdata);

/* removal.c: with --remove, instead of following manifests and API server */
void removal_begin(struct agent *agent);
void removal_pod_gone(struct agent *agent);
/* Nothing is left of Pods that were unknown either. */
void removal_swept(struct agent *agent);

/* services.c: manifests -> Services -> data plane */
int services_load(struct agent *agent, struct err *err);
void services_sync(struct agent *agent);
/* Records addresses and times. */
void services_save(struct agent *agent);
void services_free(struct agent *agent);
/* Brings the data plane to what Services and Pods say now. */
void services_apply(void *userdata);
/* node_events.serving */
void services_serving(void *userdata, struct node_pod *pod, enum pod_serving state);
/* node_events.was_ready */
bool services_was_ready(void *userdata, struct in_addr address);
/* Waits for a grace period; in the worker thread. */
void services_grace(void *userdata);
/* Calls @fn for every Pod that belongs to the Service and has an address. */
void services_each_pod(const struct agent *agent, const struct service *service,
	void (*fn)(struct node_pod *pod, void *userdata), void *userdata);

/* backends.c: brings the data plane to what Services and Pods say now; see datapath_apply. */
int backends_apply(struct agent *agent, bool *ret_retired, struct err *err);
/* The state of an endpoint that serves so. */
uint32_t backends_state(enum pod_serving serving);
/* Whether clients of this node may be sent to what a slice of @service tells. */
bool backends_takes(const struct service *service, const struct slice_endpoint *endpoint);

/* eject.c: node_events.eject */
void eject_start(
	void *userdata, struct node_pod *pod, void (*acknowledged)(void *cookie), void *cookie);
/* Forgets all handshakes under way, behind the worker's end. */
void eject_end_all(struct agent *agent);

/*
 * udpsockets.c: when endpoints have gone since the last call, ends UDP sockets, of Pods and of the
 * host, that are connected to them.  Soon, in the worker thread.
 */
void udpsockets_look(struct agent *agent);

/* store.c: small records, written by the worker thread in the order of the calls */
int store_read(const struct agent *agent, enum store store, json_t **ret, struct err *err);
/* @json is borrowed; NULL: it could not be made.  A failure is logged once and tried again. */
void store_write(struct agent *agent, enum store store, const json_t *json);
/* Writes again what could not be written. */
void store_retry(void *userdata);

/* control.c: the API on the control socket */
int control_open(struct agent *agent, struct err *err);
/* control_logs.c */
void control_logs(struct agent *agent, struct http_exchange *exchange);
/* Something about @pod changed: whoever follows a log of it may be at its end. */
void control_follow(struct agent *agent, struct node_pod *pod);
/* The Pod is gone: its followers end. */
void control_logs_gone(struct agent *agent, struct node_pod *pod);
/* The container that the path's last segment names ("-": the only one); answers 400 and gives false when
 * there is none. */
bool control_container(struct node_pod *pod, struct http_exchange *exchange, size_t *ret);
/* "true" or "1" */
bool control_query_is_true(const struct http_exchange *exchange, const char *name);

/* control_exec.c */
/* What the query asks for: input, output, error, tty. */
struct streams_wish control_wish(const struct http_exchange *exchange);
void control_exec(struct agent *agent, struct http_exchange *exchange);
void control_attach(struct agent *agent, struct http_exchange *exchange);
/* The Pod is gone: there is nothing to kill any more. */
void control_exec_gone(struct agent *agent, struct node_pod *pod);
/* Ends all sessions. */
void control_exec_end(struct agent *agent);

/* nodestats.c */
void nodestats_summary(struct agent *agent, struct http_exchange *exchange);
void nodestats_metrics(struct agent *agent, struct http_exchange *exchange);

/* control_forward.c: the same for port-forward */
void control_forward(struct agent *agent, struct http_exchange *exchange);
void control_forward_gone(struct agent *agent, struct node_pod *pod);
void control_forward_end(struct agent *agent);

/* control.c */
/* The Pod that the path names; answers 404 and gives NULL when there is none. */
struct node_pod *control_pod(struct agent *agent, struct http_exchange *exchange);

/* host.c: what this machine offers */
int host_runtime(struct agent *agent, struct err *err);
/* The address Pods know the host by: that of the interface with the default route, else loopback's. */
struct in_addr host_address(void);
/* Writes 10-podnet.conflist when the directory holds no CNI configuration. */
int host_cni_conf(const struct options *options, struct err *err);
/*
 * Sockets of the host reach Services by the connect hooks or not at all: what else it sends to their range is
 * answered "no route to host".  The route stays, like the pins, when podnetd ends.
 */
void host_refuse_services(const struct options *options);
/* Takes that back. */
int host_allow_services(const struct options *options, struct err *err);
