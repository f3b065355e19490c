/* SPDX-License-Identifier: Apache-2.0 */
/* The roles and bindings that are in the store, read once and followed: who may do what. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct access;
struct err;
struct identity;
struct policy;
struct store;

/* Follows @store, which outlives it.  The caller owns *@ret. */
int policy_new(struct store *store, struct policy **ret, struct err *err);

/* Accepts NULL; returns NULL. */
struct policy *policy_free(struct policy *policy);

/* Whether some binding lets it happen.  -ENOMEM; 0: no; 1: yes. */
int policy_allows(struct policy *policy, const struct access *access);

/*
 * All PolicyRules that @who has in @namespace ("": everywhere).  The caller owns *@ret; its items are not to be
 * changed.  -ENOMEM.
 */
int policy_rules(
	struct policy *policy, const struct identity *who, const char *namespace, json_t **ret);

/* The rules of the role that a binding in @namespace ("": a ClusterRoleBinding) refers to; NULL: there is no such
 * role.  Borrowed until the next call. */
const json_t *policy_role_rules(
	struct policy *policy, const json_t *role_ref, const char *namespace);
