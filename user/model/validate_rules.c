// SPDX-License-Identifier: Apache-2.0
/* Rules between fields, for workloads, Pods, Services, data and endpoints. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/err.h"
#include "user/model/causes.h"
#include "user/model/place.h"
#include "user/model/quantity.h"
#include "user/model/selector.h"
#include "user/model/validate.h"
#include "user/model/value.h"

#define DATA_MAX (1u << 20) /* bytes of values in one ConfigMap or Secret */

static void cleanup_selector(struct label_selector **selector)
{
	label_selector_free(*selector);
}

/* A selector that cannot be read was told by its own rows and rules. */
void workload_validate(const json_t *spec, const struct place *place, struct causes *causes)
{
	AUTO_CLEANUP(cleanup_selector) struct label_selector *selector = NULL;
	const json_t *object = json_object_get(spec, "selector");
	const json_t *template = json_object_get(spec, "template");
	json_t *labels = json_object_get(json_object_get(template, "metadata"), "labels");
	const json_t *pods = json_object_get(template, "spec");
	json_t *policy = json_object_get(pods, "restartPolicy");
	const struct place *at = PLACE_KEY(place, "template");
	struct err err;

	if (object && json_object_size(json_object_get(object, "matchLabels")) == 0 &&
		json_array_size(json_object_get(object, "matchExpressions")) == 0)
		cause_invalid(causes, PLACE_KEY(place, "selector"), object,
			"empty selector is invalid for deployment");
	else if (object && label_selector_read(object, &selector, &err) == 0 &&
		 !label_selector_matches(selector, labels))
		cause_invalid(causes, PLACE_KEY(PLACE_KEY(at, "metadata"), "labels"), labels,
			"`selector` does not match template `labels`");
	if (policy && strcmp(json_string_value(policy), "Always") != 0)
		cause_unsupported(causes, PLACE_KEY(PLACE_KEY(at, "spec"), "restartPolicy"), policy,
			(const char *const[]){"Always", NULL});
	if (json_array_size(json_object_get(pods, "ephemeralContainers")))
		cause_forbidden(causes, PLACE_KEY(PLACE_KEY(at, "spec"), "ephemeralContainers"),
			"ephemeral containers not allowed in pod template");
}

