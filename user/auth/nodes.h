/* SPDX-License-Identifier: Apache-2.0 */
/* What a node agent may do, beyond RBAC: its own node, its own Pods, and what these use.  No state here. */
#pragma once

#include <stdbool.h>

#include "user/auth/identity.h"

enum node_verdict {
	NODE_SILENT,	/* not a node's request, or nothing that nodes may do: others decide */
	NODE_ALLOWS,	/* as it stands */
	NODE_ASKS_PODS, /* if a Pod of this node uses the object */
	NODE_OWN_POD,	/* if the Pod is on this node */
};

/* *@ret_reason: why it is silent about a node's request; "" otherwise.  Constants. */
enum node_verdict node_judge(const struct access *access, const char **ret_reason);

/* Whether @pod names @name as one of @resource: "secrets", "configmaps" or "serviceaccounts". */
bool node_pod_uses(const json_t *pod, const char *resource, const char *name);

/*
 * Whether the node @node may write this: @object is what shall be (the last state in a deletion), @old what is
 * there (NULL: nothing).  NULL: it may; otherwise why not, a constant.
 */
const char *node_write_refusal(
	const char *node, const struct access *access, const json_t *object, const json_t *old);
