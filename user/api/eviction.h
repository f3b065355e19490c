/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pods/eviction: a deletion that disruption budgets have to allow.  What is taken from a budget is written in the
 * transaction that deletes the Pod.
 */
#pragma once

struct api_request;
struct failure;

/* So many Pods may be on their way out that a budget's controller has not seen go. */
#define EVICTIONS_UNSEEN_MOST 2000

/* Answers 201, or says which budget does not allow it.  -1: refused. */
int eviction_create(const struct api_request *request, struct failure *failure);
