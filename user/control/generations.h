/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the Deployment's controller: its ReplicaSets, sorted.  Pure. */
#pragma once

#include "user/control/owned.h"
#include "user/control/rollout.h"

#define REVISION "deployment.kubernetes.io/revision"
#define HISTORY	 "deployment.kubernetes.io/revision-history"
#define DESIRED	 "deployment.kubernetes.io/desired-replicas"
#define MOST	 "deployment.kubernetes.io/max-replicas"
#define SET_NAME 256

struct generations {
	struct owned sets;     /* all, the oldest first */
	const json_t *current; /* of the present template; NULL: not made yet */
	struct rollout rollout;
	struct rollout_set numbers, *old_numbers; /* old_numbers is owned */
	const json_t **old;			  /* owned; beside old_numbers */
	char made[SET_NAME];			  /* the set that the plan creates; "": none */
};

/* -ENOMEM.  Clear it in any case. */
int generations_read(
	const json_t *deployment, const json_t *sets, const json_t *pods, struct generations *ret);
void generations_clear(struct generations *generations);

/* An annotation that is a number; 0: there is none. */
long long annotation_number(const json_t *object, const char *name);
/* The number of @object's generation; 0: none. */
long long generation_revision(const json_t *object);

/* deploymentstatus.c: the status that follows.  The caller owns it; NULL when memory is out. */
json_t *deployment_status(
	const json_t *deployment, const struct generations *generations, int64_t now);
/* All Pods are of the present template and available, and no others are there. */
bool deployment_is_complete(const json_t *deployment, const json_t *status);
