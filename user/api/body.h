/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request as an object: JSON, YAML or protobuf, as its Content-Type says. */
#pragma once

#include <stdbool.h>

#include "user/base/json.h"

struct api_request;
struct failure;
struct schema_message;

/*
 * Reads an object of the kind that the request is about (or its subresource).  No Content-Type is
 * JSON.  400: it cannot be read, or is of another kind; 415.  The caller owns *@ret.
 */
int body_object(const struct api_request *request, json_t **ret, struct failure *failure);

/* The same, and its name and namespace, where it has them, are those of the path. */
int body_named_object(const struct api_request *request, json_t **ret, struct failure *failure);

/* Reads options such as DeleteOptions; an empty body gives an empty object. */
int body_options(const struct api_request *request, const struct schema_message *message,
	json_t **ret, struct failure *failure);

/* Its client wants to hear of unknown and repeated fields (fieldValidation). */
bool body_is_strict(const struct api_request *request);
/* Refuses such @problems, or lets them pass. */
int body_problems(bool strict, const json_t *problems, struct failure *failure);

/* The media type alone, in lower case, without parameters; "" when none was sent. */
void body_type(const struct api_request *request, char *ret, size_t size);
