/* SPDX-License-Identifier: Apache-2.0 */
/* A container of the shim: its runtime calls, output, exit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "include/podnet/shimwire.h"
#include "user/shim/crilog.h"
#include "user/shim/hierarchy.h"
#include "user/shim/reactor.h"
#include "user/shim/runtime.h"
#include "user/shim/server.h"

struct keeper;

enum container_state {
	CONTAINER_CREATING,
	CONTAINER_FAILED, /* create failed; what is left of it is being deleted */
	CONTAINER_CREATED,
	CONTAINER_STARTING,
	CONTAINER_RUNNING,
	CONTAINER_ENDED,
};

struct container {
	struct container *next;
	struct keeper *keeper;
	char id[SHIMWIRE_ID_MAX];
	enum container_state state;
	pid_t pid; /* of its init; 0 while unknown and once reaped */
	bool reaped, oom, started;
	bool deleting;
	int status;	   /* waitpid(2) form, once reaped */
	int record_result; /* of writing the exit record */
	uint64_t started_wall, started_mono, finished_wall;
	char cgroup[HIERARCHY_PATH]; /* "" until created */
	int profile_fd;
	bool stdin_once, speaks; /* speaks: it is to have a stdin */
	struct source console;	 /* the runtime hands its terminal over there */
	int in_fd;		 /* the writing end of its stdin; -1: it has none */
	struct attach *attaches;
	struct crilog log;
	struct container_output {
		struct container *container;
		bool is_err;
		struct source source;
		struct crilog_stream stream;
	} out, err;
	struct runtime_call call; /* one at a time */
	struct origin origin;	  /* who asked for that call; client 0: the shim itself */
	struct origin delete_origin;
	char reason[SHIMWIRE_REASON_MAX]; /* why create failed */
	int failure;
};

/* Requests; each answers @origin now or when the runtime is done. */
void container_create(
	struct keeper *keeper, struct origin origin, const struct shimwire_create *request);
void container_start(struct keeper *keeper, struct origin origin, const char *id);
void container_signal(
	struct keeper *keeper, struct origin origin, const struct shimwire_signal *request);
void container_delete(struct keeper *keeper, struct origin origin, const char *id);
void container_reopen_log(struct keeper *keeper, struct origin origin, const char *id);

/* NULL when there is none. */
struct container *container_find(const struct keeper *keeper, const char *id);
size_t containers_count(const struct keeper *keeper);
void container_describe(const struct container *container, struct shimwire_container *ret);

/* A child of the shim ended.  True: it was a container's init or runtime call. */
bool containers_reaped(struct keeper *keeper, pid_t pid, int status);
