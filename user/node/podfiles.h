/* SPDX-License-Identifier: Apache-2.0 */
/* Files that a Pod's containers share: /etc/hosts, /etc/hostname, /etc/resolv.conf. */
#pragma once

#include <netinet/in.h>

#include "user/model/pod.h"

struct err;

#define RESOLV_MAX_SERVERS	3
#define RESOLV_MAX_SEARCHES	32
#define RESOLV_MAX_SEARCH_CHARS 2048

/* The texts, byte for byte as kubelet and containerd write them.  The caller frees *@ret.  Pure. */
int podfiles_hosts(const struct pod *pod, struct in_addr pod_ip, char **ret, struct err *err);
/*
 * @host: the machine's resolv.conf.  There is no cluster DNS yet: ClusterFirst is as Default.  What
 * dnsConfig adds beyond the limits above is dropped, as Kubernetes does.
 */
int podfiles_resolv(const struct pod *pod, const char *host, char **ret, struct err *err);

/* Writes "etc-hosts", "hostname" and "resolv.conf" to @dir (made when missing) where they differ. */
int podfiles_write(const struct pod *pod, struct in_addr pod_ip, const char *dir, struct err *err);
