/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to each namespace, and how it goes.  Pure. */
#pragma once

#include "user/base/json.h"

struct requests;

/*
 * A namespace that is being deleted: all in it is deleted, and once nothing is left, so is it.  Nothing to
 * do for others.  -ENOMEM.
 */
int namespace_plan(const json_t *namespace, struct requests *plan);

/* The service account `default`.  @account: what there is, or NULL.  -ENOMEM. */
int namespace_account_plan(const json_t *namespace, const json_t *account, struct requests *plan);

#define ROOT_CERTIFICATE "kube-root-ca.crt"

/* The ConfigMap with @ca.  @config_map: what there is, or NULL.  -ENOMEM. */
int namespace_certificate_plan(
	const json_t *namespace, const json_t *config_map, const char *ca, struct requests *plan);
