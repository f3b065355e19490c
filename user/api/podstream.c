// SPDX-License-Identifier: Apache-2.0
#include "user/api/podstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/api/api.h"
#include "user/api/failure.h"
#include "user/api/nodelink.h"
#include "user/api/request.h"
#include "user/api/stored.h"
#include "user/base/cleanup.h"
#include "user/http/buffer.h"
#include "user/http/reader.h"
#include "user/http/server.h"
#include "user/http/target.h"
#include "user/store/store.h"

#define CHOICE_MAX 2048

/* A parameter as clients call it, and as nodes do. */
struct parameter {
	const char *name, *at_node;
	bool number;
	long long least; /* of a number */
};

/* What stands below a Pod, and where its node has that. */
struct route {
	const char *name, *path;
	bool of_container, upgrade;
	struct parameter parameters[8]; /* ended by one without name */
};

#define AS(client, node)                            \
	{                                           \
		.name = (client), .at_node = (node) \
	}
#define SAME(client) AS(client, client)
#define NUMBER(client, from)                                                           \
	{                                                                              \
		.name = (client), .at_node = (client), .number = true, .least = (from) \
	}

static const struct route routes[] = {
	{"log", "containerLogs", true, false,
		{SAME("follow"), SAME("previous"), SAME("timestamps"), SAME("sinceTime"),
			NUMBER("sinceSeconds", 1), NUMBER("tailLines", 0),
			NUMBER("limitBytes", 1)}},
	{"exec", "exec", true, true,
		{SAME("command"), AS("stdin", "input"), AS("stdout", "output"),
			AS("stderr", "error"), SAME("tty")}},
	{"attach", "attach", true, true,
		{AS("stdin", "input"), AS("stdout", "output"), AS("stderr", "error"), SAME("tty")}},
	{"portforward", "portForward", false, true, {AS("ports", "port")}},
};

static const struct route *route_of(const struct api_request *request)
{
	if (!request->subresource || strcmp(request->kind->plural, "pods") != 0)
		return NULL;
	for (size_t i = 0; i < COUNT(routes); i++)
		if (strcmp(routes[i].name, request->subresource->name) == 0)
			return &routes[i];
	return NULL;
}

bool podstream_is_asked(const struct api_request *request)
{
	return route_of(request);
}

/* --- the Pod --- */

static int pod_read(const struct api_request *request, json_t **ret, struct failure *failure)
{
	const struct store_entry *entry;
	char key[STORED_KEY_MAX];

	stored_key(request->kind, request_namespace(request), request->name, key);
	entry = store_get(api_store(request->api), key);
	if (!entry)
		return failure_not_found(failure, request);
	if (stored_decode(entry->value, entry->modified, request->kind, request->version, ret) < 0)
		return failure_internal(failure, "out of memory");
	return 0;
}

static bool list_has_name(const json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach ((json_t *)list, i, item)
		if (strcmp(json_string_at(item, "name", ""), name) == 0)
			return true;
	return false;
}

/* "a b c" */
static void list_names(const json_t *list, char *ret, size_t size)
{
	json_t *item;
	size_t i, len = 0;

	ret[0] = '\0';
	json_array_foreach ((json_t *)list, i, item) {
		snprintf(ret + len, size - len, "%s%s", i ? " " : "",
			json_string_at(item, "name", ""));
		len = strlen(ret);
	}
}

static int refuse_choice(const char *pod, const json_t *spec, struct failure *failure)
{
	const json_t *inits = json_object_get(spec, "initContainers");
	char names[CHOICE_MAX], init_names[CHOICE_MAX];

	list_names(json_object_get(spec, "containers"), names, sizeof(names));
	list_names(inits, init_names, sizeof(init_names));
	if (json_array_size(inits))
		return failure_set(failure, 400, "BadRequest",
			"a container name must be specified for pod %s, choose one of: [%s] or one "
			"of the init containers: [%s]",
			pod, names, init_names);
	return failure_set(failure, 400, "BadRequest",
		"a container name must be specified for pod %s, choose one of: [%s]", pod, names);
}

static int container_choose(const struct api_request *request, const json_t *spec, const char **ret,
	struct failure *failure)
{
	const json_t *containers = json_object_get(spec, "containers");
	const char *name = http_exchange_query(request->exchange, "container", 0);

	if (!name || !name[0]) {
		if (json_array_size(containers) != 1)
			return refuse_choice(request->name, spec, failure);
		*ret = json_string_at(json_array_get(containers, 0), "name", "");
		return 0;
	}
	if (!list_has_name(containers, name) &&
		!list_has_name(json_object_get(spec, "initContainers"), name) &&
		!list_has_name(json_object_get(spec, "ephemeralContainers"), name))
		return failure_set(failure, 400, "BadRequest",
			"container %s is not valid for pod %s", name, request->name);
	*ret = name;
	return 0;
}

