/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a watch as its client wants them: a line of JSON each, or a frame of protobuf. */
#pragma once

#include <stdint.h>

#include "user/api/form.h"
#include "user/api/memo.h"

struct buffer;

struct watchform {
	struct form form;
	struct memo *memo; /* borrowed */
	const struct kind *kind;
	const char *version; /* of kind->versions */
	bool columns_sent;   /* of Tables: once is enough */
};

/* The Content-Type of all that is written.  A constant. */
const char *watchform_type(const struct watchform *watchform);

/* Appends that @blob became so at @revision: "ADDED", "MODIFIED" or "DELETED".  -ENOMEM, -EUCLEAN. */
int watchform_change(struct watchform *watchform, const char *type, struct blob *blob,
	uint64_t revision, struct buffer *out);

/* Appends that everything up to @revision was told; @initial_end: what there was at the start.  -ENOMEM. */
int watchform_bookmark(
	const struct watchform *watchform, uint64_t revision, bool initial_end, struct buffer *out);

/* Appends why the watch ends.  -ENOMEM. */
int watchform_failure(
	const struct watchform *watchform, const struct failure *failure, struct buffer *out);
