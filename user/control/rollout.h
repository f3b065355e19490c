/* SPDX-License-Identifier: Apache-2.0 */
/* How many Pods each generation of a Deployment may have at the moment.  Pure numbers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct rollout_set {
	long long wanted;    /* spec.replicas; changed by the plan */
	long long available; /* status.availableReplicas */
	long long running;   /* Pods of it that are there */
	long long was_of;    /* the Deployment's replicas when it was scaled last; 0: unknown */
	long long was_most;  /* and the most Pods that all sets could have then; 0: unknown */
};

struct rollout {
	long long replicas; /* of the Deployment */
	long long surge, unavailable;
	bool recreate;
	struct rollout_set *current; /* the present template's */
	struct rollout_set *old;     /* the oldest first */
	size_t old_count;
};

/* "25%" of @total, rounded @up or down, or a number. */
long long portion(const json_t *value, long long total, bool up);

/*
 * Reads spec.strategy: percents of the replicas, surge rounded up, unavailability down; both zero would
 * never move, so that one may be unavailable.
 */
void rollout_limits(const json_t *deployment, struct rollout *rollout);

/* The replicas with which the present template begins. */
long long rollout_first(const struct rollout *rollout);

/* The present template may not have a set yet: recreated, Pods of two templates never run beside each other. */
bool rollout_waits(const struct rollout *rollout);

/* One step: changes wanted of the sets.  Returns whether any did. */
bool rollout_step(struct rollout *rollout);

/* The most Pods that all sets together may have. */
long long rollout_most(const struct rollout *rollout);

/* Somebody has changed the replicas of the Deployment since its sets were scaled last. */
bool rollout_is_scaled(const struct rollout *rollout);

/* Each set gets its share of the change, as upstream does it.  Returns whether any changed. */
bool rollout_scale(struct rollout *rollout);
