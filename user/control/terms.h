/* SPDX-License-Identifier: Apache-2.0 */
/* Terms by which Pods mean other Pods: affinity.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct label_selector;
struct pod_class;
struct snapshot;

/*
 * labelSelector of an affinity term: an API server has merged matchLabelKeys and mismatchLabelKeys into it.  The
 * caller owns *@ret.  -ENOMEM; -EINVAL: what an API server would not let pass.
 */
int term_selector(const json_t *term, struct label_selector **ret);
/* For AUTO_CLEANUP. */
void term_selector_cleanup(struct label_selector **selector);

/* An affinity term of a Pod in namespace @owner means Pods of @namespace. */
bool term_means_namespace(const struct snapshot *snapshot, const json_t *term, const char *owner,
	const char *namespace);

#define TERMS_REQUIRED	"requiredDuringSchedulingIgnoredDuringExecution"
#define TERMS_PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

/* spec.affinity.@which.@how: "podAffinity", TERMS_REQUIRED.  NULL: none. */
json_t *terms_of(const json_t *affinity, const char *which, const char *how);
