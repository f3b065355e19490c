/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two records of a Pod.  STATE/pods/UID/pod (durable): the Pod as admitted and when.
 * RUN/pods/UID/observed (this boot): what the worker knew, written when it changed.
 */
#pragma once

#include "user/base/json.h"
#include "user/node/observed.h"

struct err;

/* {created, object} for STATE.  The caller owns it; NULL when memory is out. */
json_t *podrecord_admitted(const struct pod *pod, uint64_t created_wall);

/* Reads STATE/pods/UID/pod below @state_dir.  The caller owns *@ret. */
int podrecord_read_admitted(
	const char *state_dir, struct pod **ret, uint64_t *ret_created_wall, struct err *err);

/* Encodes what has to survive a restart of podnetd.  The caller owns it; NULL when memory is out. */
json_t *podrecord_encode(const struct pod_observed *observed);

/* Fills @observed (whose containers are allocated and zeroed) from a record; refuses one that does not
 * fit the spec's number of containers. */
int podrecord_decode(const json_t *record, struct pod_observed *observed, struct err *err);

/* Allocates the containers of @observed for @pod, all absent. */
int observed_init(const struct pod *pod, uint64_t created_wall, struct pod_observed *observed);
void observed_free(struct pod_observed *observed);
