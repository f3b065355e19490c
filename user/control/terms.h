/* SPDX-License-Identifier: Apache-2.0 */
/* Terms by which Pods mean other Pods: affinity terms and topology spread constraints.  Pure. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct label_selector;
struct pod_class;
struct snapshot;

/*
 * The selector of a term of a Pod with @labels: labelSelector, and what matchLabelKeys and mismatchLabelKeys
 * add to it.  The caller owns *@ret.  -ENOMEM; -EINVAL: what an API server would not let pass.
 */
int term_selector(const json_t *term, const json_t *labels, struct label_selector **ret);
/* For AUTO_CLEANUP. */
void term_selector_cleanup(struct label_selector **selector);

/* An affinity term of a Pod in namespace @owner means Pods of @namespace. */
bool term_means_namespace(const struct snapshot *snapshot, const json_t *term, const char *owner,
	const char *namespace);

#define TERMS_REQUIRED	"requiredDuringSchedulingIgnoredDuringExecution"
#define TERMS_PREFERRED "preferredDuringSchedulingIgnoredDuringExecution"

/* spec.affinity.@which.@how: "podAffinity", TERMS_REQUIRED.  NULL: none. */
json_t *terms_of(const json_t *affinity, const char *which, const char *how);
