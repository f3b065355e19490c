/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One worker per (Pod, container, kind of probe): runs the handler when the verdict machine says so and
 * reports verdict changes.  Sockets are opened inside the Pod's network namespace and connected on the loop.
 */
#pragma once

#include <netinet/in.h>
#include <systemd/sd-event.h>

#include "user/model/pod.h"
#include "user/probe/verdict.h"

struct err;
struct prober;
struct turns;

struct prober_config {
	enum probe_kind kind;
	const struct probe_spec *spec;	   /* borrowed; outlives the prober */
	const struct container *container; /* for port names; borrowed */
	int netns_fd;		/* borrowed; sockets are made inside.  -1: the agent's own */
	struct in_addr address; /* the Pod's, network byte order */
	uint64_t started_at;	/* clock_now() of the container's start */
	/* The verdict to start from: the initial one of the kind, or what was recorded before a restart
	 * of the agent (adopted: the first probe is then spread over one period). */
	bool adopted;
	bool initial;
	/* Starts an exec probe; calls done(cookie, code, output) once, later: code is the exit code, or negative
	 * errno when it could not be run (a prober error: no verdict), -ETIMEDOUT when the deadline passed.
	 * @ret_cancel_handle identifies it for exec_cancel, after which done is not called. */
	int (*exec_start)(void *userdata, const char *const *argv, uint64_t timeout_usec,
		void (*done)(void *cookie, int code, const char *output), void *cookie,
		void **ret_cancel_handle);
	void (*exec_cancel)(void *userdata, void *cancel_handle);
	/* The verdict changed: @ok is the new one, @message says why ("HTTP probe failed with statuscode: 503").
	 * Readiness: ok = ready.  Liveness: called with false only, once per container: kill it. */
	void (*changed)(void *userdata, bool ok, const char *message);
	/* Each run that failed, errored or gave a warning, after `changed`, as Kubernetes' events say it
	 * ("Readiness probe failed: ...", "Liveness probe errored: ..."); may be NULL. */
	void (*unhealthy)(void *userdata, const char *message);
	void *userdata;
};

/*
 * Starts probing, on the loop of @turns.  The caller owns *@ret and frees it before them; callbacks come from the loop, never from this call, and may free
 * the prober.  -ENOTSUP: HTTPS, or a host that is no IPv4 address; -EINVAL: no such port, or a path or header
 * that cannot be sent.
 */
int prober_start(struct turns *turns, const struct prober_config *config, struct prober **ret,
	struct err *err);

/* Stops at once; no callback follows.  Accepts NULL; returns NULL. */
struct prober *prober_free(struct prober *prober);
