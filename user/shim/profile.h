/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a process of a container is to run, taken from its config.json when the container is created:
 * the running init may have changed its user, environment and capabilities since, and what it shows
 * under /proc is the container's word.  Kept as one memfd per container, so the shim stays small; the
 * parser (and libseccomp) run in the child that then becomes the OCI runtime.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROFILE_GROUPS_MAX  64
#define PROFILE_RLIMITS_MAX 16
#define PROFILE_CONFIG_MAX  (4u << 20) /* bytes of config.json */

struct err;

/* Followed by the strings (cwd, then env_count of NAME=VALUE) and the BPF of the seccomp filter. */
struct profile {
	uint32_t size; /* of it all */
	uid_t uid;
	gid_t gid;
	uint32_t umask;
	uint32_t group_count;
	gid_t groups[PROFILE_GROUPS_MAX];
	uint64_t bounding, effective, permitted, inheritable, ambient; /* capability bits */
	uint32_t no_new_privs;
	uint32_t has_oom_score_adj;
	int32_t oom_score_adj;
	uint32_t rlimit_count;
	struct profile_rlimit {
		uint32_t resource;
		uint32_t pad;
		uint64_t soft, hard;
	} rlimits[PROFILE_RLIMITS_MAX];
	uint32_t strings_offset, env_count;
	uint32_t filter_offset, filter_count; /* in struct sock_filter; 0: no filter */
};

/* Writes the profile of BUNDLE/config.json to @fd. */
int profile_write(const char *bundle, int fd, struct err *err);

/* Reads what profile_write wrote; the caller frees *@ret. */
int profile_read(int fd, struct profile **ret, struct err *err);
/* Borrowed from @profile. */
const char *profile_cwd(const struct profile *profile);
/* NULL-terminated array that the caller frees; its strings are borrowed.  NULL when memory is out. */
char **profile_env(const struct profile *profile);
