/* SPDX-License-Identifier: Apache-2.0 */
/* The config.json of an OCI runtime for one container.  Pure: all that it needs is given. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "user/base/json.h"
#include "user/model/pod.h"
#include "user/node/env.h"
#include "user/node/image.h"
#include "user/node/passwd.h"

struct err;

struct oci_bind {
	char *source;		 /* on the host */
	const char *destination; /* in the container */
	bool read_only;
};

struct oci_input {
	const struct container *container;
	const struct image *image;
	const struct identity *identity;
	const struct env *env; /* declared variables: what $(NAME) in command and args means */
	json_t *process_env;   /* borrowed: env_merge's */
	json_t *resources;     /* borrowed: cgroup_oci_resources' */
	uint64_t capabilities; /* capability_set's */
	int oom_score_adj;
	const char *cgroup_path; /* below each hierarchy's root: "/kubepods/podUID/NAME.ATTEMPT" */
	pid_t pause_pid;	 /* owner of the namespaces net, ipc, uts */
	pid_t target_pid;	 /* in the PID namespace to join; 0: it gets its own */
	const struct oci_bind *binds;
	size_t bind_count;
};

/*
 * The root is "rootfs" beside config.json.  A bind takes the place of a default mount at the same
 * destination, and parents are mounted before what lies in them.  The caller owns *@ret.
 */
int oci_config(const struct oci_input *input, json_t **ret, struct err *err);
