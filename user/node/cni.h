/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the chain of CNI plugins as any runtime does: in order for ADD, with prevResult, backwards for DEL. */
#pragma once

#include <netinet/in.h>
#include <systemd/sd-event.h>

struct err;
struct cni;
struct cni_call;

struct cni_config {
	const char *conf_dir; /* the first *.conflist, *.conf by name counts */
	const char *bin_dir;
	const char *cache_dir; /* RUN/cni: result of each ADD, needed for DEL */
};

struct cni_result {
	struct in_addr address; /* network byte order; the first IPv4 of the result */
	char mac[18];		/* of the container's interface; "" when the result has none */
	char interface[16];
	char host_interface[16]; /* "" when the result names none */
};

struct cni_attachment {
	const char *container_id; /* the Pod's UID */
	const char *netns;	  /* path; NULL or "" for DEL of a sandbox that is gone */
	const char *pod_name, *pod_namespace, *pod_uid;
};

/* Copies the paths; reads nothing before a call.  The caller owns *@ret. */
int cni_new(sd_event *loop, const struct cni_config *config, struct cni **ret, struct err *err);
/* Its calls must have ended or been cancelled.  Accepts NULL; returns NULL. */
struct cni *cni_free(struct cni *cni);

/* @result 0 and the addresses, or a negative errno and a one-line reason ("plugin 'podnet': code 11: no free address ..."). */
typedef void (*cni_done_fn)(
	void *userdata, int result, const struct cni_result *added, const char *reason);
/* On failure of a later plugin the chain is undone (DEL) before @done is called. */
int cni_add(struct cni *cni, const struct cni_attachment *attachment, cni_done_fn done,
	void *userdata, struct cni_call **ret, struct err *err);
/* Idempotent; works without a cached result and without a namespace. */
int cni_del(struct cni *cni, const struct cni_attachment *attachment, cni_done_fn done,
	void *userdata, struct cni_call **ret, struct err *err);
/* Kills the plugin that runs; no callback follows.  Accepts NULL; returns NULL. */
struct cni_call *cni_call_cancel(struct cni_call *call);
/* What a successful ADD of this container left in the cache.  -ENOENT: nothing. */
int cni_cached(
	const struct cni *cni, const char *container_id, struct cni_result *ret, struct err *err);
