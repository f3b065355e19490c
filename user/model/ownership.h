/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of fields: how values are owned, and how sets name what is in them. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct schema_field;
struct schema_message;

/* How a value is owned. */
enum ownership {
	OWNED_WHOLE,
	OWNED_BY_FIELD, /* a message */
	OWNED_BY_KEY,	/* a map */
	OWNED_BY_ITEM,	/* a list whose items have keys */
	OWNED_BY_VALUE, /* a list that is a set */
};

/* NULL: an unknown field. */
enum ownership field_ownership(const struct schema_field *field);

/* Of a map or list: what its values or items are; NULL: no messages. */
const struct schema_message *field_message(const struct schema_field *field);

/* "k:{...}" or "v:..." of an item of the list @field.  The caller frees it; NULL: no memory. */
char *member_name(const json_t *item, const struct schema_field *field);

/* What is left of an item is still that item: gives @rest the keys of @item.  -ENOMEM. */
int item_keep_keys(json_t *rest, const json_t *item, const struct schema_field *field);

/* The node of a set is in it itself, not only by parts. */
bool is_member(const json_t *node);
