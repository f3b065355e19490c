/* SPDX-License-Identifier: Apache-2.0 */
/* Where containers' logs lie: the kubelet's paths, LOGDIR/NS_POD_UID/CONTAINER/ATTEMPT.log and flat links. */
#pragma once

#include "user/node/node.h"

/* The caller frees; NULL when memory is out. */
char *podlog_path(const char *pod_log_dir, const char *container, unsigned attempt);

/* Makes the container's log directory and its flat link.  @pod_log_dir: LOGDIR/NS_POD_UID. */
int podlog_make(const struct node_config *config, const struct pod *pod, const char *pod_log_dir,
	const char *container, unsigned attempt, struct err *err);

/* The number that follows the highest one with a log: what a restart count goes on from when all else is
 * lost (a reboot), as the kubelet does.  0 without any log. */
unsigned podlog_next_attempt(const char *pod_log_dir, const char *container);

/* Removes the Pod's logs and links. */
int podlog_remove(const struct node_config *config, const struct pod *pod, const char *pod_log_dir,
	struct err *err);

/* The same for a Pod of which nothing but its UID is known. */
int podlog_remove_unknown(const struct node_config *config, const char *uid, struct err *err);
