/* SPDX-License-Identifier: Apache-2.0 */
/* A list in the form that is asked for: entries of the store go in, one answer comes out. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "user/api/form.h"
#include "user/http/buffer.h"

struct store_entry;

/* Born with request and form. */
struct listing {
	const struct api_request *request; /* borrowed */
	struct form form;
	struct buffer items; /* as they will be sent */
	size_t count;
};

/* What a list says of itself. */
struct listing_head {
	uint64_t revision;
	const char *token; /* to go on with; NULL: it is whole */
	size_t remaining;  /* behind it; 0 also when that is not known */
};

/* Releases what it holds. */
void listing_clear(struct listing *listing);

/* Appends what @entry holds; @object is the same, read, or NULL where nobody has read it yet.  -ENOMEM, -EUCLEAN. */
int listing_add(struct listing *listing, const struct store_entry *entry, const json_t *object);

/* Answers the request.  -1: it could not, and @failure says why. */
int listing_answer(
	struct listing *listing, const struct listing_head *head, struct failure *failure);
