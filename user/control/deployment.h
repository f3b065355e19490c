/* SPDX-License-Identifier: Apache-2.0 */
/* A Deployment keeps one ReplicaSet for each template it has had, and moves its Pods to the newest.  Pure. */
#pragma once

#include <stdint.h>

#include "user/base/json.h"

struct requests;

/*
 * What is to be written next for @deployment.  @sets and @pods: "namespace/name" -> object.  @now: seconds
 * since 1970.  -ENOMEM.
 */
int deployment_plan(const json_t *deployment, const json_t *sets, const json_t *pods, int64_t now,
	struct requests *plan);

#define DEPLOYMENT_HASH	    "pod-template-hash"
#define DEPLOYMENT_HASH_LEN 16

/* Names a template; @collisions: how often that name was taken by another one.  -ENOMEM. */
int deployment_hash(const json_t *template, long long collisions, char ret[DEPLOYMENT_HASH_LEN]);
