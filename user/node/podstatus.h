/* SPDX-License-Identifier: Apache-2.0 */
/* A Pod's status as Kubernetes shows it: computed from what is observed, never stored. */
#pragma once

#include <netinet/in.h>

#include "user/base/json.h"
#include "user/node/observed.h"

struct podstatus_input {
	const struct pod *pod;
	const struct pod_observed *observed;
	uint64_t now; /* clock_now() */
	struct in_addr host_ip;
};

/* The `status` object.  The caller owns it; NULL when memory is out. */
json_t *podstatus_build(const struct podstatus_input *input);

/* "Pending", "Running", "Succeeded" or "Failed". */
const char *podstatus_phase(const struct pod *pod, const struct pod_observed *observed);
