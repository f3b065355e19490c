/* SPDX-License-Identifier: Apache-2.0 */
/* Objects as rows for people (meta.k8s.io Table), with the columns that upstream prints. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct form;
struct kind;

/* "columnDefinitions" of @kind.  The caller owns it; NULL when memory is out. */
json_t *table_columns(const struct kind *kind);

/* One row for @object, which is whole.  The caller owns it; NULL when memory is out. */
json_t *table_row(const struct kind *kind, const json_t *object, const struct form *form);
