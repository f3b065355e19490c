/* SPDX-License-Identifier: Apache-2.0 */
/* How many replicas a workload has, as an object of its own (autoscaling/v1 Scale). */
#pragma once

struct api_request;
struct failure;

/* GET, PUT and PATCH.  Answers, now or later, or gives -1 and why not. */
int scale_handle(const struct api_request *request, struct failure *failure);
