/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks, and for what: all that authorization looks at. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

#define GROUP_MASTERS	      "system:masters" /* may do everything */
#define GROUP_AUTHENTICATED   "system:authenticated"
#define GROUP_UNAUTHENTICATED "system:unauthenticated"
#define GROUP_NODES	      "system:nodes"
#define USER_ANONYMOUS	      "system:anonymous"
#define USER_NODE_PREFIX      "system:node:"
#define USER_ACCOUNT_PREFIX   "system:serviceaccount:"

struct identity {
	json_t *info; /* a UserInfo: username, uid, groups, extra.  Owned; NULL: nobody yet */
	json_t *by;   /* the UserInfo of who acts as him.  Owned; NULL: he himself */
};

/* @uid "": none.  Release *@ret with identity_clear.  -ENOMEM. */
int identity_make(const char *user, const char *uid, struct identity *ret);

/* Once, however often it is added.  -ENOMEM. */
int identity_add_group(struct identity *identity, const char *group);

/* One of several words under a name: "authentication.kubernetes.io/pod-name".  -ENOMEM. */
int identity_add_extra(struct identity *identity, const char *name, const char *word);

/* "" for nobody. */
const char *identity_user(const struct identity *identity);

/* Whether it is in that group. */
bool identity_has_group(const struct identity *identity, const char *group);

/* The node that a kubelet's certificate names; NULL: it is no node. */
const char *identity_node(const struct identity *identity);

/* Takes over what a UserInfo, or the spec of a SubjectAccessReview (`user` for `username`), says.  -ENOMEM. */
int identity_from_json(const json_t *json, struct identity *ret);

/* References of its own to the same. */
struct identity identity_ref(const struct identity *identity);

/* Also of nobody. */
void identity_clear(struct identity *identity);

#define AUTO_IDENTITY __attribute__((cleanup(identity_clear))) struct identity

/* What is to be done.  Strings are "", never NULL, but for path. */
struct access {
	const struct identity *who;
	const char *verb; /* "get", "list", ...; of a path the method in small letters */
	const char *group, *version, *resource, *subresource, *namespace, *name;
	const char *fields; /* the field selector of a list or watch */
	const char *path;   /* NULL: it is about a resource */
};

/*
 * Why not, as Kubernetes says it: `pods "x" is forbidden: User "u" cannot get resource "pods" in API group "" in
 * the namespace "n"`.  @reason: what is to be added; "": nothing.  The caller frees it; NULL when memory is out.
 */
char *access_refusal(const struct access *access, const char *reason);
