/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of control: what is followed, and who looks at it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/client/client.h"
#include "user/client/informer.h"
#include "user/control/requests.h"
#include "user/control/queue.h"

enum followed {
	FOLLOWED_PODS,
	FOLLOWED_REPLICA_SETS,
	FOLLOWED_DEPLOYMENTS,
	FOLLOWED_NODES,
	FOLLOWED_COUNT,
};

struct control;
struct controller;

struct controller_kind {
	const char *name;
	/* Says with controller_look which keys a change concerns. */
	void (*changed)(struct controller *controller, enum followed kind, const json_t *object);
	/* Plans for one key.  -ENOMEM. */
	int (*plan)(const struct control *control, const char *key, struct requests *plan);
};

struct controller {
	struct control *control;
	const struct controller_kind *kind;
	struct queue *queue;
	json_t *jobs; /* keys that are being written */
	json_t *seen; /* key -> {kind: revision} that the cache must have reached */
};

struct control {
	struct client *client;
	struct follower *followers; /* FOLLOWED_COUNT */
	struct controller *controllers;
	struct job *work;
};

/* The objects of a kind: "namespace/name" -> object. */
const json_t *control_objects(const struct control *control, enum followed kind);
void controller_look(struct controller *controller, const char *key);

/* workloads.c */
extern const struct controller_kind controller_replica_sets, controller_deployments;
/* scheduling.c */
extern const struct controller_kind controller_scheduler;
