/* SPDX-License-Identifier: Apache-2.0 */
/* JSON as YAML, in blocks. */
#pragma once

#include "user/base/json.h"

/* Strings that are plain words stand without quotes.  The caller frees *@ret.  -ENOMEM. */
int yaml_write(const json_t *value, char **ret);
