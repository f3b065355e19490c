/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds that controllers follow. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

enum followed {
	FOLLOWED_NAMESPACES,
	FOLLOWED_NODES,
	FOLLOWED_PODS,
	FOLLOWED_REPLICA_SETS,
	FOLLOWED_DEPLOYMENTS,
	FOLLOWED_SERVICES,
	FOLLOWED_ENDPOINTS,
	FOLLOWED_SLICES,
	FOLLOWED_SERVICE_ACCOUNTS,
	FOLLOWED_LEASES,
	FOLLOWED_CONFIG_MAPS,
	FOLLOWED_SECRETS,
	FOLLOWED_BUDGETS,
	FOLLOWED_CERTIFICATE_REQUESTS,
	FOLLOWED_PRIORITY_CLASSES,
	FOLLOWED_ROLES,
	FOLLOWED_ROLE_BINDINGS,
	FOLLOWED_CLUSTER_ROLES,
	FOLLOWED_CLUSTER_ROLE_BINDINGS,
	FOLLOWED_EVENTS,
	FOLLOWED_ROOT_CERTIFICATES,
	FOLLOWED_BOOTSTRAP_TOKENS,
	FOLLOWED_COUNT,
};

struct followed_kind {
	const char *group, *version, *kind, *plural;
	const char *query;	    /* only these; "": all */
	void (*trim)(json_t *item); /* forgets what nobody looks at; NULL: nothing */
	bool uncollected;	    /* its objects own nothing and have no owners */
};

/* FOLLOWED_COUNT rows. */
extern const struct followed_kind followed_kinds[];

/* "apps/v1", "ReplicaSet": FOLLOWED_COUNT when it is not followed.  Any version of a group will do. */
enum followed followed_find(const char *api_version, const char *kind);
