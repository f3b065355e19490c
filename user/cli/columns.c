// SPDX-License-Identifier: Apache-2.0
#include "user/cli/columns.h"

#include <stdio.h>
#include <string.h>

#include "user/cli/age.h"

#define NONE "<none>"

/* object[a][b]; NULL when one of them is missing. */
static const json_t *at(const json_t *object, const char *a, const char *b)
{
	return json_object_get(json_object_get(object, a), b);
}

static const char *text_at(const json_t *object, const char *a, const char *b, const char *fallback)
{
	const char *text = json_string_value(at(object, a, b));

	return text && text[0] ? text : fallback;
}

static void begin_heading(struct table *table, const struct column_options *options)
{
	if (options->namespaces)
		table_cell(table, "NAMESPACE");
}

static void headings(struct table *table, const char *const *names)
{
	for (; *names; names++)
		table_cell(table, "%s", *names);
	table->columns = table->count;
}

static void begin_row(
	struct table *table, const struct column_options *options, const json_t *object)
{
	if (options->namespaces)
		table_cell(table, "%s", text_at(object, "metadata", "namespace", "default"));
	table_cell(table, "%s", text_at(object, "metadata", "name", ""));
}

static void age_cell(
	struct table *table, const struct column_options *options, const json_t *object)
{
	int64_t created = age_parse(text_at(object, "metadata", "creationTimestamp", ""));
	char text[32] = "<unknown>";

	if (created)
		age_text(options->now - created, text, sizeof(text));
	table_cell(table, "%s", text);
}

/* --- pods --- */

static bool condition_is_true(const json_t *pod, const char *type)
{
	const json_t *condition;
	size_t i;

	json_array_foreach (at(pod, "status", "conditions"), i, condition)
		if (strcmp(json_string_at(condition, "type", ""), type) == 0)
			return strcmp(json_string_at(condition, "status", ""), "True") == 0;
	return false;
}

/* How a container ended: its reason, else signal or exit code. */
static void terminated_text(const json_t *terminated, const char *prefix, char *ret, size_t size)
{
	const char *reason = json_string_at(terminated, "reason", "");

	if (reason[0])
		snprintf(ret, size, "%s%s", prefix, reason);
	else if (json_integer_at(terminated, "signal", 0))
		snprintf(ret, size, "%sSignal:%lld", prefix,
			json_integer_at(terminated, "signal", 0));
	else
		snprintf(ret, size, "%sExitCode:%lld", prefix,
			json_integer_at(terminated, "exitCode", 0));
}

/* The first init container that is not done yet: true, and the status it makes. */
static bool init_status(const json_t *pod, char *ret, size_t size)
{
	size_t i, total = json_array_size(at(pod, "spec", "initContainers"));
	const json_t *container;

	json_array_foreach (at(pod, "status", "initContainerStatuses"), i, container) {
		const json_t *terminated = at(container, "state", "terminated");
		const char *waiting =
			json_string_at(at(container, "state", "waiting"), "reason", "");

		if (terminated && json_integer_at(terminated, "exitCode", -1) == 0)
			continue;
		if (terminated)
			terminated_text(terminated, "Init:", ret, size);
		else if (waiting[0] && strcmp(waiting, "PodInitializing") != 0)
			snprintf(ret, size, "Init:%s", waiting);
		else
			snprintf(ret, size, "Init:%zu/%zu", i, total);
		return true;
	}
	return false;
}

/* What the containers make of it: the first one with something to say decides. */
static void container_status(const json_t *pod, char *ret, size_t size)
{
	const json_t *statuses = at(pod, "status", "containerStatuses");
	bool running = false;

	for (size_t i = json_array_size(statuses); i-- > 0;) {
		const json_t *container = json_array_get(statuses, i);
		const json_t *terminated = at(container, "state", "terminated");
		const char *waiting =
			json_string_at(at(container, "state", "waiting"), "reason", "");

		if (waiting[0])
			snprintf(ret, size, "%s", waiting);
		else if (terminated)
			terminated_text(terminated, "", ret, size);
		else if (at(container, "state", "running") &&
			 json_is_true(json_object_get(container, "ready")))
			running = true;
	}
	if (running && strcmp(ret, "Completed") == 0)
		snprintf(ret, size, "%s", condition_is_true(pod, "Ready") ? "Running" : "NotReady");
}

static bool pod_is_initializing(const json_t *pod)
{
	char ignored[64];

	return init_status(pod, ignored, sizeof(ignored)) && !condition_is_true(pod, "Initialized");
}

void pod_status_text(const json_t *pod, char *ret, size_t size)
{
	const char *phase = text_at(pod, "status", "phase", "Unknown");

	snprintf(ret, size, "%s", text_at(pod, "status", "reason", phase));
	init_status(pod, ret, size);
	if (!pod_is_initializing(pod))
		container_status(pod, ret, size);
	if (at(pod, "metadata", "deletionTimestamp") && strcmp(phase, "Succeeded") != 0 &&
		strcmp(phase, "Failed") != 0)
		snprintf(ret, size, "Terminating");
}

void pod_restarts_text(const json_t *pod, int64_t now, char *ret, size_t size)
{
	const json_t *statuses = at(pod, "status",
		pod_is_initializing(pod) ? "initContainerStatuses" : "containerStatuses");
	const json_t *container;
	long long restarts = 0;
	int64_t last = 0;
	char age[32];
	size_t i;

	json_array_foreach (statuses, i, container) {
		int64_t finished = age_parse(
			json_string_at(at(container, "lastState", "terminated"), "finishedAt", ""));

		restarts += json_integer_at(container, "restartCount", 0);
		if (finished > last)
			last = finished;
	}
	if (restarts && last) {
		age_text(now - last, age, sizeof(age));
		snprintf(ret, size, "%lld (%s ago)", restarts, age);
	} else {
		snprintf(ret, size, "%lld", restarts);
	}
}

