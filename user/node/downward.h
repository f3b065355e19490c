/* SPDX-License-Identifier: Apache-2.0 */
/* What a Pod may know of itself as variables and files: the downward API.  Pure. */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "user/model/pod.h"

struct err;

/* What an unset limit means: all that the machine has, in thousandths of a CPU and in bytes. */
int64_t host_cpu(void);
int64_t host_memory(void);

struct downward {
	const struct pod *pod;
	struct in_addr pod_ip, host_ip; /* files: not known yet, and not asked for */
	const char *node_name;
	int64_t node_cpu, node_memory; /* what an unset limit means */
};

/* "metadata.name", "metadata.labels['a']", "metadata.labels" (KEY="VALUE" lines), "status.podIP", ...  The caller
 * frees *@ret.  EINVAL: no such field. */
int downward_field(const struct downward *about, const char *path, char **ret, struct err *err);

/* "limits.cpu" of a container, in units of @divisor (thousandths; 0: of one).  The caller frees *@ret.  EINVAL: no
 * such container or resource. */
int downward_resource(const struct downward *about, const char *container, const char *resource,
	int64_t divisor, char **ret, struct err *err);
