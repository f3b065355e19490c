/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who owns which fields (metadata.managedFields), and server-side apply.  Pure.
 *
 * Objects without managedFields, because somebody has asked to forget them or they were made before there were any, get
 * none: what they are then belongs to "before-first-apply" when somebody applies them.
 */
#pragma once

#include "user/base/json.h"

struct schema_message;

#define MANAGED_UPDATERS_MOST \
	10 /* who updated longest ago goes into "ancient-changes" beyond that */
#define MANAGED_MANAGER_MAX 128 /* bytes of a manager's name */

struct managed_by {
	const char *manager;
	const char *api_version;
	const char *subresource; /* "": none */
	const char *now;	 /* RFC 3339 */
	bool force;		 /* takes fields from others */
};

/* The managedFields of @object, which is new; @has_status: its status belongs to the subresource.  -ENOMEM. */
int managed_create(json_t *object, const struct managed_by *by,
	const struct schema_message *message, bool has_status);

/* @object, which was @old, was written otherwise than by apply: its managedFields.  -ENOMEM. */
int managed_update(json_t *object, const json_t *old, const struct managed_by *by,
	const struct schema_message *message);

/*
 * Lays @applied over @live (NULL: there is none): what the manager applied before and does not any more goes, unless
 * others own it.  *@ret_conflicts (owned) lists {"manager", "path"} of fields of others with other values; unless
 * there are some *@ret (owned) is the new object with its managedFields.  -ENOMEM.
 */
int managed_apply(const json_t *live, const json_t *applied, const struct managed_by *by,
	const struct schema_message *message, json_t **ret, json_t **ret_conflicts);
