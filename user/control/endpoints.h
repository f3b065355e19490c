/* SPDX-License-Identifier: Apache-2.0 */
/* Where the Pods of a Service are: EndpointSlices, and Endpoints for older clients.  Pure. */
#pragma once

#include "user/base/json.h"

struct requests;

#define SLICE_SERVICE "kubernetes.io/service-name"
#define SLICE_MANAGER "endpointslice.kubernetes.io/managed-by"
#define SLICE_SELF    "endpointslice-controller.k8s.io"
#define SLICE_MIRROR  "endpointslicemirroring-controller.k8s.io"
#define SLICE_MOST    100  /* endpoints in one */
#define MIRROR_MOST   1000 /* of a subset of Endpoints, and in one slice; more are left out */

#define ENDPOINTS_MANAGER "endpoints.kubernetes.io/managed-by"
#define ENDPOINTS_SELF	  "endpoint-controller"
#define ENDPOINTS_MOST	  1000 /* addresses in one; more are left out */

/* What there is, each "namespace/name" -> object. */
struct endpoint_view {
	const json_t *pods, *nodes, *slices;
};

/*
 * Keeps the slices of @service: an endpoint stays in the slice that has it, and a slice in which nothing
 * changed is not written.  -ENOMEM.
 */
int slices_plan(const json_t *service, const struct endpoint_view *view, struct requests *plan);

/*
 * Keeps the slices that mirror @endpoints (NULL: not there), which somebody else keeps for the Service @name without a
 * selector (@service NULL: it is gone).  A lock, and what says so by its label, is not mirrored.  -ENOMEM.
 */
int mirror_plan(const char *namespace, const char *name, const json_t *service,
	const json_t *endpoints, const json_t *slices, struct requests *plan);

/* Keeps @endpoints (NULL: not there) of @service (NULL: it is gone).  -ENOMEM. */
int endpoints_plan(
	const json_t *service, const json_t *endpoints, const json_t *pods, struct requests *plan);
