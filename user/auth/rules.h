/* SPDX-License-Identifier: Apache-2.0 */
/* RBAC without any state: what one rule allows, whom one subject means, what a set of rules covers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/auth/identity.h"

/* A PolicyRule. */
bool rule_allows(const json_t *rule, const struct access *access);

/* Any of a list of PolicyRules. */
bool rules_allow(const json_t *rules, const struct access *access);

/* A binding's subject; @namespace: of the binding, for an account that names none; "": a ClusterRoleBinding. */
bool subject_is(const json_t *subject, const struct identity *identity, const char *namespace);

/* Any of a binding's subjects. */
bool subjects_have(const json_t *subjects, const struct identity *identity, const char *namespace);

/* How often rules_first_uncovered compares at most: rules multiply what they name.  SIZE_MAX: that often, or more. */
size_t rules_questions(const json_t *held, const json_t *rules);

/* The first of @rules that @held do not cover together, borrowed; NULL: they cover all. */
const json_t *rules_first_uncovered(const json_t *held, const json_t *rules);

/* `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`: the caller frees it; NULL when memory is out. */
char *rule_text(const json_t *rule);
