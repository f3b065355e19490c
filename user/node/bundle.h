/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The OCI bundle of one attempt of one container: overlay root from the image's layers, environment,
 * files of the Pod (hosts, resolv.conf, hostname), mounts, config.json.
 */
#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include "user/node/cgroup.h"
#include "user/node/image.h"
#include "user/node/volume.h"

struct err;

struct bundle_input {
	const struct pod *pod;
	const struct container *container;
	unsigned attempt;
	const struct image *image;
	pid_t pause_pid;  /* owner of net, ipc, uts */
	pid_t target_pid; /* in the PID namespace to join; 0: none; -1: its container does not run */
	struct in_addr pod_ip, host_ip;
	const char *node_name;
	const struct cgroups *cgroups;
	const char *run_dir;   /* RUN/pods/UID: the bundle goes to run_dir/bundles/NAME.ATTEMPT */
	const char *state_dir; /* STATE/pods/UID: writable layer, volumes, etc-hosts */
	struct object_source source;
};

/* Builds it.  *@ret_dir: the bundle's directory, the caller frees.  -EEXIST: something of that attempt is
 * there.  After a failure, too, bundle_remove clears the place: it may block, which this does not.
 * -ENOENT with a text that names the ConfigMap, Secret or key, and -EPERM when runAsNonRoot forbids the
 * user: CreateContainerConfigError.  A bundle that a container was created from must not be made again. */
int bundle_make(const struct bundle_input *input, char **ret_dir, struct err *err);
/* Unmounts and removes bundle and writable layer of that attempt.  A missing one is success. */
int bundle_remove(const char *run_dir, const char *state_dir, const char *container,
	unsigned attempt, struct err *err);