void selector_validate(const json_t *object, const struct place *place, struct causes *causes)
{
	const char *op = json_string_at(object, "operator", "");
	bool sets = strcmp(op, "In") == 0 || strcmp(op, "NotIn") == 0;
	bool exists = strcmp(op, "Exists") == 0 || strcmp(op, "DoesNotExist") == 0;
	bool compares = strcmp(op, "Gt") == 0 || strcmp(op, "Lt") == 0;
	size_t count = json_array_size(json_object_get(object, "values"));

	place = PLACE_KEY(place, "values");
	if (sets && count == 0)
		cause_required(
			causes, place, "must be specified when `operator` is 'In' or 'NotIn'");
	if (exists && count > 0)
		cause_forbidden(causes, place,
			"may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
	if (compares && count != 1)
		cause_required(causes, place,
			"must be specified single value when `operator` is 'Lt' or 'Gt'");
}

static bool is_zero_share(const json_t *value)
{
	const char *text = json_string_value(value);

	if (text)
		return strcmp(text, "0%") == 0;
	return json_is_integer(value) && json_integer_value(value) == 0;
}

static void share_validate(
	json_t *value, bool whole_at_most, const struct place *place, struct causes *causes)
{
	const char *text = json_string_value(value);
	size_t digits = text ? strspn(text, "0123456789") : 0;

	if (!text)
		return;
	if (digits == 0 || strcmp(text + digits, "%") != 0)
		cause_invalid(causes, place, value,
			"a valid percent string must be a numeric string followed by an ending '%' "
			"(e.g. "
			"'1%',  or '93%', regex used for validation is '[0-9]+%')");
	else if (whole_at_most && (digits > 3 || atoi(text) > 100))
		cause_invalid(causes, place, value, "must not be greater than 100%");
}

void strategy_validate(const json_t *strategy, const struct place *place, struct causes *causes)
{
	const json_t *rolling = json_object_get(strategy, "rollingUpdate");
	json_t *unavailable = json_object_get(rolling, "maxUnavailable");

	place = PLACE_KEY(place, "rollingUpdate");
	share_validate(unavailable, true, PLACE_KEY(place, "maxUnavailable"), causes);
	share_validate(
		json_object_get(rolling, "maxSurge"), false, PLACE_KEY(place, "maxSurge"), causes);
	if (strcmp(json_string_at(strategy, "type", ""), "Recreate") == 0 && rolling)
		cause_forbidden(
			causes, place, "may not be specified when strategy `type` is 'Recreate'");
	else if (is_zero_share(unavailable) && is_zero_share(json_object_get(rolling, "maxSurge")))
		cause_invalid(causes, PLACE_KEY(place, "maxUnavailable"), unavailable,
			"may not be 0 when `maxSurge` is 0");
}

void disruption_validate(const json_t *spec, const struct place *place, struct causes *causes)
{
	if (json_object_get(spec, "minAvailable") && json_object_get(spec, "maxUnavailable"))
		cause_invalid(
			causes, place, spec, "minAvailable and maxUnavailable cannot be both set");
}

/* --- Pods ---------------------------------------------------------------------------------------- */

/* @volumes: their names, as keys. */
static void mounts_validate(const json_t *container, const json_t *volumes,
	const struct place *place, struct causes *causes)
{
	json_t *mount;
	size_t i;

	place = PLACE_KEY(place, "volumeMounts");
	json_array_foreach (json_object_get(container, "volumeMounts"), i, mount) {
		json_t *name = json_object_get(mount, "name");

		if (name && !json_object_get(volumes, json_string_value(name)))
			cause_not_found(causes, PLACE_KEY(PLACE_INDEX(place, i), "name"), name);
	}
}

void pod_spec_validate(const json_t *spec, const struct place *place, struct causes *causes)
{
	static const char *const lists[] = {"initContainers", "containers", "ephemeralContainers"};
	AUTO_JSON volumes = value_names(json_object_get(spec, "volumes"));
	AUTO_JSON containers = value_names(json_object_get(spec, "containers"));
	const json_t *servers = json_object_get(json_object_get(spec, "dnsConfig"), "nameservers");
	json_t *container;
	size_t i;

	causes->no_memory |= !volumes || !containers;
	for (size_t list = 0; list < COUNT(lists); list++) {
		const struct place *at = PLACE_KEY(place, lists[list]);

		json_array_foreach (json_object_get(spec, lists[list]), i, container) {
			json_t *name = json_object_get(container, "name");

			mounts_validate(container, volumes, PLACE_INDEX(at, i), causes);
			if (list == 0 && name &&
				json_object_get(containers, json_string_value(name)))
				cause_duplicate(
					causes, PLACE_KEY(PLACE_INDEX(at, i), "name"), name);
		}
	}
	ephemeral_names_validate(spec, place, causes);
	if (strcmp(json_string_at(spec, "dnsPolicy", ""), "None") == 0 &&
		json_array_size(servers) == 0)
		cause_required(causes, PLACE_KEY(PLACE_KEY(place, "dnsConfig"), "nameservers"),
			"must provide at least one DNS nameserver when `dnsPolicy` is None");
}

void container_validate(const json_t *container, const struct place *place, struct causes *causes)
{
	const json_t *liveness = json_object_get(container, "livenessProbe");
	const json_t *ports = json_object_get(container, "ports");
	AUTO_JSON seen = json_object();
	json_t *port;
	size_t i;

	json_array_foreach ((json_t *)ports, i, port) {
		const char *name = json_string_at(port, "name", NULL);

		if (name && json_object_get(seen, name))
			cause_duplicate(causes,
				PLACE_KEY(PLACE_INDEX(PLACE_KEY(place, "ports"), i), "name"),
				json_object_get(port, "name"));
		if (name && json_object_set_new(seen, name, json_true()) < 0)
			causes->no_memory = true;
	}
	if (json_integer_at(liveness, "successThreshold", 1) != 1)
		cause_invalid(causes,
			PLACE_KEY(PLACE_KEY(place, "livenessProbe"), "successThreshold"),
			json_object_get(liveness, "successThreshold"), "must be 1");
}

void resources_validate(const json_t *resources, const struct place *place, struct causes *causes)
{
	json_t *limits = json_object_get(resources, "limits"), *value;
	const json_t *requests = json_object_get(resources, "requests");
	const char *name;

	json_object_foreach (limits, name, value) {
		json_t *request = json_object_get(requests, name);
		struct quantity limit, wanted;
		char words[200];

		if (quantity_parse(json_string_value(value), &limit) < 0)
			continue;
		if (limit.nano < 0)
			cause_invalid(causes, PLACE_ENTRY(PLACE_KEY(place, "limits"), name), value,
				"must be greater than or equal to 0");
		snprintf(words, sizeof(words), "must be less than or equal to %.60s limit of %.60s",
			name, json_string_value(value));
		if (request && quantity_parse(json_string_value(request), &wanted) == 0 &&
			wanted.nano > limit.nano)
			cause_invalid(causes, PLACE_KEY(place, "requests"), request, words);
	}
}

void env_validate(const json_t *env, const struct place *place, struct causes *causes)
{
	if (json_object_get(env, "valueFrom") && json_string_at(env, "value", "")[0])
		cause_invalid(causes, PLACE_KEY(place, "valueFrom"), NULL,
			"may not be specified when `value` is not empty");
}

void handler_validate(const json_t *handler, const struct place *place, struct causes *causes)
{
	static const char *const kinds[] = {"exec", "httpGet", "tcpSocket", "grpc", "sleep"};
	unsigned count = 0;

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (json_object_get(handler, kinds[i]) && count++)
			cause_forbidden(causes, PLACE_KEY(place, kinds[i]),
				"may not specify more than 1 handler type");
	if (count == 0)
		cause_required(causes, place, "must specify a handler type");
}

/* What is not its name is a source. */
void volume_validate(const json_t *volume, const struct place *place, struct causes *causes)
{
	const char *key;
	json_t *value;
	unsigned count = 0;

	json_object_foreach ((json_t *)volume, key, value)
		if (strcmp(key, "name") != 0 && count++)
			cause_forbidden(causes, PLACE_KEY(place, key),
				"may not specify more than 1 volume type");
	if (count == 0)
		cause_required(causes, place, "must specify a volume type");
}

/* --- Services, endpoints, data ------------------------------------------------------------------- */

static void port_validate(const json_t *port, bool named, json_t *seen, const struct place *place,
	struct causes *causes)
{
	json_t *name = json_object_get(port, "name");
	const char *text = json_string_value(name);

	if (named && !text)
		cause_required(causes, PLACE_KEY(place, "name"), NULL);
	if (text && json_object_get(seen, text))
		cause_duplicate(causes, PLACE_KEY(place, "name"), name);
	if (text && json_object_set_new(seen, text, json_true()) < 0)
		causes->no_memory = true;
}

/* A number is had once for each protocol.  @seen: "80/port/TCP" (no name of a port is like that). */
static void number_validate(const json_t *port, const char *field, json_t *seen,
	const struct place *place, struct causes *causes)
{
	json_t *number = json_object_get(port, field);
	char key[80];

	if (!json_is_integer(number))
		return;
	snprintf(key, sizeof(key), "%lld/%s/%.16s", (long long)json_integer_value(number), field,
		json_string_at(port, "protocol", ""));
	if (json_object_get(seen, key))
		cause_duplicate(causes, PLACE_KEY(place, field), number);
	if (json_object_set_new(seen, key, json_true()) < 0)
		causes->no_memory = true;
}

void service_spec_validate(const json_t *spec, const struct place *place, struct causes *causes)
{
	const json_t *ports = json_object_get(spec, "ports");
	bool external = strcmp(json_string_at(spec, "type", ""), "ExternalName") == 0;
	bool headless = strcmp(json_string_at(spec, "clusterIP", ""), "None") == 0;
	AUTO_JSON seen = json_object();
	json_t *port;
	size_t i;

	if (json_array_size(ports) == 0 && !external && !headless)
		cause_required(causes, PLACE_KEY(place, "ports"), NULL);
	if (external && !json_object_get(spec, "externalName"))
		cause_required(causes, PLACE_KEY(place, "externalName"), NULL);
	json_array_foreach ((json_t *)ports, i, port) {
		const struct place *at = PLACE_INDEX(PLACE_KEY(place, "ports"), i);

		port_validate(port, json_array_size(ports) > 1, seen, at, causes);
		number_validate(port, "port", seen, at, causes);
		number_validate(port, "nodePort", seen, at, causes);
	}
}

void endpoint_validate(const json_t *address, const struct place *place, struct causes *causes)
{
	json_t *ip = json_object_get(address, "ip");
	struct in_addr parsed;

	if (!ip || inet_pton(AF_INET, json_string_value(ip), &parsed) != 1)
		return;
	place = PLACE_KEY(place, "ip");
	if (ntohl(parsed.s_addr) >> 24 == 127)
		cause_invalid(causes, place, ip,
			"may not be in the loopback range (127.0.0.0/8, ::1/128)");
	if (ntohl(parsed.s_addr) >> 16 == 0xa9fe)
		cause_invalid(causes, place, ip,
			"may not be in the link-local range (169.254.0.0/16, fe80::/10)");
}

void data_validate(const json_t *object, const struct place *place, struct causes *causes)
{
	bool secret = strcmp(json_string_at(object, "kind", ""), "Secret") == 0;
	const json_t *data = json_object_get(object, "data");
	json_t *binary = json_object_get(object, "binaryData"), *value;
	const char *key;

	json_object_foreach (binary, key, value)
		if (json_object_get(data, key))
			cause_invalid(causes, PLACE_ENTRY(PLACE_KEY(place, "data"), key), NULL,
				"duplicate of key present in binaryData");
	if (value_map_bytes(data, secret) + value_map_bytes(binary, true) > DATA_MAX)
		cause_too_long(causes, secret ? PLACE_KEY(place, "data") : place, DATA_MAX);
}