static size_t pod_ready_count(const json_t *pod)
{
	const json_t *container;
	size_t i, ready = 0;

	if (pod_is_initializing(pod))
		return 0;
	json_array_foreach (at(pod, "status", "containerStatuses"), i, container)
		ready += json_is_true(json_object_get(container, "ready")) &&
			 at(container, "state", "running");
	return ready;
}

static void pod_heading(struct table *table, const struct column_options *options)
{
	static const char *const names[] = {
		"NAME", "READY", "STATUS", "RESTARTS", "AGE", "IP", "NODE", NULL};
	static const char *const wide[] = {"NOMINATED NODE", "READINESS GATES", NULL};

	begin_heading(table, options);
	headings(table, names);
	if (options->wide)
		headings(table, wide);
}

static void pod_row(struct table *table, const struct column_options *options, const json_t *pod)
{
	char text[256];

	begin_row(table, options, pod);
	table_cell(table, "%zu/%zu", pod_ready_count(pod),
		json_array_size(at(pod, "spec", "containers")));
	pod_status_text(pod, text, sizeof(text));
	table_cell(table, "%s", text);
	pod_restarts_text(pod, options->now, text, sizeof(text));
	table_cell(table, "%s", text);
	age_cell(table, options, pod);
	table_cell(table, "%s", text_at(pod, "status", "podIP", NONE));
	table_cell(table, "%s", text_at(pod, "spec", "nodeName", NONE));
	if (options->wide) {
		table_cell(table, "%s", text_at(pod, "status", "nominatedNodeName", NONE));
		table_cell(table, "%s", NONE);
	}
}

const struct column_set pod_columns = {pod_heading, pod_row};

/* --- services --- */

static void service_heading(struct table *table, const struct column_options *options)
{
	static const char *const names[] = {
		"NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE", NULL};
	static const char *const wide[] = {"SELECTOR", NULL};

	begin_heading(table, options);
	headings(table, names);
	if (options->wide)
		headings(table, wide);
}

/* Adds to a comma-separated list. */
static void list_add(char *list, size_t size, const char *text)
{
	size_t len = strlen(list);

	snprintf(list + len, size - len, "%s%s", len ? "," : "", text);
}

static void ports_cell(struct table *table, const json_t *service)
{
	char list[512] = "", text[64];
	const json_t *port;
	size_t i;

	json_array_foreach (at(service, "spec", "ports"), i, port) {
		long long node = json_integer_at(port, "nodePort", 0);
		char node_text[16] = "";

		if (node)
			snprintf(node_text, sizeof(node_text), ":%lld", node);
		snprintf(text, sizeof(text), "%lld%s/%s", json_integer_at(port, "port", 0),
			node_text, json_string_at(port, "protocol", "TCP"));
		list_add(list, sizeof(list), text);
	}
	table_cell(table, "%s", list[0] ? list : NONE);
}

static void external_cell(struct table *table, const json_t *service)
{
	char list[512] = "";
	const json_t *ip;
	size_t i;

	json_array_foreach (at(service, "spec", "externalIPs"), i, ip)
		if (json_is_string(ip))
			list_add(list, sizeof(list), json_string_value(ip));
	table_cell(table, "%s", list[0] ? list : NONE);
}

static void selector_cell(struct table *table, const json_t *service)
{
	json_t *selector = (json_t *)at(service, "spec", "selector");
	char list[512] = "", text[256];
	const char *key;
	json_t *value;

	json_object_foreach (selector, key, value) {
		snprintf(text, sizeof(text), "%s=%s", key,
			json_is_string(value) ? json_string_value(value) : "");
		list_add(list, sizeof(list), text);
	}
	table_cell(table, "%s", list[0] ? list : NONE);
}

static void service_row(
	struct table *table, const struct column_options *options, const json_t *service)
{
	begin_row(table, options, service);
	table_cell(table, "%s", text_at(service, "spec", "type", "ClusterIP"));
	table_cell(table, "%s", text_at(service, "spec", "clusterIP", NONE));
	external_cell(table, service);
	ports_cell(table, service);
	age_cell(table, options, service);
	if (options->wide)
		selector_cell(table, service);
}

const struct column_set service_columns = {service_heading, service_row};

/* --- backends --- */

static const char *const backend_keys[] = {
	"service", "port", "pod", "address", "state", "reason", NULL};

static void backend_heading(struct table *table, const struct column_options *options)
{
	static const char *const names[] = {
		"SERVICE", "PORT", "POD", "ADDRESS", "STATE", "REASON", NULL};

	begin_heading(table, options);
	headings(table, names);
}

static void backend_row(
	struct table *table, const struct column_options *options, const json_t *backend)
{
	if (options->namespaces)
		table_cell(table, "%s", json_string_at(backend, "namespace", "default"));
	for (const char *const *key = backend_keys; *key; key++) {
		const json_t *value = json_object_get(backend, *key);

		if (json_is_integer(value))
			table_cell(table, "%lld", json_integer_value(value));
		else
			table_cell(table, "%s", json_string_at(backend, *key, ""));
	}
}

const struct column_set backend_columns = {backend_heading, backend_row};
