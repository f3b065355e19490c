// SPDX-License-Identifier: Apache-2.0
#include "user/api/request.h"

#include <stdio.h>
#include <string.h>

#include "user/api/failure.h"
#include "user/http/server.h"

/* The segments behind group and version: [namespaces NS] RESOURCE [NAME [SUBRESOURCE]]. */
struct route {
	const char *group, *version;
	const char *namespace, *plural, *name, *subresource;
	bool watch;   /* "watch" before all these, as clients did long ago */
	size_t count; /* segments that are left over */
};

static const char *route_next(const struct http_exchange *exchange, size_t *at)
{
	const char *segment = http_exchange_segment(exchange, *at);

	if (segment)
		(*at)++;
	return segment;
}

/* "namespaces/NS/RESOURCE" is below a namespace, "namespaces/NS" and "namespaces/NS/status" are one. */
static bool route_is_below_namespace(const struct http_exchange *exchange, size_t at)
{
	const char *segment = http_exchange_segment(exchange, at);
	const char *third = http_exchange_segment(exchange, at + 2);

	return segment && strcmp(segment, "namespaces") == 0 && third &&
	       !kind_subresource(kind_by_resource("", "v1", "namespaces"), third);
}

static bool route_is_watch(const struct http_exchange *exchange, size_t at)
{
	const char *segment = http_exchange_segment(exchange, at);

	return segment && strcmp(segment, "watch") == 0;
}

static bool route_read(const struct http_exchange *exchange, struct route *route)
{
	const char *root = http_exchange_segment(exchange, 0);
	size_t at = 1;

	*route = (struct route){.group = ""};
	if (strcmp(root, "apis") == 0)
		route->group = route_next(exchange, &at);
	route->version = route_next(exchange, &at);
	route->watch = route_is_watch(exchange, at);
	at += route->watch;
	if (route_is_below_namespace(exchange, at)) {
		at++;
		route->namespace = route_next(exchange, &at);
	}
	route->plural = route_next(exchange, &at);
	route->name = route_next(exchange, &at);
	route->subresource = route_next(exchange, &at);
	route->count = http_exchange_segment_count(exchange) - at;
	return route->group && route->version && route->plural;
}

bool request_flag(const struct http_exchange *exchange, const char *name)
{
	const char *value = http_exchange_query(exchange, name, 0);

	return value && (strcmp(value, "true") == 0 || strcmp(value, "1") == 0);
}

static const char *kind_version(const struct kind *kind, const char *version)
{
	for (const char *const *at = kind->versions; *at; at++)
		if (strcmp(*at, version) == 0)
			return *at;
	return kind->versions[0];
}

static bool request_verb(const struct http_exchange *exchange, const struct route *route,
	struct api_request *request)
{
	const char *method = http_exchange_method(exchange);
	bool watch = route->watch || request_flag(exchange, "watch");

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		request->verb = watch ? VERB_WATCH : request->has_name ? VERB_GET : VERB_LIST;
	else if (strcmp(method, "POST") == 0)
		request->verb = VERB_CREATE;
	else if (strcmp(method, "PUT") == 0)
		request->verb = VERB_UPDATE;
	else if (strcmp(method, "PATCH") == 0)
		request->verb = VERB_PATCH;
	else if (strcmp(method, "DELETE") == 0)
		request->verb = request->has_name ? VERB_DELETE : VERB_DELETE_COLLECTION;
	else
		return false;
	/* An object is made in its collection, all else is done to an object. */
	if (request->verb == VERB_CREATE)
		return request->has_name == (request->subresource != NULL);
	return request->has_name || request->verb == VERB_LIST || request->verb == VERB_WATCH ||
	       request->verb == VERB_DELETE_COLLECTION;
}

static bool request_is_served(const struct api_request *request)
{
	unsigned verbs = request->subresource ? request->subresource->verbs : request->kind->verbs;

	return verbs & request->verb;
}

static int request_resource(
	const struct route *route, struct api_request *request, struct failure *failure)
{
	const struct kind *kind = kind_by_resource(route->group, route->version, route->plural);

	request->kind = kind;
	if (kind && route->subresource)
		request->subresource = kind_subresource(kind, route->subresource);
	if (!kind || (route->subresource && !request->subresource) ||
		(route->namespace && !kind->namespaced) ||
		(route->count && !(request->subresource && !request->subresource->message)) ||
		(kind->namespaced && !route->namespace && route->name))
		return failure_set(failure, 404, "NotFound",
			"the server could not find the requested resource");
	request->version = kind_version(kind, route->version);
	request->has_namespace = route->namespace != NULL;
	request->has_name = route->name != NULL;
	return 0;
}

static int request_copy(
	const char *text, const char *what, char ret[REQUEST_NAME_MAX], struct failure *failure)
{
	if (text && strlen(text) >= REQUEST_NAME_MAX)
		return failure_set(failure, 400, "BadRequest",
			"the %s in the path is longer than %d", what, REQUEST_NAME_MAX - 1);
	snprintf(ret, REQUEST_NAME_MAX, "%s", text ? text : "");
	return 0;
}

static int request_dry_run(struct api_request *request, struct failure *failure)
{
	const char *value = http_exchange_query(request->exchange, "dryRun", 0);

	request->dry_run = value && value[0];
	if (request->dry_run && strcmp(value, "All") != 0)
		return failure_set(failure, 422, "Invalid",
			"dryRun: Unsupported value: \"%.64s\": supported values: \"All\"", value);
	return 0;
}

int request_read(struct api *api, struct http_exchange *exchange, struct api_request *ret,
	struct failure *failure)
{
	struct route route;

	*ret = (struct api_request){.api = api, .exchange = exchange};
	if (!route_read(exchange, &route))
		return failure_set(failure, 404, "NotFound",
			"the server could not find the requested resource");
	if (request_resource(&route, ret, failure) < 0 ||
		request_copy(route.namespace, "namespace", ret->namespace, failure) < 0 ||
		request_copy(route.name, "name", ret->name, failure) < 0 ||
		request_dry_run(ret, failure) < 0)
		return -1;
	if (!request_verb(exchange, &route, ret) || !request_is_served(ret))
		return failure_set(failure, 405, "MethodNotAllowed",
			"the server does not allow this method on the requested resource");
	return 0;
}

const char *request_namespace(const struct api_request *request)
{
	return request->has_namespace ? request->namespace : NULL;
}
