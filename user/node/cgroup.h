/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cgroups of Pods on v2, v1 and hybrid hosts.  A Pod's cgroup has the same path below every hierarchy:
 * BASE/kubepods/[burstable/|besteffort/]podUID, BASE being the path of --cgroup-root below the cgroup2 mount.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/model/pod.h"

struct err;
struct cgroups;

enum cgroup_mode { CGROUP_MODE_V2, CGROUP_MODE_V1, CGROUP_MODE_HYBRID };

/* Reads mountinfo.  @cgroup_root: directory in the cgroup2 mount, NULL: its root.  The caller owns *@ret. */
int cgroups_open(const char *cgroup_root, struct cgroups **ret, struct err *err);
struct cgroups *cgroups_free(struct cgroups *cgroups);
enum cgroup_mode cgroups_mode(const struct cgroups *cgroups);
/* The cgroup2 directory where the connect hooks attach; "" on a pure v1 host.  Borrowed. */
const char *cgroups_root2(const struct cgroups *cgroups);
/* Comma-separated controllers that cgroup2 still holds on a hybrid host ("hugetlb"); "" if none. */
const char *cgroups_left_over(const struct cgroups *cgroups);

/* "/BASE/kubepods/burstable/podUID" and "/BASE/podnet-shims": the caller frees. */
char *cgroups_pod_path(const struct cgroups *cgroups, const struct pod *pod);
char *cgroups_shim_path(const struct cgroups *cgroups);

/* Makes the Pod's cgroup in every hierarchy and writes its shares, quota, memory limit.  Idempotent. */
int cgroups_pod_make(const struct cgroups *cgroups, const struct pod *pod, struct err *err);
/* Kills what is left in it and removes it, whatever QoS class @uid had.  A missing one is success.
 * Never waits: -EBUSY while killed processes are on their way out, call it again then. */
int cgroups_pod_remove(const struct cgroups *cgroups, const char *uid, struct err *err);
/* Calls @fn once for each process in the Pod's cgroup (any hierarchy); @container: the cgroup below the
 * Pod's that it is in ("web.0", "pause"), "" for the Pod's own. */
int cgroups_pod_each(const struct cgroups *cgroups, const char *uid,
	void (*fn)(pid_t pid, const char *container, void *userdata), void *userdata);

/* Removes what holds Pods and shims where it is empty; anything in use stays.  Done with the last Pod too,
 * when its shim may still be about to end: once more before the program ends. */
void cgroups_prune(const struct cgroups *cgroups);

/* Pure: numbers of Kubernetes (facts in tests/unit/cgroup_test.c). */
uint64_t cgroup_cpu_shares(int64_t milli_cpu);
uint64_t cgroup_cpu_weight(uint64_t shares); /* 0: leave unset */
int64_t cgroup_cpu_quota(int64_t milli_cpu); /* microseconds per 100 ms; -1: none */
int cgroup_oom_score_adj(enum qos_class qos, int64_t memory_request, uint64_t memory_capacity);
/*
 * What the whole Pod asks for: sums of its containers, or one init container's when that is more.  A limit
 * is RESOURCE_UNSET unless every container, init containers too, has it.
 */
void cgroup_pod_resources(const struct pod *pod, struct resources *ret);
/* linux.resources of a container's OCI configuration for this mode.  The caller owns *@ret. */
int cgroup_oci_resources(
	enum cgroup_mode mode, const struct resources *resources, json_t **ret, struct err *err);
