/* SPDX-License-Identifier: Apache-2.0 */
/* Which objects a list, a watch or a deletion of many is about: label and field selector. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct blob;
struct failure;
struct filter;

/* From labelSelector and fieldSelector (and the name, where the path has one).  The caller owns *@ret.  -1: refused. */
int filter_new(const struct api_request *request, struct filter **ret, struct failure *failure);

/* Accepts NULL; returns NULL. */
struct filter *filter_free(struct filter *filter);

/* Every object passes: nothing needs to be parsed. */
bool filter_is_empty(const struct filter *filter);

/* False: what is stored in these bytes does not pass.  True: it has to be read. */
bool filter_may_match(const struct filter *filter, const struct blob *blob);

/* @object is whole. */
bool filter_matches(const struct filter *filter, const json_t *object);
