// SPDX-License-Identifier: Apache-2.0
#include "user/api/form.h"

#include <errno.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_protobuf.h"
#include "user/model/schema.h"
#include "user/model/yaml_write.h"

#define JSON_TYPE     "application/json"
#define STREAM	      ";stream=watch"
#define PROTOBUF_TYPE "application/vnd.kubernetes.protobuf"
#define YAML_TYPE     "application/yaml"

/* A part of a header, with the spaces around it cut off. */
struct part {
	const char *text;
	size_t len;
};

/* The part up to @stop; *@at goes behind it. */
static struct part part_next(const char **at, const char *end, char stop)
{
	struct part part = {.text = *at};

	while (*at < end && **at != stop)
		(*at)++;
	part.len = (size_t)(*at - part.text);
	if (*at < end)
		(*at)++;
	while (part.len && part.text[0] == ' ') {
		part.text++;
		part.len--;
	}
	while (part.len && part.text[part.len - 1] == ' ')
		part.len--;
	return part;
}

static bool part_is(struct part part, const char *text)
{
	return part.len == strlen(text) && strncmp(part.text, text, part.len) == 0;
}

static bool type_read(struct part part, enum form_type *ret)
{
	static const struct {
		const char *name;
		enum form_type type;
	} types[] = {
		{JSON_TYPE, FORM_JSON},
		{"*/*", FORM_JSON},
		{"application/*", FORM_JSON},
		{YAML_TYPE, FORM_YAML},
		{PROTOBUF_TYPE, FORM_PROTOBUF},
	};

	for (size_t i = 0; i < COUNT(types); i++)
		if (part_is(part, types[i].name)) {
			*ret = types[i].type;
			return true;
		}
	return false;
}

/* "as=Table" and its kin; what else is said of a type counts for nothing. */
static bool parameter_read(struct part part, struct form *form)
{
	if (part_is(part, "as=Table"))
		form->as = FORM_TABLE;
	else if (part_is(part, "as=PartialObjectMetadata") ||
		 part_is(part, "as=PartialObjectMetadataList"))
		form->as = FORM_METADATA;
	else if (part_is(part, "v=v1"))
		form->version = "v1";
	else if (part_is(part, "v=v1beta1"))
		form->version = "v1beta1";
	else
		return part.len < 3 || strncmp(part.text, "as=", 3) != 0;
	return true;
}

/* One alternative.  False: it is none of ours. */
static bool clause_read(struct part clause, unsigned has, struct form *ret)
{
	const char *at = clause.text, *end = clause.text + clause.len;
	struct form form = {.version = "v1"};

	if (!type_read(part_next(&at, end, ';'), &form.type))
		return false;
	while (at < end)
		if (!parameter_read(part_next(&at, end, ';'), &form))
			return false;
	if (form.as == FORM_OBJECT)
		form.version = NULL;
	else if (!(has & FORM_HAS_PARTS))
		return false;
	if (form.type == FORM_PROTOBUF && (form.as == FORM_TABLE || !(has & FORM_HAS_PROTOBUF)))
		return false;
	if (form.type == FORM_YAML && !(has & FORM_HAS_YAML))
		return false;
	*ret = form;
	return true;
}

bool form_parse(const char *accept, unsigned has, struct form *ret)
{
	const char *at = accept, *end = accept ? accept + strlen(accept) : NULL;

	if (!accept || !accept[0]) {
		*ret = (struct form){0};
		return true;
	}
	while (at < end)
		if (clause_read(part_next(&at, end, ','), has, ret))
			return true;
	return false;
}

/* Events of a watch stand one behind the other: YAML has no end that could be told from what follows. */
static unsigned form_has(const struct api_request *request)
{
	return FORM_HAS_PROTOBUF | (request->verb == VERB_WATCH ? 0 : FORM_HAS_YAML) |
	       (request->kind->stored_as ? FORM_HAS_PARTS : 0);
}

