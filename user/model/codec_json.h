/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (and YAML) bodies of requests become objects that are right by type: unknown and repeated fields
 * are gone, so is what Go cannot tell from a field that is not given (null, "", an empty list, 0 and false but where keeps_zero says so), quantities
 * are canonical.  Defaults and validation come after (defaults.h, validate.h).
 */
#pragma once

#include <stddef.h>

#include "user/base/json.h"

struct err;
struct schema_message;

/*
 * Reads a body.  @ret_problems gets a new list of texts like `unknown field "spec.foo"` and
 * `duplicate field "spec.foo"` (fieldValidation=Strict refuses because of them, Warn warns, Ignore does
 * not ask: NULL).  A repeated field's last value counts.  -EINVAL with a text for HTTP 400, -ENOMEM.
 * The caller owns both results.
 */
int codec_json_decode(const char *text, size_t len, const struct schema_message *message,
	json_t **ret, json_t **ret_problems, struct err *err);

/* The same for one document of YAML; repeated fields are refused. */
int codec_yaml_decode(const char *text, size_t len, const struct schema_message *message,
	json_t **ret, json_t **ret_problems, struct err *err);

/* The part of it that needs no text, in place: for what a patch has made.  @problems may be NULL. */
int codec_json_clean(
	json_t *object, const struct schema_message *message, json_t *problems, struct err *err);

/* `strict decoding error: unknown field "a", duplicate field "b"`.  The caller frees it; NULL: no memory. */
char *codec_problems_text(const json_t *problems);
