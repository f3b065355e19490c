/* SPDX-License-Identifier: Apache-2.0 */
/* As many Pods of a template as are wanted.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct requests;

/*
 * What is to be written so that @set has its Pods: those of @pods ("namespace/name" -> Pod) that it owns
 * are counted, missing ones created, the least useful ones deleted, its status kept.  @now: seconds since
 * 1970.  -ENOMEM.
 */
int replicaset_plan(const json_t *set, const json_t *pods, int64_t now, struct requests *plan);

#define REPLICASET_BURST 500 /* Pods that one plan creates or deletes at most */
