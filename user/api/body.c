// SPDX-License-Identifier: Apache-2.0
#include "user/api/body.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/api/meta.h"
#include "user/api/request.h"
#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/http/server.h"
#include "user/model/codec_json.h"
#include "user/model/codec_protobuf.h"
#include "user/model/schema.h"

#define TYPE_MAX 128

void body_type(const struct api_request *request, char *ret, size_t size)
{
	const char *text = http_exchange_header(request->exchange, "Content-Type");
	size_t len = text ? strcspn(text, "; \t") : 0;

	if (len >= size)
		len = size - 1;
	for (size_t i = 0; i < len; i++)
		ret[i] = (char)tolower((unsigned char)text[i]);
	ret[len] = '\0';
}

bool body_is_strict(const struct api_request *request)
{
	const char *mode = http_exchange_query(request->exchange, "fieldValidation", 0);

	return mode && strcmp(mode, "Strict") == 0;
}

int body_problems(bool strict, const json_t *problems, struct failure *failure)
{
	AUTO_FREE char *text = NULL;

	if (json_array_size(problems) == 0 || !strict)
		return 0;
	text = codec_problems_text(problems);
	if (!text)
		return failure_internal(failure, "out of memory");
	return failure_set(failure, 400, "BadRequest", "%s", text);
}

static int body_decode(const struct api_request *request, const struct schema_message *message,
	json_t **ret, json_t **ret_problems, struct failure *failure)
{
	char type[TYPE_MAX];
	size_t len;
	const char *text = http_exchange_body(request->exchange, &len);
	struct err err;
	int r;

	body_type(request, type, sizeof(type));
	if (!type[0] || strcmp(type, "application/json") == 0)
		r = codec_json_decode(text, len, message, ret, ret_problems, &err);
	else if (strcmp(type, "application/yaml") == 0 ||
		 strcmp(type, "application/apply-patch+yaml") == 0)
		r = codec_yaml_decode(text, len, message, ret, ret_problems, &err);
	else if (strcmp(type, "application/vnd.kubernetes.protobuf") == 0)
		r = codec_protobuf_decode(text, len, message, ret, &err);
	else
		return failure_set(failure, 415, "UnsupportedMediaType",
			"the body of the request was in an unknown format - accepted media types "
			"include: application/json, application/yaml, "
			"application/vnd.kubernetes.protobuf");
	if (r == -ENOMEM)
		return failure_internal(failure, "out of memory");
	return r < 0 ? failure_set(failure, 400, "BadRequest", "%s", err.text) : 0;
}

/* A body may leave out what the path says; what it says must fit. */
static int body_check_kind(
	const struct api_request *request, const json_t *object, struct failure *failure)
{
	const struct kind_subresource *sub = request->subresource;
	const char *kind = json_string_at(object, "kind", "");
	const char *api_version = json_string_at(object, "apiVersion", "");
	const char *want_kind = sub ? sub->kind : request->kind->kind;
	const char *group = sub ? sub->group : request->kind->group;
	size_t group_len = strlen(group);
	const char *slash = strchr(api_version, '/');
	size_t got_len = slash ? (size_t)(slash - api_version) : 0;

	if ((!kind[0] || strcmp(kind, want_kind) == 0) &&
		(!api_version[0] ||
			(got_len == group_len && strncmp(api_version, group, group_len) == 0)))
		return 0;
	return failure_set(failure, 400, "BadRequest",
		"%s in version \"%s\" cannot be handled as a %s: the API version in the data (%s) "
		"or "
		"the kind (%s) does not match the path",
		kind, api_version, want_kind, api_version, kind);
}

int body_object(const struct api_request *request, json_t **ret, struct failure *failure)
{
	const struct schema_message *message =
		request->subresource ? request->subresource->message : request->kind->message;
	AUTO_JSON object = NULL;
	AUTO_JSON problems = NULL;

	if (body_decode(request, message, &object, &problems, failure) < 0 ||
		body_check_kind(request, object, failure) < 0 ||
		body_problems(body_is_strict(request), problems, failure) < 0)
		return -1;
	*ret = take_ptr(object);
	return 0;
}

int body_named_object(const struct api_request *request, json_t **ret, struct failure *failure)
{
	AUTO_JSON object = NULL;

	if (body_object(request, &object, failure) < 0 ||
		meta_check_path(request, object, failure) < 0)
		return -1;
	*ret = take_ptr(object);
	return 0;
}

int body_options(const struct api_request *request, const struct schema_message *message,
	json_t **ret, struct failure *failure)
{
	AUTO_JSON problems = NULL;
	size_t len;

	http_exchange_body(request->exchange, &len);
	if (len == 0) {
		*ret = json_object();
		return *ret ? 0 : failure_internal(failure, "out of memory");
	}
	return body_decode(request, message, ret, &problems, failure);
}