/* --- what is asked of the node --- */

static int refuse_option(
	const char *field, const char *value, const char *why, struct failure *failure)
{
	failure_set(failure, 422, "Invalid",
		"PodLogOptions \"\" is invalid: %s: Invalid value: %s: %s", field, value, why);
	failure->details = json_pack("{s:s, s:[{s:s, s:o, s:s}]}", "kind", "PodLogOptions",
		"causes", "reason", "FieldValueInvalid", "message",
		json_sprintf("Invalid value: %s: %s", value, why), "field", field);
	return -1;
}

static int check_number(
	const struct parameter *parameter, const char *value, struct failure *failure)
{
	char *end;
	long long number;

	if (!parameter->number)
		return 0;
	errno = 0;
	number = strtoll(value, &end, 10);
	if (end == value || *end || errno)
		return failure_set(failure, 400, "BadRequest",
			"strconv.ParseInt: parsing \"%.64s\": invalid syntax", value);
	if (number < parameter->least)
		return refuse_option(parameter->name, value,
			parameter->least ? "must be greater than 0"
					 : "must be greater than or equal to 0",
			failure);
	return 0;
}

static int add_parameter(const struct http_exchange *exchange, const struct parameter *parameter,
	struct buffer *target, char *separator, struct failure *failure)
{
	const char *value;

	for (size_t i = 0; (value = http_exchange_query(exchange, parameter->name, i)); i++) {
		AUTO_FREE char *escaped = http_escape(value);

		if (check_number(parameter, value, failure) < 0)
			return -1;
		if (!escaped || buffer_printf(target, "%c%s=%s", *separator, parameter->at_node,
					escaped) < 0)
			return failure_internal(failure, "out of memory");
		*separator = '&';
	}
	return 0;
}

/* "/exec/default/web/main?command=ls&output=true", with its NUL. */
static int compose_target(const struct api_request *request, const struct route *route,
	const char *container, struct buffer *ret, struct failure *failure)
{
	char separator = '?';
	int r = buffer_printf(ret, "/%s/%s/%s%s%s", route->path, request->namespace, request->name,
		container[0] ? "/" : "", container);

	if (r < 0)
		return failure_internal(failure, "out of memory");
	for (const struct parameter *p = route->parameters; p->name; p++)
		if (add_parameter(request->exchange, p, ret, &separator, failure) < 0)
			return -1;
	return buffer_append(ret, "", 1) < 0 ? failure_internal(failure, "out of memory") : 0;
}

static bool is_upgrade(const struct http_exchange *exchange)
{
	const char *connection = http_exchange_header(exchange, "Connection");

	return connection && http_list_has(connection, "upgrade") &&
	       http_exchange_header(exchange, "Upgrade");
}

static int check_options(
	const struct api_request *request, const struct route *route, struct failure *failure)
{
	const struct http_exchange *exchange = request->exchange;

	if (route->upgrade && !is_upgrade(exchange))
		return failure_set(failure, 400, "BadRequest", "Upgrade request required");
	if (route->upgrade && route->of_container && !request_flag(exchange, "stdin") &&
		!request_flag(exchange, "stdout") && !request_flag(exchange, "stderr"))
		return failure_set(failure, 400, "BadRequest",
			"you must specify at least 1 of stdin, stdout, stderr");
	if (http_exchange_query(exchange, "sinceTime", 0) &&
		http_exchange_query(exchange, "sinceSeconds", 0))
		return failure_set(failure, 422, "Invalid",
			"PodLogOptions \"\" is invalid: <nil>: Forbidden: at most one of "
			"`sinceTime` or "
			"`sinceSeconds` may be specified");
	return 0;
}

/* A Pod that has no node yet has said nothing. */
static int answer_unscheduled(
	const struct api_request *request, const struct route *route, struct failure *failure)
{
	if (route->upgrade)
		return failure_set(failure, 400, "BadRequest",
			"pod %s does not have a host assigned", request->name);
	http_answer_bytes(request->exchange, 204, NULL, "", 0);
	return 0;
}

int podstream_handle(const struct api_request *request, struct failure *failure)
{
	const struct route *route = route_of(request);
	AUTO_BUFFER target = {0};
	AUTO_JSON pod = NULL;
	const char *container = "", *node;
	const json_t *spec;

	if (check_options(request, route, failure) < 0 || pod_read(request, &pod, failure) < 0)
		return -1;
	spec = json_object_get(pod, "spec");
	node = json_string_at(spec, "nodeName", "");
	if (route->of_container && container_choose(request, spec, &container, failure) < 0)
		return -1;
	if (!node[0])
		return answer_unscheduled(request, route, failure);
	if (compose_target(request, route, container, &target, failure) < 0)
		return -1;
	return nodelink_forward(request, node, buffer_head(&target), failure);
}
