/* SPDX-License-Identifier: Apache-2.0 */
/* The roles and bindings that every cluster has from its first moment on. */
#pragma once

#include "user/base/json.h"

/*
 * ClusterRoles and ClusterRoleBindings, each with kind and metadata.{name,labels,annotations}.  The caller owns
 * it; NULL when memory is out.
 */
json_t *builtin_objects(void);
