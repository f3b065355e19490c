// SPDX-License-Identifier: Apache-2.0
#include "user/api/failure.h"

#include <stdarg.h>
#include <stdio.h>

#include "user/api/request.h"
#include "user/http/server.h"
#include "user/model/kinds.h"

static void failure_begin(struct failure *failure, unsigned status, const char *reason)
{
	failure->status = status;
	failure->reason = reason;
	failure->details = NULL;
	failure->meta = NULL;
	failure->passes = false;
}

int failure_set(struct failure *failure, unsigned status, const char *reason, const char *fmt, ...)
{
	va_list ap;

	failure_begin(failure, status, reason);
	va_start(ap, fmt);
	vsnprintf(failure->message, sizeof(failure->message), fmt, ap);
	va_end(ap);
	return -1;
}

int failure_internal(struct failure *failure, const char *fmt, ...)
{
	va_list ap;

	failure_begin(failure, 500, "InternalError");
	va_start(ap, fmt);
	vsnprintf(failure->message, sizeof(failure->message), fmt, ap);
	va_end(ap);
	return -1;
}

void failure_about(struct failure *failure, const struct api_request *request, const char *name)
{
	const struct kind *kind = request->kind;

	if (!failure->details)
		failure->details = json_object();
	if (name && name[0])
		json_object_set_new(failure->details, "name", json_any_text(name));
	if (kind->group[0])
		json_object_set_new(failure->details, "group", json_string(kind->group));
	json_object_set_new(failure->details, "kind", json_string(kind->plural));
}

void failure_retry(struct failure *failure, unsigned seconds)
{
	if (!failure->details)
		failure->details = json_object();
	json_object_set_new(
		failure->details, "retryAfterSeconds", json_integer((json_int_t)seconds));
}

/* "deployments.apps", as messages name a resource. */
static const char *resource_text(const struct kind *kind, char ret[API_VERSION_LEN])
{
	snprintf(ret, API_VERSION_LEN, "%s%s%s", kind->plural, kind->group[0] ? "." : "",
		kind->group);
	return ret;
}

int failure_not_found(struct failure *failure, const struct api_request *request)
{
	char resource[API_VERSION_LEN];

	failure_set(failure, 404, "NotFound", "%s \"%s\" not found",
		resource_text(request->kind, resource), request->name);
	failure_about(failure, request, request->name);
	return -1;
}

int failure_conflict(struct failure *failure, const struct api_request *request)
{
	char resource[API_VERSION_LEN];

	failure_set(failure, 409, "Conflict",
		"Operation cannot be fulfilled on %s \"%s\": the object has been modified; please "
		"apply your changes to the latest version and try again",
		resource_text(request->kind, resource), request->name);
	failure_about(failure, request, request->name);
	return -1;
}

/* As upstream, what the server says of requests that it does not know has empty details. */
static bool is_generic(unsigned status)
{
	return status == 404 || status == 405 || status == 406 || status == 415;
}

json_t *failure_json(const struct failure *failure)
{
	json_t *json = json_pack("{s:s, s:s, s:{}, s:s, s:o, s:s}", "kind", "Status", "apiVersion",
		"v1", "metadata", "status", "Failure", "message", json_any_text(failure->message),
		"reason", failure->reason);

	if (json && failure->meta)
		json_object_set(json, "metadata", failure->meta);
	if (json && !failure->reason[0])
		json_object_del(json, "reason");
	if (json && failure->details)
		json_object_set(json, "details", failure->details);
	else if (json && is_generic(failure->status))
		json_object_set_new(json, "details", json_object());
	if (json)
		json_object_set_new(json, "code", json_integer(failure->status));
	return json;
}

void failure_answer(struct failure *failure, struct http_exchange *exchange)
{
	AUTO_JSON json = failure_json(failure);

	http_exchange_retry_after(
		exchange, (unsigned)json_integer_at(failure->details, "retryAfterSeconds", 0));
	if (json)
		http_answer_json(exchange, failure->status, json);
	else
		http_answer_text(exchange, 500, "out of memory\n");
	json_decref(failure->details);
	json_decref(failure->meta);
	failure->details = failure->meta = NULL;
}
