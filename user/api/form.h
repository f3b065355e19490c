/* SPDX-License-Identifier: Apache-2.0 */
/* The form in which a client wants its answer, as its Accept header says. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct failure;
struct kind;
struct schema_message;

enum form_type { FORM_JSON, FORM_YAML, FORM_PROTOBUF };
enum form_as { FORM_OBJECT, FORM_TABLE, FORM_METADATA };
enum form_include { INCLUDE_METADATA, INCLUDE_OBJECT, INCLUDE_NONE }; /* in the rows of a Table */

struct form {
	enum form_type type; /* of Tables JSON or YAML */
	enum form_as as;
	const char *version; /* of meta.k8s.io, "v1" or "v1beta1"; NULL: the object itself */
	enum form_include include;
};

/* What there is to choose from. */
#define FORM_HAS_PROTOBUF 1u /* beside JSON */
#define FORM_HAS_YAML	  2u
#define FORM_HAS_PARTS	  4u /* Tables and metadata alone */

/*
 * The first alternative of @accept (NULL: it is all the same) that is among @has: clients list them by preference.
 * False: none is.  Pure.
 */
bool form_parse(const char *accept, unsigned has, struct form *ret);

/* What @request asks for.  406: it cannot have it. */
int form_asked(const struct api_request *request, struct form *ret, struct failure *failure);

/* "application/json", ...  A constant. */
const char *form_content_type(enum form_type type);

/* By which what is shown of an object of @kind is written. */
const struct schema_message *form_message(const struct form *form, const struct kind *kind);

/* "PartialObjectMetadata" of @object.  The caller owns it; NULL when memory is out. */
json_t *form_metadata(const json_t *object, const char *version);

/* Answers with @object, of @request's kind or a Status, in the form that is asked for. */
void form_answer(const struct api_request *request, unsigned status, const json_t *object);
