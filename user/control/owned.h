/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that others have made for an owner, and Pods as workload controllers see them.  Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/json.h"

struct requests;

#define POD_DELETION_COST "controller.kubernetes.io/pod-deletion-cost" /* an annotation */

/* Borrowed objects. */
struct owned {
	const json_t **list;
	size_t count;
};

/* Those among @objects ("namespace/name" -> object) whose controller is @owner.  -ENOMEM. */
int owned_find(const json_t *objects, const json_t *owner, struct owned *ret);
void owned_clear(struct owned *owned);

/*
 * Objects without a controller that @owner's selector chooses become its own; what it owns and does not choose
 * any more is let go.  What has changed hands counts once that is seen.  @target names an object for a patch.
 * -ENOMEM.
 */
int owned_claim(const json_t *objects, const json_t *owner, char *(*target)(const json_t *object),
	struct requests *plan);

/* metadata.ownerReferences for what @owner controls.  The caller owns it. */
json_t *owned_references(const json_t *owner);

/* The reference to the object's controller; NULL when it has none.  Borrowed. */
const json_t *owned_controller(const json_t *object);
/* The uid of the object's controller; "" when it has none. */
const char *owned_controller_uid(const json_t *object);

/* metadata.X, as text. */
const char *meta_text(const json_t *object, const char *key);
bool meta_is_deleting(const json_t *object);
/* It has all of @labels. */
bool meta_has_labels(const json_t *object, const json_t *labels);

/* Neither finished nor being deleted. */
bool pod_is_active(const json_t *pod);
/* Condition Ready is True; *@ret_since (may be NULL): since when, seconds since 1970. */
bool pod_is_ready_since(const json_t *pod, int64_t *ret_since);
/* Ready for @least seconds at @now. */
bool pod_is_available(const json_t *pod, int64_t least, int64_t now);
