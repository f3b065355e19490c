/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with an object, all of it, in Kubernetes' words: the causes of HTTP 422. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "user/base/json.h"

struct place;

#define CAUSES_MAX 64 /* more are not kept */

enum cause_reason {
	CAUSE_REQUIRED,
	CAUSE_INVALID,
	CAUSE_NOT_SUPPORTED,
	CAUSE_DUPLICATE,
	CAUSE_FORBIDDEN,
	CAUSE_NOT_FOUND,
	CAUSE_TOO_LONG,
};

struct cause {
	enum cause_reason reason;
	char *field;   /* "spec.containers[0].image" */
	char *message; /* "Required value" */
};

/* Born as {0}. */
struct causes {
	struct cause items[CAUSES_MAX];
	size_t count;
	bool no_memory; /* one was lost: the answer is -ENOMEM, whatever count says */
};

/* "FieldValueRequired", ... */
const char *cause_reason_name(enum cause_reason reason);

/* Each adds one cause at @place.  @detail may be NULL where so said; it is copied. */
void cause_required(
	struct causes *causes, const struct place *place, const char *detail /* or NULL */);
void cause_invalid(struct causes *causes, const struct place *place,
	const json_t *value /* NULL: as if empty text */, const char *detail);
void cause_unsupported(struct causes *causes, const struct place *place, const json_t *value,
	const char *const *supported /* NULL-terminated; a leading '!' is not printed */);
void cause_duplicate(struct causes *causes, const struct place *place, const json_t *value);
void cause_not_found(struct causes *causes, const struct place *place, const json_t *value);
void cause_forbidden(struct causes *causes, const struct place *place, const char *detail);
void cause_too_long(struct causes *causes, const struct place *place, size_t max_bytes);

/* "FIELD: MESSAGE", or "[FIELD: MESSAGE, FIELD: MESSAGE]".  The caller frees it; NULL: no memory. */
char *causes_text(const struct causes *causes);

/* A list of {reason, message, field} for a Status's details.  The caller owns it; NULL: no memory. */
json_t *causes_json(const struct causes *causes);

/* Empties @causes. */
void causes_clear(struct causes *causes);