static int form_refuse(const struct api_request *request, struct failure *failure)
{
	if (request->verb == VERB_WATCH)
		return failure_set(failure, 406, "NotAcceptable",
			"only the following media types are accepted: " JSON_TYPE STREAM
			", " PROTOBUF_TYPE STREAM);
	return failure_set(failure, 406, "NotAcceptable",
		"only the following media types are accepted: " JSON_TYPE ", " YAML_TYPE
		", " PROTOBUF_TYPE);
}

int form_asked(const struct api_request *request, struct form *ret, struct failure *failure)
{
	const char *include = http_exchange_query(request->exchange, "includeObject", 0);

	if (!form_parse(http_exchange_header(request->exchange, "Accept"), form_has(request), ret))
		return form_refuse(request, failure);
	if (include && strcmp(include, "Object") == 0)
		ret->include = INCLUDE_OBJECT;
	else if (include && strcmp(include, "None") == 0)
		ret->include = INCLUDE_NONE;
	return 0;
}

const char *form_content_type(enum form_type type)
{
	switch (type) {
	case FORM_YAML: return YAML_TYPE;
	case FORM_PROTOBUF: return PROTOBUF_TYPE;
	default: return JSON_TYPE;
	}
}

const struct schema_message *form_message(const struct form *form, const struct kind *kind)
{
	return form->as == FORM_METADATA ? &schema_partial_metadata : kind->message;
}

json_t *form_metadata(const json_t *object, const char *version)
{
	return json_pack("{s:s, s:o, s:O}", "kind", "PartialObjectMetadata", "apiVersion",
		json_sprintf("meta.k8s.io/%s", version), "metadata",
		json_object_get(object, "metadata"));
}

/* --- answers --- */

static const struct schema_message *message_of(
	const struct api_request *request, const json_t *object)
{
	if (strcmp(json_string_at(object, "kind", ""), "Status") == 0)
		return &schema_status;
	if (request->subresource && request->subresource->message)
		return request->subresource->message;
	return request->kind->message;
}

static int answer_yaml(const struct api_request *request, unsigned status, const json_t *object)
{
	AUTO_FREE char *text = NULL;
	int r = yaml_write(object, &text);

	if (r == 0)
		http_answer_bytes(request->exchange, status, YAML_TYPE, text, strlen(text));
	return r;
}

static int answer_protobuf(const struct api_request *request, unsigned status, const json_t *object,
	const struct schema_message *message)
{
	AUTO_FREE void *data = NULL;
	struct err err;
	size_t len;
	int r = codec_protobuf_encode(object, message, &data, &len, &err);

	if (r == 0)
		http_answer_bytes(request->exchange, status, PROTOBUF_TYPE, data, len);
	return r;
}

static int answer(const struct api_request *request, const struct form *form, unsigned status,
	const json_t *object)
{
	const struct schema_message *message = message_of(request, object);
	AUTO_JSON part = NULL;

	if (form->as == FORM_METADATA && json_object_get(object, "kind") &&
		message == request->kind->message) {
		part = form_metadata(object, form->version);
		if (!part)
			return -ENOMEM;
		object = part;
		message = &schema_partial_metadata;
	}
	if (form->type == FORM_YAML)
		return answer_yaml(request, status, object);
	if (form->type == FORM_PROTOBUF)
		return answer_protobuf(request, status, object, message);
	http_answer_json(request->exchange, status, object);
	return 0;
}

void form_answer(const struct api_request *request, unsigned status, const json_t *object)
{
	struct failure failure;
	struct form form;
	int r;

	if (form_asked(request, &form, &failure) < 0) {
		failure_answer(&failure, request->exchange);
		return;
	}
	r = answer(request, &form, status, object);
	if (r < 0) {
		failure_internal(&failure, "write the answer: %s", strerror(-r));
		failure_answer(&failure, request->exchange);
	}
}
