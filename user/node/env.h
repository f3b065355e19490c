/* SPDX-License-Identifier: Apache-2.0 */
/* The environment of a container as Kubernetes makes it: envFrom, env, valueFrom, $(NAME).  Pure. */
#pragma once

#include "user/base/json.h"
#include "user/model/pod.h"
#include "user/node/downward.h"
#include "user/node/volume.h"

#define ENV_MAX_COUNT 8192
#define ENV_MAX_BYTES (128u << 10) /* of one NAME=VALUE: the kernel's limit for execve */

struct err;
struct env;

struct env_input {
	struct downward about;
	const struct container *container;
	struct object_source source;
};

/*
 * The variables that the Pod declares.  The caller owns *@ret.  -ENOENT names the ConfigMap, Secret or key
 * that is missing.
 */
int env_make(const struct env_input *input, struct env **ret, struct err *err);
/* Accepts NULL; returns NULL. */
struct env *env_free(struct env *env);
/* Borrowed; NULL when it is not set. */
const char *env_get(const struct env *env, const char *name);

/* Replaces $(NAME) by declared variables and $$ by $; what is unknown stays.  The caller frees *@ret. */
int env_expand(const struct env *env, const char *text, char **ret, struct err *err);

/*
 * ["NAME=VALUE", ...] for the process: PATH, HOSTNAME, TERM with a terminal, then the image's variables,
 * then the declared ones; the later wins.  @image_env: NULL-terminated.  The caller owns *@ret.
 */
int env_merge(const struct env *env, char *const *image_env, const char *hostname, bool terminal,
	json_t **ret, struct err *err);
