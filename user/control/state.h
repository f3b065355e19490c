/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of control: what is followed, and who looks at it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "user/base/json.h"
#include "user/client/client.h"
#include "user/client/informer.h"
#include "user/control/control.h"
#include "user/control/followed.h"
#include "user/control/queue.h"
#include "user/control/requests.h"

struct controller;
struct job;
struct recorder;

struct controller_kind {
	const char *name;
	/*
	 * Says with controller_look which keys a change concerns.  @object is its old or its new state;
	 * what there is now stands in control_objects.
	 */
	void (*changed)(struct controller *controller, enum followed kind, const json_t *object);
	/* Plans for one key.  -ENOMEM. */
	int (*plan)(const struct controller *controller, const char *key, struct requests *plan);
	bool starts; /* looks at CONTROLLER_ALL once everything is known */
	/* Makes and releases controller->state.  -ENOMEM.  NULL: there is none. */
	int (*open)(struct controller *controller);
	void (*close)(struct controller *controller);
	/* What was planned for @key has been written, or some of it could not be; may be NULL. */
	void (*written)(struct controller *controller, const char *key, bool failed);
};

/* The key of controllers that look at everything at once. */
#define CONTROLLER_ALL "all"

struct controller {
	struct control *control;
	const struct controller_kind *kind;
	struct queue *queue;
	json_t *jobs;  /* keys that are being written */
	json_t *seen;  /* key -> {kind: revision} that the cache must have reached */
	json_t *notes; /* what the kind remembers between its turns */
	void *state;   /* the same, of a kind that knows how to open */
};

struct control {
	struct client *client;
	struct control_config config;
	struct follower *followers; /* FOLLOWED_COUNT */
	struct controller *controllers;
	struct recorder *recorder;
	struct job *work;
};

/* The objects of a kind: "namespace/name" -> object. */
const json_t *control_objects(const struct control *control, enum followed kind);
/* NULL: there is none. */
const json_t *control_object(
	const struct control *control, enum followed kind, const char *namespace, const char *name);
void controller_look(struct controller *controller, const char *key);
/* At the object's own key. */
void controller_look_at(struct controller *controller, const json_t *object);

/* jobs.c */
/* Takes @plan, and writes it; @key is looked at again after it. */
void plan_write(struct controller *controller, const char *key, struct requests *plan);
/* Gives up all that are being written. */
void plans_drop(struct control *control);

/* workloads.c */
extern const struct controller_kind controller_replica_sets, controller_deployments,
	controller_budgets;
/* scheduling.c */
extern const struct controller_kind controller_scheduler;
/* namespaces.c */
extern const struct controller_kind controller_namespaces, controller_service_accounts,
	controller_root_certificates;
/* nodes.c */
extern const struct controller_kind controller_nodes, controller_eviction, controller_pod_collector,
	controller_event_collector;
/* services.c */
extern const struct controller_kind controller_slices, controller_endpoints, controller_mirror;
/* certificates.c */
extern const struct controller_kind controller_certificates, controller_tokens;
/* collector.c */
extern const struct controller_kind controller_garbage_collector;
